/** Random numbers that a seed fixes, the same on every machine. */

/** Uniform on [0, 1) with 53 bits: xoshiro128** (Blackman & Vigna 2018), its state filled by SplitMix32. */
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

/** Shuffles `values[from..to)` in place (Fisher & Yates). */
export function shuffle(values: Float64Array, from: number, to: number, random: () => number): void {
  for (let i = to - 1; i > from; i--) {
    const j = from + Math.floor(random() * (i - from + 1))
    const held = values[i]!
    values[i] = values[j]!
    values[j] = held
  }
}
