/** Tables for a terminal: aligned, as wide as it is, and without a character that could steer it. */
import { plain } from './words.ts'

export interface TerminalOptions {
  colour: boolean
  /** Columns of the terminal. */
  width: number
}

export type Tone = 'good' | 'bad' | 'quiet' | 'strong'

export interface TerminalCell {
  text: string
  tone?: Tone
}

export interface TerminalColumn {
  head: string
  align: 'left' | 'right'
  cells: TerminalCell[]
  /** Where the table is too wide, the column with the highest number goes first; 0 stays. */
  expendable: number
}

const GAP = '  '
const CODES: Record<Tone, string> = { good: '32', bad: '31', quiet: '2', strong: '1' }
const NARROWEST = 8

export function paint(text: string, tone: Tone | undefined, colour: boolean): string {
  return colour && tone ? `\u001b[${CODES[tone]}m${text}\u001b[0m` : text
}

/** Lines without trailing spaces. */
export function terminalTable(
  columns: readonly TerminalColumn[],
  { colour, width }: TerminalOptions,
): string[] {
  const kept = fitting(columns, width)
  const widths = narrowed(kept, width)
  const line = (cells: readonly TerminalCell[]) =>
    cells
      .map((cell, i) => {
        const { align } = kept[i]!
        const text = cut(plain(cell.text), widths[i]!)
        const space = ' '.repeat(widths[i]! - columnsOf(text))
        const painted = paint(text, cell.tone, colour)
        if (align === 'right') return space + painted
        return i === kept.length - 1 ? painted : painted + space
      })
      .join(GAP)
      .trimEnd()
  const height = Math.max(0, ...kept.map(({ cells }) => cells.length))
  return [
    line(kept.map(({ head }) => ({ text: head, tone: 'strong' }))),
    ...Array.from({ length: height }, (_, i) => line(kept.map(({ cells }) => cells[i] ?? { text: '' }))),
  ]
}

/** Words broken into lines of the width; later lines indented. */
export function wrapped(text: string, width: number, indent = ''): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of plain(text).split(' ')) {
    if (line !== '' && columnsOf(line) + 1 + columnsOf(word) > width) {
      lines.push(line)
      line = indent + word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/** Columns that a text takes in a terminal: none for marks that combine, two for wide letters. */
export function columnsOf(text: string): number {
  let columns = 0
  for (const character of text) {
    if (/\p{Mark}/u.test(character)) continue
    columns +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
        character,
      )
        ? 2
        : 1
  }
  return columns
}

function fitting(columns: readonly TerminalColumn[], width: number): TerminalColumn[] {
  let kept = [...columns]
  while (total(kept.map(natural)) > width) {
    const first = kept.reduce((worst, column) => (column.expendable > worst.expendable ? column : worst))
    if (first.expendable === 0) break
    kept = kept.filter((column) => column !== first)
  }
  return kept
}

/** Takes from the widest column until the table fits or nothing is left to take. */
function narrowed(columns: readonly TerminalColumn[], width: number): number[] {
  const widths = columns.map(natural)
  while (total(widths) > width) {
    const widest = widths.indexOf(Math.max(...widths))
    if (widths[widest]! <= NARROWEST) break
    widths[widest]!--
  }
  return widths
}

function natural({ head, cells }: TerminalColumn): number {
  return cells.reduce((most, { text }) => Math.max(most, columnsOf(plain(text))), columnsOf(plain(head)))
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + GAP.length * Math.max(0, widths.length - 1)
}

function cut(text: string, width: number): string {
  if (columnsOf(text) <= width) return text
  let short = ''
  for (const character of text) {
    if (columnsOf(short + character) > width - 1) break
    short += character
  }
  return `${short}…`
}
