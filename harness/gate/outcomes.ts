/** A scenario that was `ok` and no longer is, and scores that the same data and seed must give again. */
import type { NotOkTrial, Outcome, TrialResult } from '../../workers/protocol.ts'
import { metricValues, usableValues } from '../analyse/values.ts'
import { relativeChange } from '../analyse/welch.ts'
import type { Metric } from '../metrics.ts'
import { outcomeName, plain } from '../report/words.ts'
import { scoreMetrics } from './margins.ts'
import type { GateRow, Rules } from './types.ts'

/** One failure may be the machine's; the second is the candidate's. */
export const FAILURES_TO_CLAIM = 2

export interface SideTrials {
  baseline: readonly TrialResult[]
  candidate: readonly TrialResult[]
}

type Identity = Pick<GateRow, 'scenario' | 'label'>

/** Null where every trial of either side was `ok`. */
export function outcomeRow(identity: Identity, { baseline: a, candidate: b }: SideTrials): GateRow | null {
  const bad = { baseline: a.filter(notOk), candidate: b.filter(notOk) }
  if (bad.baseline.length === 0 && bad.candidate.length === 0) return null
  const row: GateRow = {
    ...identity,
    metric: 'outcome',
    unit: '',
    direction: 'neutral',
    verdict: 'undecided',
    margin: null,
    ratio: null,
    baseline: null,
    candidate: null,
    n: Math.min(a.length, b.length),
    source: 'exact',
    ends: { baseline: endsOf(a), candidate: endsOf(b) },
    note: `was ${endsOf(a)}${bad.candidate.length === 0 ? reasonOf(bad.baseline) : ''}; is ${endsOf(b)}${reasonOf(bad.candidate)}`,
    outlook: null,
  }
  if (bad.candidate.length === 0) return { ...row, verdict: 'ruled_out' }
  // What never ran cannot have become worse.
  if (bad.baseline.length === a.length && bad.candidate.length === b.length)
    return { ...row, verdict: 'ruled_out' }
  if (bad.baseline.length > 0) return row
  const claimed = bad.candidate.length >= FAILURES_TO_CLAIM
  return { ...row, verdict: claimed ? 'regression' : 'undecided' }
}

function notOk(trial: TrialResult): trial is NotOkTrial {
  return trial.outcome !== 'ok'
}

/** `: the message`, or nothing where there is none. */
function reasonOf([first]: readonly NotOkTrial[]): string {
  return first === undefined ? '' : `: ${plain(first.error.message)}`
}

function endsOf(trials: readonly TrialResult[]): string {
  const counts = new Map<Outcome, number>()
  for (const { outcome } of trials) counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  const [only] = counts.keys()
  if (counts.size === 1 && only !== undefined) return outcomeName(only)
  return [...counts].map(([outcome, n]) => `${outcomeName(outcome)} ${n} times`).join(' and ')
}

/** Compares a deterministic metric of the `ok` trials exactly; null where neither side has it. */
export function scoreRow(
  identity: Identity,
  metric: Metric,
  margin: number,
  trials: SideTrials,
): GateRow | null {
  const values = {
    baseline: scores(trials.baseline, metric.name),
    candidate: scores(trials.candidate, metric.name),
  }
  const [a, b] = [values.baseline[0], values.candidate[0]]
  const row: GateRow = {
    ...identity,
    metric: metric.name,
    unit: metric.unit,
    direction: metric.direction,
    verdict: 'undecided',
    margin,
    ratio: a !== undefined && b !== undefined && a > 0 ? { value: b / a, low: b / a, high: b / a } : null,
    baseline: a ?? null,
    candidate: b ?? null,
    n: Math.min(values.baseline.length, values.candidate.length),
    source: 'exact',
    note: null,
    outlook: null,
  }
  if (a === undefined && b === undefined) return null
  if (a === undefined)
    return { ...row, verdict: 'not_measured', note: 'the other version does not report it' }
  if (b === undefined) return { ...row, verdict: 'regression', note: 'is no longer reported' }
  if (values.baseline.some((value) => value !== a) || values.candidate.some((value) => value !== b)) {
    return { ...row, note: 'differs between trials of one version, though it is said to be deterministic' }
  }
  const change = relativeChange(a, b) ?? Math.sign(b - a) * Number.POSITIVE_INFINITY
  const worse = { higher_is_better: -change, lower_is_better: change, neutral: Math.abs(change) }[
    metric.direction
  ]
  return { ...row, verdict: worse > margin ? 'regression' : 'ruled_out' }
}

function scores(trials: readonly TrialResult[], metric: string): number[] {
  return usableValues(metricValues(trials, metric)).values
}

/** Deterministic metrics without a better or worse that changed, and no margin says how much may: worth a note, not a verdict. */
export function changedOutputs(
  label: string,
  { table, settings }: Pick<Rules, 'table' | 'settings'>,
  trials: SideTrials,
): string[] {
  const gated = new Set(scoreMetrics(table, settings))
  return [...table.values()]
    .filter((metric) => metric.kind === 'deterministic' && !gated.has(metric))
    .flatMap(({ name, unit }) => {
      const [a, b] = [scores(trials.baseline, name)[0], scores(trials.candidate, name)[0]]
      if (a === undefined || b === undefined || a === b) return []
      const change = `${exactText(a, unit)} → ${exactText(b, unit)}`
      return `${label}: the output ${name} is not what it was: ${change}; gate: { margins: { ${name}: 0 } } would make that a regression`
    })
}

/** All digits: what is compared exactly may differ in the last. */
function exactText(value: number, unit: string): string {
  return unit === '' ? String(value) : `${value} ${unit}`
}
