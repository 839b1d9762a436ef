/** CSV for spreadsheets and scripts: numbers in full, unknown empty, and no cell that a spreadsheet would run. */
import { table } from 'arquero'
import { spreadsheetText } from '../../format.ts'
import type { CsvValue, DataTable } from '../section.ts'

export function csvText({ columns }: Pick<DataTable, 'columns'>): string {
  // The names as a first row: as names of arquero's columns they would be keys of an object.
  const cells = columns.map(([name, values], i): [string, unknown[]] => [
    String(i),
    [spreadsheetText(name), ...values.map(cell)],
  ])
  return table(cells).toCSV({ header: false })
}

function cell(value: CsvValue): string | number | boolean | null {
  if (typeof value === 'string') return spreadsheetText(value)
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  return value ?? null
}
