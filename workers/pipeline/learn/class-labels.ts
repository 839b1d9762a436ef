/** A label target as class indexes, in order of first appearance. */
import type { ColumnChunk, NumberColumn } from '../../data/columns.ts'
import { strictNumber } from '../../data/decode.ts'

export class ClassLabels {
  /** By class index. */
  readonly names: string[] = []
  private readonly target: string
  private readonly known = new Map<string, number>()
  /** Class by dictionary code; -1 where not yet met. */
  private byCode = new Int32Array(0)
  private readonly column: NumberColumn
  private readonly out: ColumnChunk = { rows: 0, firstRow: 0, columns: [], bytes: 0 }

  constructor(target: string, names: readonly string[] = []) {
    this.target = target
    this.column = { kind: 'number', name: target, values: new Float64Array(0) }
    for (const name of names) this.classOf(name)
  }

  /** The same chunk with the target as numbers, NaN where it is missing; valid as long as the chunk is. */
  encode(chunk: ColumnChunk): ColumnChunk {
    const { out } = this
    out.rows = chunk.rows
    out.firstRow = chunk.firstRow
    out.bytes = chunk.bytes
    for (let i = 0; i < chunk.columns.length; i += 1) {
      const column = chunk.columns[i]!
      if (column.kind !== 'category' || column.name !== this.target) out.columns[i] = column
      else {
        this.fill(column.codes, column.dictionary, chunk.rows)
        out.columns[i] = this.column
      }
    }
    return out
  }

  toJSON(): string[] {
    return [...this.names]
  }

  private fill(codes: Int32Array, dictionary: readonly string[], rows: number): void {
    if (this.byCode.length < dictionary.length) {
      const grown = new Int32Array(dictionary.length * 2).fill(-1)
      grown.set(this.byCode)
      this.byCode = grown
    }
    if (this.column.values.length < rows) this.column.values = new Float64Array(rows)
    const { values } = this.column
    for (let row = 0; row < rows; row += 1) {
      const code = codes[row]!
      if (code < 0) {
        values[row] = Number.NaN
        continue
      }
      let k = this.byCode[code]!
      if (k < 0) {
        k = this.classOf(dictionary[code]!)
        this.byCode[code] = k
      }
      values[row] = k
    }
  }

  private classOf(name: string): number {
    let k = this.known.get(name)
    if (k === undefined) {
      k = this.names.push(name) - 1
      this.known.set(name, k)
    }
    return k
  }
}

/** Labels that say yes, whatever their case. */
const AFFIRMATIVE: readonly string[] = [
  ...['1', 'true', 'yes', 'ja', 'wahr', 'oui', 'vrai', 'sí', 'si', 'sim', 'tak', 'да', '✓'],
]

/**
 * The label of two that F1 is of: the one chosen; else the one that says yes; else the larger one, numbers by value and
 * text by its characters. So it does not hang on which label comes first.
 */
export function positiveLabel(a: string, b: string, chosen?: string): string {
  if (a === chosen || b === chosen) return chosen
  const [yesA, yesB] = [a, b].map((label) => AFFIRMATIVE.includes(label.toLowerCase()))
  if (yesA !== yesB) return yesA ? a : b
  const [x, y] = [strictNumber(a), strictNumber(b)]
  const larger = x !== null && y !== null && x !== y ? x > y : a > b
  return larger ? a : b
}
