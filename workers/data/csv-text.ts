/** The one writer of CSV: RFC 4180 with lines ending in LF, and no cell that a spreadsheet would run. */

export type CsvValue = string | number | boolean | null | undefined

/** What spreadsheets take for the start of a formula, in the wide forms of East Asian keyboards too. */
const FORMULA = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r]/
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

/** Text with an apostrophe in front where a spreadsheet would run it. */
export function spreadsheetText(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text
}

/**
 * One field. A number reads back to the same bits, the sign of a zero included; what is unknown or infinite is empty.
 * @param numbersStay leaves text that is a number as it is, for files that other tools read rather than people
 */
export function csvField(value: CsvValue, numbersStay = false): string {
  if (typeof value === 'number')
    return !Number.isFinite(value) ? '' : Object.is(value, -0) ? '-0' : String(value)
  if (typeof value !== 'string') return value === null || value === undefined ? '' : String(value)
  const safe = numbersStay && NUMBER.test(value) ? value : spreadsheetText(value)
  // A semicolon and a tab part fields as well where a spreadsheet is told so, or thinks so.
  return /[",;\t\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** One line with its end. */
export function csvLine(values: readonly CsvValue[], numbersStay = false): string {
  return `${values.map((value) => csvField(value, numbersStay)).join(',')}\n`
}
