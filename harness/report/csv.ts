/** CSV for spreadsheets and scripts: numbers in full, unknown empty, and no cell that a spreadsheet would run. */
import { table } from 'arquero'
import { plain } from './words.ts'

export type CsvValue = string | number | boolean | null | undefined

/** @param columns name and values; all of one length */
export function toCsv(columns: readonly (readonly [name: string, values: readonly CsvValue[]])[]): string {
  return table(
    columns.map(([name, values]) => [guarded(name), values.map(cell)] as [string, unknown[]]),
  ).toCSV()
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
