/** A gate's answer on a terminal. */
import {
  paint,
  type TerminalOptions,
  type Tone,
  terminalTable,
  wrapped,
} from '../../report/terminal-table.ts'
import { plain } from '../../report/words.ts'
import type { GateResult, GateRow, RowVerdict } from '../types.ts'
import {
  basis,
  changeWords,
  headline,
  isWords,
  limitAdvice,
  marginWords,
  openQuestions,
  outlookSentence,
  regressions,
  rowName,
  rowSentence,
  VERDICT_WORDS,
  wasWords,
} from './words.ts'

const TONES: Record<RowVerdict, Tone | undefined> = {
  regression: 'bad',
  ruled_out: 'good',
  undecided: 'strong',
  not_measured: 'quiet',
}

export function gateText(result: GateResult, options: TerminalOptions): string {
  const { rows, verdict } = result
  const tone: Tone = verdict === 'regression' ? 'bad' : verdict === 'ruled_out' ? 'good' : 'strong'
  const advice = limitAdvice(result)
  const paragraph = (text: string) => wrapped(text, options.width, '  ')
  return [
    ...paragraph(headline(result)).map((line) => paint(line, tone, options.colour)),
    '',
    ...terminalTable(columnsOf(rows), options),
    '',
    ...regressions(rows).flatMap((row) => paragraph(`- ${rowSentence(row)}`)),
    ...openQuestions(result).flatMap((row) => paragraph(`- ${outlookSentence(row)}`)),
    ...(advice === null ? [] : paragraph(advice)),
    ...result.notes.flatMap((note) => paragraph(`note: ${plain(note)}`)),
    ...paragraph(basis(result)),
  ].join('\n')
}

function columnsOf(rows: readonly GateRow[]) {
  const column = (
    head: string,
    align: 'left' | 'right',
    expendable: number,
    text: (row: GateRow) => string,
    tone?: (row: GateRow) => Tone | undefined,
  ) => ({
    head,
    align,
    expendable,
    cells: rows.map((row) => {
      const painted = tone?.(row)
      return painted === undefined ? { text: text(row) } : { text: text(row), tone: painted }
    }),
  })
  return [
    column('scenario', 'left', 0, ({ label }) => label),
    column('metric', 'left', 0, rowName),
    column('was', 'right', 2, wasWords),
    column('is', 'right', 2, isWords),
    column('change', 'right', 0, changeWords),
    column('margin', 'right', 1, marginWords),
    column('n', 'right', 3, ({ n }) => String(n)),
    column(
      'verdict',
      'left',
      0,
      ({ verdict }) => VERDICT_WORDS[verdict],
      ({ verdict }) => TONES[verdict],
    ),
  ]
}
