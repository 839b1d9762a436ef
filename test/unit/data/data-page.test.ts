/** The reference page on data says of dates what is done. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { parseDate } from '../../../workers/data/dates.ts'
import { DATE_FORMATS, type DateFormat } from '../../../workers/data/types.ts'

const page = readFileSync(new URL('../../../docs/reference/data.md', import.meta.url), 'utf8')
const rows = page
  .slice(page.indexOf('<!-- date-forms: begin -->'), page.indexOf('<!-- date-forms: end -->'))
  .split('\n')
  .map((line) => /^\| `(\w+)` \| (.*) \|$/.exec(line))
  .filter((match) => match !== null)

it('lists every form of dates', () => {
  expect(rows.map(([, format]) => format).sort()).toEqual([...DATE_FORMATS].sort())
})

it.each(
  rows.flatMap(([, format, cell]) => [...cell!.matchAll(/`([^`]+)`/g)].map(([, text]) => [format!, text!])),
)('reads a date of the form %s as in %s', (format, text) => {
  const day = parseDate(text, format as DateFormat)
  const [date, time] = [5477, (13 * 60 + 45) / 1440]
  if (format === 'time') expect(day).toBeCloseTo(time, 10)
  else if (format === 'ym') expect(day).toBe(date - 29)
  else expect(day).toBeCloseTo(text.includes(':') ? date + time : date, 10)
})
