/** A report on a terminal: as wide as it is, with its tables aligned, and no character that could steer it. */
import stringWidth from 'fast-string-width'
import { count } from '../../format.ts'
import {
  type Block,
  type Cell,
  type Column,
  type Report,
  shortened,
  type Table,
  type Tone,
} from '../section.ts'
import { plain } from '../words.ts'
import { textPlotLines } from './text-plot.ts'

export interface TerminalOptions {
  colour: boolean
  /** Columns of the terminal. */
  width: number
  /** Its rows; absent where they are not known, and then there are no plots. */
  height?: number
  /** Whether a file that has more is there: without it nothing is cut short. Absent: it is. */
  hasFile?: (file: string) => boolean
}

const GAP = '  '
const CODES: Record<Tone, string> = { good: '32', bad: '31', quiet: '2', strong: '1' }
const NARROWEST = 8
/** Rows of a table and lines of a list, where a file has the rest. */
const MOST_ROWS = 40
const MOST_ITEMS = 8

/** Several lines without a final newline. */
export function terminalText(report: Report, options: TerminalOptions): string {
  const { title, subtitle, answer, sections } = report
  const head = [
    ...paragraph(answer.text, answer.tone, options),
    ...paragraph(title, 'strong', options),
    ...(subtitle === '' ? [] : paragraph(subtitle, 'quiet', options)),
  ]
  const bodies = sections
    .map(({ blocks }) => blocks.flatMap((block) => blockLines(block, options)))
    .filter((lines) => lines.length > 0)
  return [head, ...bodies].map((lines) => lines.join('\n')).join('\n\n')
}

function blockLines(block: Block, options: TerminalOptions): string[] {
  if (block.pages) return []
  switch (block.kind) {
    case 'text':
      return paragraph(block.text, block.tone, options)
    case 'facts':
      return block.facts.flatMap(([name, value]) => bullet('', `${name}: ${value}`, undefined, options))
    case 'list': {
      const { items } = block
      const file = fileOf(block, options)
      const shown = file === undefined ? items : items.slice(0, MOST_ITEMS)
      return [
        ...shown.flatMap(({ text, tone }) => bullet('- ', text, tone, options)),
        ...rest(items.length - shown.length, 'line', file, options),
      ]
    }
    case 'notices': {
      const { notices } = block
      const file = fileOf(block, options)
      const shown = file === undefined ? notices : notices.filter(({ level }) => level === 'problem')
      return [
        ...shown.flatMap(({ level, text }) =>
          level === 'problem' ? bullet('! ', text, 'bad', options) : bullet('- ', text, undefined, options),
        ),
        ...rest(notices.length - shown.length, 'note', file, options),
      ]
    }
    case 'table':
      return tableBlock(block.table, options)
    case 'picture': {
      const { text } = block.plot
      return text === undefined ? [] : textPlotLines(text, options, cut)
    }
    case 'code':
    case 'details':
      return []
  }
}

function bullet(mark: string, text: string, tone: Tone | undefined, options: TerminalOptions): string[] {
  return paragraph(mark + text, tone, options, '  ')
}

function fileOf({ file }: { file?: string }, { hasFile = () => true }: TerminalOptions): string | undefined {
  return file !== undefined && hasFile(file) ? file : undefined
}

/** What was left out, and where it is. */
function rest(left: number, noun: string, file: string | undefined, options: TerminalOptions): string[] {
  return left > 0 && file !== undefined
    ? paragraph(`${count(left, `more ${noun}`)} in ${file}`, 'quiet', options)
    : []
}

function tableBlock(table: Table, options: TerminalOptions): string[] {
  const file = fileOf(table, options)
  const { columns, more } =
    file === undefined ? { columns: table.columns, more: null } : shortened(table, MOST_ROWS)
  return [
    ...terminalTable(columns, options),
    ...[more, table.note].flatMap((text) => (text == null ? [] : bullet('', text, 'quiet', options))),
  ]
}

/** Lines without trailing spaces. */
function terminalTable(columns: readonly Column[], { colour, width }: TerminalOptions): string[] {
  const kept = fitting(columns, width)
  const widths = narrowed(kept, width)
  const last = kept.length - 1
  const line = (cells: readonly Cell[]) =>
    cells
      .map((cell, i) => {
        const text = cut(plain(cell.text), widths[i]!)
        const space = ' '.repeat(widths[i]! - stringWidth(text))
        const painted = paint(text, cell.tone, colour)
        if (kept[i]!.type === 'number') return space + painted
        return i === last ? painted : painted + space
      })
      .join(GAP)
      .trimEnd()
  const row = (cells: readonly Cell[]): string[] => {
    const [first = '', ...more] = kept[last]?.wraps ? wrapped(cells[last]!.text, widths[last]!, '') : []
    if (more.length === 0) return [line(cells)]
    const parts = [[...cells.slice(0, last), { ...cells[last]!, text: first }]]
    for (const text of more)
      parts.push(cells.map((cell, i) => (i === last ? { ...cell, text } : { text: '' })))
    return parts.map(line)
  }
  const rows = kept[0]?.cells.length ?? 0
  return [
    line(kept.map((column) => ({ text: headOf(column), tone: 'strong' }))),
    ...Array.from({ length: rows }, (_, i) => row(kept.map(({ cells }) => cells[i]!))).flat(),
  ]
}

function headOf({ head, short }: Column): string {
  return short ?? head
}

function paint(text: string, tone: Tone | undefined, colour: boolean): string {
  return colour && tone && text !== '' ? `\u001b[${CODES[tone]}m${text}\u001b[0m` : text
}

function paragraph(
  text: string,
  tone: Tone | undefined,
  { colour, width }: TerminalOptions,
  indent = '',
): string[] {
  return wrapped(text, width, indent).map((line) => paint(line, tone, colour))
}

/** Words broken into lines of the width; later lines begin with `indent`, which wrap-ansi does not know. */
function wrapped(text: string, width: number, indent: string): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of plain(text)
    .split(' ')
    .flatMap((one) => broken(one, width - indent.length))) {
    if (line !== '' && stringWidth(line) + 1 + stringWidth(word) > width) {
      lines.push(line)
      line = indent + word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/** Scripts that set no spaces break anywhere; a long word of letters, such as a path, stays whole, so that it can be copied. */
function broken(word: string, width: number): string[] {
  if (stringWidth(word) <= width || stringWidth(word) === word.length) return [word]
  const parts = ['']
  for (const { segment } of new Intl.Segmenter().segment(word)) {
    if (stringWidth(parts.at(-1)! + segment) > width) parts.push('')
    parts[parts.length - 1] += segment
  }
  return parts
}

function fitting(columns: readonly Column[], width: number): Column[] {
  let kept = [...columns]
  while (total(kept.map(natural)) > width) {
    const rank = ({ expendable = 0 }: Column) => expendable
    const first = kept.reduce((worst, column) => (rank(column) > rank(worst) ? column : worst))
    if (rank(first) === 0) break
    kept = kept.filter((column) => column !== first)
  }
  return kept
}

/** Takes from the widest column until the table fits or nothing is left to take. */
function narrowed(columns: readonly Column[], width: number): number[] {
  const widths = columns.map(natural)
  while (total(widths) > width) {
    const widest = widths.indexOf(Math.max(...widths))
    if (widths[widest]! <= NARROWEST) break
    widths[widest]!--
  }
  return widths
}

function natural(column: Column): number {
  return column.cells.reduce(
    (most, { text }) => Math.max(most, stringWidth(plain(text))),
    stringWidth(plain(headOf(column))),
  )
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + GAP.length * Math.max(0, widths.length - 1)
}

/** Cuts a text to at most so many columns of a terminal, between characters as they are seen. */
export function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text
  let short = ''
  // Made here, since that takes as long as loading half of a command.
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (stringWidth(short + segment) > width - 1) break
    short += segment
  }
  return `${short}…`
}
