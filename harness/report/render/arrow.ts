/** A table as an Arrow file: columns with their types, for notebooks and databases. */
import { table } from 'arquero'
import type { CsvValue, DataTable } from '../section.ts'
import { plain } from '../words.ts'

/** In Arrow's IPC file format. Unknown is null; a column of mixed values is text. */
export function arrowFile({ columns }: Pick<DataTable, 'columns'>): Buffer {
  const typed = columns.map(([name, values]): [string, unknown[]] => [plain(name), columnOf(values)])
  return Buffer.from(table(typed).toArrowIPC({ format: 'file' }))
}

function columnOf(values: readonly CsvValue[]): (string | number | boolean | null)[] {
  const known = values.map((value) =>
    value === undefined || (typeof value === 'number' && !Number.isFinite(value)) ? null : value,
  )
  const types = new Set(known.filter((value) => value !== null).map((value) => typeof value))
  return types.size > 1 ? known.map((value) => (value === null ? null : String(value))) : known
}
