/** One-hot indexes for the values of categorical slots, handed out in order of first appearance over all slots. */

/** By index: the slot's name and the value. */
export type OneHotState = [slot: string, value: string][]

const UNMET = -2

export class OneHotIndex {
  private readonly slots: readonly string[]
  private readonly known: Map<string, number>[]
  /** By slot: index by dictionary code; UNMET where the code was not yet asked for. */
  private readonly byCode: Int32Array[]
  private readonly names: OneHotState = []

  constructor(slots: readonly string[], state: OneHotState = []) {
    this.slots = slots
    this.known = slots.map(() => new Map())
    this.byCode = slots.map(() => new Int32Array(0))
    for (const [slot, value] of state) {
      const at = slots.indexOf(slot)
      if (at < 0) throw new RangeError(`no categorical slot "${slot}"; slots: ${slots.join(', ')}`)
      this.indexOf(at, value)
    }
  }

  /** Indexes handed out so far. */
  get size(): number {
    return this.names.length
  }

  /** Index by dictionary code for one slot, UNMET entries to be settled by `meet`; grown to `codes` entries. */
  table(slot: number, codes: number): Int32Array {
    const table = this.byCode[slot]!
    if (table.length >= codes) return table
    const grown = new Int32Array(codes * 2).fill(UNMET)
    grown.set(table)
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
    return this.names.map(([slot, value]) => [slot, value])
  }

  private indexOf(slot: number, value: string): number {
    const known = this.known[slot]!
    let index = known.get(value)
    if (index === undefined) {
      index = this.names.push([this.slots[slot]!, value]) - 1
      known.set(value, index)
    }
    return index
  }
}
