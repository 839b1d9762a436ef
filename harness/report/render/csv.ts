/** CSV for spreadsheets and scripts: numbers in full, unknown empty, and no cell that a spreadsheet would run. */
import { csvLine, plain } from '../../format.ts'
import type { CsvValue, DataTable } from '../section.ts'

export function csvText({ columns }: Pick<DataTable, 'columns'>): string {
  const rows = columns.reduce((most, [, values]) => Math.max(most, values.length), 0)
  const lines = [csvLine(columns.map(([name]) => plain(name)))]
  for (let row = 0; row < rows; row++) lines.push(csvLine(columns.map(([, values]) => cell(values[row]))))
  return lines.join('')
}

function cell(value: CsvValue | undefined): CsvValue | undefined {
  return typeof value === 'string' ? plain(value) : value
}
