/** CSV for spreadsheets and scripts: numbers in full, unknown empty, and no cell that a spreadsheet would run. */
import { table } from 'arquero'
import type { CsvValue, DataTable } from '../section.ts'
import { plain } from '../words.ts'

export function csvText({ columns }: Pick<DataTable, 'columns'>): string {
  // The names as a first row: as names of arquero's columns they would be keys of an object.
  const cells = columns.map(([name, values], i): [string, unknown[]] => [
    String(i),
    [guarded(name), ...values.map(cell)],
  ])
  return table(cells).toCSV({ header: false })
}

function cell(value: CsvValue): string | number | boolean | null {
  if (typeof value === 'string') return guarded(value)
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  return value ?? null
}

/** Spreadsheets take text that starts like a formula for one, and a name may come from anywhere. */
function guarded(text: string): string {
  const printable = plain(text)
  return /^\s*[=+\-@]/.test(printable) ? `'${printable}` : printable
}
