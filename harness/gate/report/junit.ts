/** A gate's answer as JUnit XML: a suite a scenario, a case a metric. */
import { plain } from '../../report/words.ts'
import type { GateResult, GateRow } from '../types.ts'
import { outlookSentence, rowName, rowSentence } from './words.ts'

export function gateJunit(result: GateResult): string {
  const suites = new Map<string, GateRow[]>()
  // Once a regression is found the rest is not looked at any more, which is no error of its own.
  const found = result.verdict === 'regression'
  const rows = result.rows.map((row) => (found && row.verdict === 'undecided' ? leftOpen(row) : row))
  for (const row of rows) suites.set(row.scenario, [...(suites.get(row.scenario) ?? []), row])
  const counts = countsOf(rows)
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name=${quoted(`stint gate ${result.name}`)} ${counts} time="${result.elapsed_s.toFixed(3)}">`,
    ...[...suites.values()].flatMap(suiteLines),
    '</testsuites>',
    '',
  ].join('\n')
}

function leftOpen(row: GateRow): GateRow {
  return { ...row, verdict: 'not_measured', note: 'left open, since a regression was found before' }
}

function suiteLines(rows: readonly GateRow[]): string[] {
  const { label } = rows[0]!
  return [
    `  <testsuite name=${quoted(label)} ${countsOf(rows)}>`,
    ...rows.flatMap((row) => caseLines(row, label)),
    '  </testsuite>',
  ]
}

/** What is undecided is no pass: JUnit's readers take `error` for a test that gave no answer. */
function caseLines(row: GateRow, label: string): string[] {
  const open = `    <testcase classname=${quoted(label)} name=${quoted(rowName(row))}`
  switch (row.verdict) {
    case 'ruled_out':
      return [`${open}><system-out>${escaped(rowSentence(row))}</system-out></testcase>`]
    case 'regression':
      return [`${open}><failure type="regression" message=${quoted(rowSentence(row))}/></testcase>`]
    case 'undecided':
      return [`${open}><error type="undecided" message=${quoted(outlookSentence(row))}/></testcase>`]
    case 'not_measured':
      return [`${open}><skipped message=${quoted(rowSentence(row))}/></testcase>`]
  }
}

function countsOf(rows: readonly GateRow[]): string {
  const of = (verdict: GateRow['verdict']) => rows.filter((row) => row.verdict === verdict).length
  return `tests="${rows.length}" failures="${of('regression')}" errors="${of('undecided')}" skipped="${of('not_measured')}"`
}

function quoted(text: string): string {
  return `"${escaped(text)}"`
}

function escaped(text: string): string {
  return plain(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replace(/[\ud800-\udfff](?<![\ud800-\udbff][\udc00-\udfff])(?![\udc00-\udfff])/g, '\ufffd')
}
