/** A seeded generator of our own, so that the same seed gives the same data on every machine and Node version. */

const TWO_32 = 2 ** 32

export interface RandomState {
  a: number
  b: number
  c: number
  counter: number
}

/** sfc32 (C. Doty-Humphrey, PractRand): 128 bits of state, 32 bits a call. */
export class Random {
  private a: number
  private b: number
  private c: number
  private counter = 1

  constructor(seed: number) {
    this.a = seed | 0
    this.b = Math.floor(seed / TWO_32) | 0
    this.c = 0
    // As its author does, so that seeds which differ in one bit lead to unrelated streams.
    for (let i = 0; i < 15; i += 1) this.bits()
  }

  /** Goes on where the other one was. */
  static fromJSON({ a, b, c, counter }: RandomState): Random {
    const random = new Random(0)
    random.a = a
    random.b = b
    random.c = c
    random.counter = counter
    return random
  }

  toJSON(): RandomState {
    const { a, b, c, counter } = this
    return { a, b, c, counter }
  }

  /** 32 random bits as a signed integer. */
  bits(): number {
    const t = (this.a + this.b + this.counter) | 0
    this.counter = (this.counter + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = (((this.c << 21) | (this.c >>> 11)) + t) | 0
    return t
  }

  /** Writes what so many calls of `bits` would return. */
  fill(out: Int32Array): void {
    // Known to be whole numbers, they stay in registers: three times as fast.
    let a = this.a | 0
    let b = this.b | 0
    let c = this.c | 0
    let counter = this.counter | 0
    for (let i = 0; i < out.length; i++) {
      const t = (a + b + counter) | 0
      counter = (counter + 1) | 0
      a = b ^ (b >>> 9)
      b = (c + (c << 3)) | 0
      c = (((c << 21) | (c >>> 11)) + t) | 0
      out[i] = t
    }
    this.a = a
    this.b = b
    this.c = c
    this.counter = counter
  }

  /** Uniform in [0, 1), a multiple of 2^-32. */
  uniform(): number {
    return (this.bits() >>> 0) / TWO_32
  }

  /** Uniform in 0 .. n - 1. */
  below(n: number): number {
    return Math.floor(this.uniform() * n)
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!
  }

  /** Mean 0, variance 1, within +-2 sqrt 3: the sum of four uniforms (Irwin-Hall), bounded so that nothing needs clipping. */
  bounded(): number {
    return (this.uniform() + this.uniform() + this.uniform() + this.uniform() - 2) * Math.sqrt(3)
  }
}

/** Draws values in proportion to their weights. */
export class Weighted<T> {
  private readonly values: T[]
  private readonly ends: number[] = []

  constructor(weights: readonly (readonly [value: T, weight: number])[]) {
    this.values = weights.map(([value]) => value)
    const total = weights.reduce((sum, [, weight]) => sum + weight, 0)
    let end = 0
    for (const [, weight] of weights) {
      end += weight
      this.ends.push(end / total)
    }
  }

  /** The value at quantile `u` in [0, 1). */
  at(u: number): T {
    let i = 0
    while (i < this.ends.length - 1 && u >= this.ends[i]!) i += 1
    return this.values[i]!
  }
}

/** 32 well-mixed bits of a whole number, from 0 on (the finaliser of MurmurHash3, A. Appleby). */
export function mixedBits(value: number, seed: number): number {
  let h = Math.imul(value ^ Math.imul(seed, 0x9e3779b1), 0x85ebca6b) ^ seed
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
