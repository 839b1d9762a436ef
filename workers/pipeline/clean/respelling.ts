/** Clean codes of one category column: clean spellings, and what stands for a missing value. */

import type { CategoryColumn } from '../../data/columns.ts'
import { isKernelArray, type Kernels, newInts } from '../../kernels.ts'

/** How one category column's values are spelled afterwards. */
export interface CategoryRule {
  /** The value that stands for a missing one; without it, missing stays missing. */
  missing?: string
  /** The clean spelling of a value; called once a distinct value. */
  spell?: (value: string) => string
  /** The most frequent value so far stands for a missing one. */
  mostFrequent?: boolean
}

export interface RespellingState {
  dictionary: string[]
  /** By code; where the most frequent value fills gaps. */
  counts?: number[]
}

const UNMET = -2

export class Respelling {
  readonly column: number
  /** Valid after `apply`; the dictionary is in order of first appearance, also after a resume. */
  readonly clean: CategoryColumn & { dictionary: string[] }
  /** Missing values filled in so far. */
  filled = 0
  private readonly rule: CategoryRule
  /** Clean code by source code + 1 (0 stands for missing); UNMET where not yet met. */
  private codes: Int32Array
  private readonly kernels: Kernels | null
  private readonly known = new Map<string, number>()
  private readonly counts: number[]
  private best = -1

  /** @param kernels what computes on codes in its memory; null: JavaScript */
  constructor(
    column: number,
    name: string,
    rule: CategoryRule,
    state?: RespellingState,
    kernels: Kernels | null = null,
  ) {
    this.kernels = kernels
    this.codes = newInts(kernels, 1).fill(UNMET)
    this.column = column
    this.rule = rule
    this.clean = {
      kind: 'category',
      name,
      codes: new Int32Array(0),
      dictionary: [...(state?.dictionary ?? [])],
    }
    for (const [code, value] of this.clean.dictionary.entries()) this.known.set(value, code)
    this.counts = [...(state?.counts ?? [])]
    for (const [code, count] of this.counts.entries()) {
      if (this.best < 0 || count > this.counts[this.best]!) this.best = code
    }
  }

  apply(column: CategoryColumn, rows: number): void {
    const met = column.dictionary.length + 1
    if (this.codes.length < met) {
      const grown = newInts(this.kernels, met * 2).fill(UNMET)
      grown.set(this.codes)
      this.kernels?.free(this.codes)
      this.codes = grown
    }
    const { codes: cleanCodes } = this
    const { codes } = column
    const kernels = isKernelArray(codes) ? this.kernels : null
    for (let row = 0; row < rows; row += 1) {
      if (kernels !== null) {
        row = kernels.run.respell(codes.byteOffset, row, rows, cleanCodes.byteOffset)
        if (row === rows) break
      }
      const source = codes[row]! + 1
      let code = cleanCodes[source]!
      if (code === UNMET) {
        code = this.meet(source === 0 ? null : column.dictionary[source - 1]!)
        cleanCodes[source] = code
      }
      codes[row] = code
    }
    if (this.rule.mostFrequent === true) this.fillByFrequency(codes, rows)
    this.clean.codes = codes
  }

  toJSON(): RespellingState {
    const { dictionary } = this.clean
    return {
      dictionary: [...dictionary],
      ...(this.rule.mostFrequent === true && { counts: [...this.counts] }),
    }
  }

  /** Of equally frequent values, the one with the smaller code. */
  private fillByFrequency(codes: Int32Array, rows: number): void {
    const { counts } = this
    let { best } = this
    for (let row = 0; row < rows; row += 1) {
      const code = codes[row]!
      if (code < 0) {
        if (best < 0) continue
        codes[row] = best
        this.filled += 1
        continue
      }
      const count = (counts[code] ?? 0) + 1
      counts[code] = count
      const most = best < 0 ? 0 : counts[best]!
      if (count > most || (count === most && code < best)) best = code
    }
    this.best = best
  }

  /** Clean code of a value met for the first time. */
  private meet(value: string | null): number {
    const { rule, known, clean } = this
    const spelled = value === null ? rule.missing : (rule.spell?.(value) ?? value)
    if (spelled === undefined) return -1
    let code = known.get(spelled)
    if (code === undefined) {
      code = clean.dictionary.push(spelled) - 1
      known.set(spelled, code)
    }
    return code
  }
}
