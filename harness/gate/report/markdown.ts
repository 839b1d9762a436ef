/** A gate's answer for a step summary or a comment on a pull request. */
import { escaped, markdownTable } from '../../report/markdown.ts'
import type { GateResult } from '../types.ts'
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
  sampleWords,
  VERDICT_WORDS,
  wasWords,
} from './words.ts'

const MARKS = { regression: '❌', ruled_out: '✅', undecided: '❔' } as const

export function gateMarkdown(result: GateResult): string {
  const cell = (text: string) => ({ text })
  const table = markdownTable({
    head: ['scenario', 'metric', 'was', 'is', 'change', 'margin', 'from', 'verdict'],
    numeric: [false, false, true, true, true, true, false, false],
    rows: result.rows.map((row) =>
      [
        row.label,
        rowName(row),
        wasWords(row),
        isWords(row),
        changeWords(row),
        marginWords(row),
        sampleWords(row),
        VERDICT_WORDS[row.verdict],
      ].map(cell),
    ),
  })
  const advice = limitAdvice(result)
  const points = [
    ...regressions(result.rows).map((row) => `**${escaped(rowSentence(row))}**`),
    ...openQuestions(result).map((row) => escaped(outlookSentence(row))),
    ...(advice === null ? [] : [escaped(advice)]),
    ...result.notes.map((note) => `Note: ${escaped(note)}`),
  ]
  return [
    `### ${MARKS[result.verdict]} ${escaped(result.name)}`,
    '',
    escaped(headline(result)),
    '',
    ...table,
    '',
    ...points.map((point) => `- ${point}`),
    ...(points.length === 0 ? [] : ['']),
    escaped(basis(result)),
    '',
  ].join('\n')
}
