import { expect, it } from 'vitest'
import type { ColumnChunk } from '../../../workers/data/columns.ts'
import { Duplicates, REMEMBERED_ROWS } from '../../../workers/pipeline/validate/duplicates.ts'
import { randomNumbers } from '../learn/batches.ts'

function chunkOf(values: number[], firstRow: number): ColumnChunk {
  const column = { kind: 'number' as const, name: 'x', values: Float64Array.from(values) }
  return { rows: values.length, firstRow, bytes: 0, columns: [column] }
}

/** Two sets that take turns, as the rows that are remembered are described. */
class Model {
  private recent = new Set<number>()
  private older = new Set<number>()

  seen(value: number): boolean {
    if (this.recent.has(value) || this.older.has(value)) return true
    this.recent.add(value)
    if (this.recent.size === REMEMBERED_ROWS) {
      this.older = this.recent
      this.recent = new Set()
    }
    return false
  }
}

it.each([false, true])(
  'finds what is among the rows remembered and nothing else; restored: %s',
  (restore) => {
    const random = randomNumbers(12)
    const values: number[] = []
    // Repeats from near and far, beyond what is remembered too.
    for (let i = 0; i < 120_000; i += 1) {
      const back = 1 + Math.floor(random() ** 2 * 60_000)
      values.push(random() < 0.3 && back <= i ? values[i - back]! : i)
    }
    const model = new Model()
    let duplicates = new Duplicates()
    for (let from = 0; from < values.length; from += 5000) {
      const chunk = values.slice(from, from + 5000)
      const expected = chunk.filter((value) => model.seen(value)).length
      expect(duplicates.check(chunkOf(chunk, from), chunk.length)).toBe(expected)
      if (restore) duplicates = new Duplicates(JSON.parse(JSON.stringify(duplicates)))
    }
  },
)
