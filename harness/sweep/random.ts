/** A small seeded generator: the same order of trials on every machine. */

/** Mulberry32 by Tommy Ettinger (public domain): uniform in [0, 1), period 2^32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Fisher-Yates (Durstenfeld's form), in place: every order equally likely. */
export function shuffle<T>(items: T[], random: () => number): T[] {
  for (let last = items.length - 1; last > 0; last--) {
    const chosen = Math.floor(random() * (last + 1))
    const held = items[last]!
    items[last] = items[chosen]!
    items[chosen] = held
  }
  return items
}
