/** What is shown, as a file or on the clipboard. */
import { csvLine, plain } from '../../format.ts'
import type { Cell, Column } from '../section.ts'

/** @param rows indices of the rows that are shown, in their order */
export function csvOf(columns: readonly Column[], rows: readonly number[]): string {
  const head = csvLine(columns.map(({ head }) => plain(head)))
  return [head, ...rows.map((row) => csvLine(columns.map(({ cells }) => cellOf(cells[row]!))))].join('')
}

export function jsonOf(columns: readonly Column[], rows: readonly number[]): string {
  const objects = rows.map((row) =>
    Object.fromEntries(columns.map(({ head, cells }) => [head, cells[row]!.value ?? textOf(cells[row]!)])),
  )
  return `${JSON.stringify(objects, null, 1)}\n`
}

export function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }))
  const link = Object.assign(document.createElement('a'), { href: url, download: name })
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

/** @returns whether it came there */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    // Where the page may not write there, as from some mail programs: the older way, which a click still allows.
    const area = Object.assign(document.createElement('textarea'), { value: text })
    document.body.append(area)
    area.select()
    const copied = document.execCommand('copy')
    area.remove()
    return copied
  }
}

/** Values in full; unknown is empty. */
function cellOf({ text, value }: Cell): string | number | null {
  return typeof value === 'number' || value === null ? value : plain(text)
}

function textOf({ text, value }: Cell): string | null {
  return value === null ? null : text
}
