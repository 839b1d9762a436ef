/** The sentences of a gate's answer; every format says the same. */
import { formatMetric } from '../../metrics.ts'
import { capitalised, count, metricName, plain, ratioText } from '../../report/words.ts'
import type { GateResult, GateRow, RowVerdict } from '../types.ts'

export const VERDICT_WORDS: Record<RowVerdict, string> = {
  regression: 'REGRESSION',
  ruled_out: 'ok',
  undecided: 'undecided',
  not_measured: 'not measured',
}

export function rowName({ metric }: GateRow): string {
  return metric === 'outcome' ? 'outcome' : metricName(metric)
}

export function changeWords({ ratio, a, b, metric }: GateRow): string {
  if (ratio !== null) return a !== null && a === b ? 'same' : ratioText(ratio.value, ratio.low, ratio.high)
  return metric === 'outcome' || a === null || b === null ? '—' : `${a} → ${b}`
}

export function marginWords({ margin }: GateRow): string {
  return margin === null ? '—' : shareWords(margin)
}

export function shareWords(share: number): string {
  const percent = share * 100
  return `${percent >= 10 ? percent.toFixed(0) : Number(percent.toPrecision(2))}%`
}

/** `mean chunk latency of chunk_size=64: +9.8% [+6.1, +13] over 18 duets, margin 2%`. */
export function rowSentence(row: GateRow): string {
  const head = `${rowName(row)} of ${plain(row.label)}`
  if (row.metric === 'outcome') return `${head}: ${row.note}`
  if (row.verdict === 'not_measured')
    return `${head}: not measured${row.note === null ? '' : `; ${plain(row.note)}`}`
  const sample = row.source === 'exact' ? 'compared exactly' : `over ${sampleWords(row)}`
  const values =
    row.a === null || row.b === null
      ? ''
      : ` (${formatMetric(row.a, row.unit)} → ${formatMetric(row.b, row.unit)})`
  const note = row.note === null ? '' : `; ${plain(row.note)}`
  return `${head}: ${changeWords(row)}${values}, ${sample}, margin ${marginWords(row)}${note}`
}

export function sampleWords({ n, source }: GateRow): string {
  switch (source) {
    case 'duets':
      return count(n, 'duet')
    case 'trials':
      return `${n} pair${n === 1 ? '' : 's'} of trials`
    case 'runs':
      return count(n, 'run')
    case 'exact':
      return 'exact'
  }
}

/** What could have been found, and how much longer it would take. */
export function outlookSentence(row: GateRow): string {
  const head = `${capitalised(rowName(row))} of ${plain(row.label)} is undecided`
  if (row.outlook === null) return `${head}${row.note === null ? '' : `: ${plain(row.note)}`}.`
  const { findable, moreSeconds } = row.outlook
  const found =
    findable === null
      ? 'too little was measured to say what could have been found'
      : `a change for the worse of ${shareWords(findable)} or more would have been found in four of five cases`
  const more =
    moreSeconds === null
      ? 'the change lies so near the margin that more time would hardly tell: choose another margin'
      : `about ${timeWords(moreSeconds)} more would decide it`
  return `${head}: ${found}; ${more}.`
}

export function timeWords(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`
  return seconds < 5400 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`
}

/** Rows that say no more than another row are left out of lists. */
function isRepeat({ source, note, verdict }: GateRow): boolean {
  return source === 'duets' && note !== null && verdict !== 'not_measured'
}

export function regressions(rows: readonly GateRow[]): GateRow[] {
  return rows.filter((row) => row.verdict === 'regression' && !isRepeat(row))
}

/** What kept the gate from an answer; none where it has one. */
export function openQuestions({ verdict, rows }: GateResult): GateRow[] {
  if (verdict !== 'undecided') return []
  return rows.filter(
    (row) =>
      (row.verdict === 'undecided' && !isRepeat(row)) ||
      (row.verdict === 'not_measured' && row.metric === 'latency_mean_ms'),
  )
}

export function headline({ verdict, a, b, rows }: GateResult): string {
  const sides = `${plain(b)} against ${plain(a)}`
  const bad = regressions(rows).map(rowName)
  switch (verdict) {
    case 'regression':
      return `REGRESSION: ${sides}: ${[...new Set(bad)].join(', ')} worse by more than the margin`
    case 'ruled_out':
      return `ok: ${sides}, a regression beyond the margin is ruled out`
    case 'undecided':
      return `UNDECIDED: ${sides}, a regression is neither proven nor ruled out`
  }
}

/** What was done, and what the numbers hold at. */
export function basis({ duets, trials, elapsed_s, alpha, tests, ended }: GateResult): string {
  const measured = [duets > 0 ? count(duets, 'duet') : null, trials > 0 ? count(trials, 'trial') : null]
  const end = { decided: 'decided', time_limit: 'the time limit ended it', all_measured: 'all was measured' }[
    ended
  ]
  return (
    `${measured.filter((part) => part !== null).join(' and ')} in ${timeWords(elapsed_s)}, ${end}. ` +
    `A regression is claimed falsely in at most ${shareWords(alpha)} of gates, over ${count(tests, 'test')} together; ` +
    'the better end of each interval holds with 95%.'
  )
}
