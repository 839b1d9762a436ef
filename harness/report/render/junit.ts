/** A report's checks as JUnit XML, which most CI systems collect: a suite for each suite, a case for each check. */
import type { Check, Report } from '../section.ts'
import { plain } from '../words.ts'

export function junitText({ kind, title, checks, elapsed_s }: Report): string {
  const suites = new Map<string, Check[]>()
  for (const check of checks) suites.set(check.suite, [...(suites.get(check.suite) ?? []), check])
  const time = elapsed_s === null ? '' : ` time="${elapsed_s.toFixed(3)}"`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name=${quoted(`stint ${kind} ${title}`)} ${countsOf(checks)}${time}>`,
    ...[...suites].flatMap(([name, own]) => [
      `  <testsuite name=${quoted(name)} ${countsOf(own)}>`,
      ...own.map((check) => caseLine(check, kind)),
      '  </testsuite>',
    ]),
    '</testsuites>',
    '',
  ].join('\n')
}

/** What is undecided is no pass: JUnit's readers take `error` for a test that gave no answer. */
function caseLine({ suite, name, state, message }: Check, kind: Report['kind']): string {
  const type = kind === 'gate' || kind === 'compare' ? 'regression' : 'failed'
  const result = {
    passed: `<system-out>${escaped(message)}</system-out>`,
    failed: `<failure type="${type}" message=${quoted(message)}/>`,
    undecided: `<error type="undecided" message=${quoted(message)}/>`,
    broken: `<error type="broken" message=${quoted(message)}/>`,
    skipped: `<skipped message=${quoted(message)}/>`,
  }[state]
  return `    <testcase classname=${quoted(suite)} name=${quoted(name)}>${result}</testcase>`
}

function countsOf(checks: readonly Check[]): string {
  const of = (state: Check['state']) => checks.filter((check) => check.state === state).length
  return `tests="${checks.length}" failures="${of('failed')}" errors="${of('undecided') + of('broken')}" skipped="${of('skipped')}"`
}

function quoted(text: string): string {
  return `"${escaped(text)}"`
}

/** Half of a surrogate pair has no place in XML either. */
function escaped(text: string): string {
  return plain(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replace(/[\ud800-\udfff](?<![\ud800-\udbff][\udc00-\udfff])(?![\udc00-\udfff])/g, '\ufffd')
}
