/**
 * One-hot indexes for the values of categorical slots, handed out in order of first appearance over all slots. A slot
 * that has had its share of indexes hashes the values that come later into a few more.
 */

import { hashText } from '../../data/hash.ts'
import { type Kernels, newInts } from '../../kernels.ts'

/** By index: the slot's name and the value; `hashed` where the index stands for all values of one hash. */
export type OneHotState = [slot: string, value: string, hashed?: true][]

export interface OneHotBounds {
  /** Values of a slot that get an index of their own. */
  max_categories: number
  /** Indexes for all later values of a slot. */
  hash_buckets: number
}

export const ONE_HOT_BOUNDS: OneHotBounds = { max_categories: 1024, hash_buckets: 32 }

const UNMET = -2

export class OneHotIndex {
  private readonly slots: readonly string[]
  private readonly bounds: OneHotBounds
  private readonly known: Map<string, number>[]
  /** By slot: index of each bucket. */
  private readonly buckets: Map<number, number>[]
  /** By slot: index by dictionary code; UNMET where the code was not yet asked for. */
  private readonly byCode: Int32Array[]
  private readonly names: OneHotState = []
  private readonly kernels: Kernels | null

  /** @param kernels in whose memory the tables by code lie; null for arrays of JavaScript's */
  constructor(
    slots: readonly string[],
    state: OneHotState = [],
    bounds: OneHotBounds = ONE_HOT_BOUNDS,
    kernels: Kernels | null = null,
  ) {
    this.slots = slots
    this.kernels = kernels
    this.bounds = bounds
    this.known = slots.map(() => new Map())
    this.buckets = slots.map(() => new Map())
    this.byCode = slots.map(() => new Int32Array(0))
    for (const [slot, value, hashed] of state) {
      const at = slots.indexOf(slot)
      if (at < 0) throw new RangeError(`no categorical slot "${slot}"; slots: ${slots.join(', ')}`)
      if (hashed === true) this.bucketIndex(at, Number(value.slice(1)))
      else this.indexOf(at, value)
    }
  }

  /** Indexes handed out so far. */
  get size(): number {
    return this.names.length
  }

  /** Slots in which values are hashed. */
  get hashedSlots(): string[] {
    return this.slots.filter((_, slot) => this.buckets[slot]!.size > 0)
  }

  /** Index by dictionary code for one slot, UNMET entries to be settled by `meet`; grown to `codes` entries. */
  table(slot: number, codes: number): Int32Array {
    const table = this.byCode[slot]!
    if (table.length >= codes) return table
    const grown = newInts(this.kernels, codes * 2).fill(UNMET)
    grown.set(table)
    this.kernels?.free(table)
    this.byCode[slot] = grown
    return grown
  }

  /** Settles a code of which the table says less than 0. */
  meet(slot: number, code: number, dictionary: readonly string[]): number {
    const index = this.indexOf(slot, dictionary[code]!)
    this.byCode[slot]![code] = index
    return index
  }

  toJSON(): OneHotState {
    return this.names.map((name) => [...name])
  }

  private indexOf(slot: number, value: string): number {
    const known = this.known[slot]!
    const index = known.get(value)
    if (index !== undefined) return index
    const { max_categories, hash_buckets } = this.bounds
    if (known.size >= max_categories) return this.bucketIndex(slot, hashText(value) % hash_buckets)
    const next = this.names.push([this.slots[slot]!, value]) - 1
    known.set(value, next)
    return next
  }

  private bucketIndex(slot: number, bucket: number): number {
    const buckets = this.buckets[slot]!
    let index = buckets.get(bucket)
    if (index === undefined) {
      index = this.names.push([this.slots[slot]!, `#${bucket}`, true]) - 1
      buckets.set(bucket, index)
    }
    return index
  }
}
