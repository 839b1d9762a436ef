/** Random numbers that a seed fixes: the same on every machine and with every version of Node. */

/**
 * Uniform on [0, 1) with 53 bits: xoshiro128** 1.1 (Blackman and Vigna, "Scrambled linear pseudorandom number
 * generators", ACM TOMS 47, 2021), its state filled by SplitMix32. Period 2^128 - 1.
 */
export function randomStream(seed: number): () => number {
  let mix = seed >>> 0
  const splitMix = () => {
    mix = (mix + 0x9e3779b9) >>> 0
    let z = mix
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    return (z ^ (z >>> 16)) >>> 0
  }
  let [a, b, c, d] = [splitMix(), splitMix(), splitMix(), splitMix()]
  const next = () => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = rotate(d, 11)
    return result
  }
  return () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53
}

function rotate(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits))
}

/**
 * Uniform on [0, 1) with 32 bits: Mulberry32 (Tommy Ettinger, 2017, public domain). Period 2^32. Only for the order of
 * a run's trials, which recorded runs are resumed in and so must stay as it is.
 */
export function orderStream(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Shuffles `values[from..to)` in place, every order equally likely (Fisher and Yates, in Durstenfeld's form). */
export function shuffle<List extends unknown[] | Float64Array>(
  values: List,
  random: () => number,
  from = 0,
  to = values.length,
): List {
  const places: { [index: number]: unknown } = values
  for (let last = to - 1; last > from; last--) {
    const chosen = from + Math.floor(random() * (last - from + 1))
    const held = places[last]
    places[last] = places[chosen]
    places[chosen] = held
  }
  return values
}
