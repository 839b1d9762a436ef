/** Which row of the data each row that was kept comes from. */

export interface RowNumbersState {
  kept: number
  gone: number
  drops: number[]
}

/** Told of every chunk; asked in order, so that what was asked is forgotten. */
export class RowNumbers {
  private kept: number
  /** Rows dropped before the last row asked for. */
  private gone: number
  /** For each row dropped since: how many were kept before it. */
  private drops: number[]

  constructor(state: RowNumbersState = { kept: 0, gone: 0, drops: [] }) {
    this.kept = state.kept
    this.gone = state.gone
    this.drops = [...state.drops]
  }

  /** @param rows rows of the chunk; `dropped`: those that went, ascending */
  take(rows: number, dropped: readonly number[]): void {
    for (const [i, row] of dropped.entries()) this.drops.push(this.kept + row - i)
    this.kept += rows - dropped.length
  }

  /** Number in the data, from 0, of the kept row `row`, from 0. Rows must not be asked for in falling order. */
  of(row: number): number {
    let passed = 0
    while (passed < this.drops.length && this.drops[passed]! <= row) passed += 1
    if (passed > 0) {
      this.drops = this.drops.slice(passed)
      this.gone += passed
    }
    return row + this.gone
  }

  toJSON(): RowNumbersState {
    return { kept: this.kept, gone: this.gone, drops: this.drops }
  }
}
