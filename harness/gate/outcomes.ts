/** A scenario that was `ok` and no longer is, and scores that the same data and seed must give again. */
import type { NotOkTrial, Outcome, TrialResult } from '../../workers/protocol/trial-result.ts'
import { metricValues, usableValues } from '../analyse/values.ts'
import { relativeChange } from '../analyse/welch.ts'
import type { Metric } from '../metrics.ts'
import { outcomeName, plain } from '../report/words.ts'
import { scoreMetrics } from './margins.ts'
import type { GateRow, Rules } from './types.ts'

/** One failure may be the machine's; the second is the candidate's. */
export const FAILURES_TO_CLAIM = 2

/** A candidate that takes so many times as long as the baseline is ended. */
export const ENDLESS = 10

/** It was given ten times what the baseline takes: a second trial would say no more. */
function isEndless({ outcome, duration_ms }: NotOkTrial, baseline: readonly TrialResult[]): boolean {
  if (outcome !== 'timed_out') return false
  const took = baseline.map((trial) =>
    trial.outcome === 'ok' ? trial.duration_ms : Number.POSITIVE_INFINITY,
  )
  return duration_ms >= ENDLESS * Math.min(...took)
}

export interface SideTrials {
  baseline: readonly TrialResult[]
  candidate: readonly TrialResult[]
}

type Identity = Pick<GateRow, 'scenario' | 'label'>

/** Of a trial that had to be ended for the limit, which is no finding. */
export const CUT = 'the time limit of the gate ended it'

/** Null where every trial of either side was `ok`. */
export function outcomeRow(identity: Identity, { baseline: a, candidate: b }: SideTrials): GateRow | null {
  const bad = { baseline: a.filter(notOk), candidate: b.filter(notOk) }
  const reached = a.length + b.length > 0
  if (reached && bad.baseline.length === 0 && bad.candidate.length === 0) return null
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
  if (!reached) return { ...row, cut: 'before', note: 'the time was up before its first trial' }
  if ([...bad.baseline, ...bad.candidate].some(({ error }) => error.message === CUT))
    return { ...row, cut: 'within' }
  if (bad.candidate.length === 0) return { ...row, verdict: 'ruled_out' }
  // What never ran cannot have become worse.
  if (bad.baseline.length === a.length && bad.candidate.length === b.length)
    return { ...row, verdict: 'ruled_out' }
  if (bad.baseline.length > 0) return row
  const claimed =
    bad.candidate.length >= FAILURES_TO_CLAIM || bad.candidate.some((trial) => isEndless(trial, a))
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
  if (only === undefined) return 'not played'
  if (counts.size === 1) return outcomeName(only)
  return [...counts].map(([outcome, n]) => `${outcomeName(outcome)} ${n} times`).join(' and ')
}

const WORK = [
  { metric: 'rows', fewer: 'fewer_rows' },
  { metric: 'chunks', fewer: 'fewer_chunks' },
] as const

/**
 * Rows for the work that was done, where the versions did not do the same: less of it is a regression, and its time is
 * no other's. One trial of each side is not enough to say so, since a workload may end by a clock.
 * @param endsEarlier in a duet as well
 */
export function workRows(
  identity: Identity,
  { table, settings }: Rules,
  trials: SideTrials,
  endsEarlier = false,
): GateRow[] {
  return WORK.flatMap(({ metric, fewer }): GateRow[] => {
    const [a, b] = [scores(trials.baseline, metric), scores(trials.candidate, metric)]
    const [was, is] = [a[0], b[0]]
    if (was === undefined || is === undefined || [...a, ...b].every((value) => value === was)) return []
    const row: GateRow = {
      ...identity,
      metric,
      unit: table.get(metric)!.unit,
      direction: 'neutral',
      verdict: 'undecided',
      margin: 0,
      ratio: was > 0 ? { value: is / was, low: is / was, high: is / was } : null,
      baseline: was,
      candidate: is,
      n: Math.min(a.length, b.length),
      source: 'exact',
      note: null,
      outlook: null,
    }
    const steady = a.every((value) => value === was) && b.every((value) => value === is)
    if (!steady)
      return [
        { ...row, note: 'differs between trials of one version, so that times are not of the same work' },
      ]
    if (settings.expect.includes(fewer))
      return [{ ...row, verdict: 'ruled_out', note: `gate.expect has ${fewer}` }]
    if (is > was) return [{ ...row, verdict: 'ruled_out', note: 'the candidate handles more' }]
    const note = `the candidate handles less; gate: { expect: [${fewer}] } says that it is meant`
    const claimed = row.n + Number(endsEarlier) >= FAILURES_TO_CLAIM
    return [{ ...row, verdict: claimed ? 'regression' : 'undecided', note }]
  })
}

/** Whether the versions may have done different work, which one more trial of each would tell. */
export function differsInWork(trials: SideTrials): boolean {
  return WORK.some(({ metric }) => {
    const [a, b] = [scores(trials.baseline, metric)[0], scores(trials.candidate, metric)[0]]
    return a !== undefined && b !== undefined && b !== a
  })
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
    ...(metric.signed === true && { marginAmount: margin }),
    ratio: ratioOf(metric, a, b),
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
  const change =
    metric.signed === true ? b - a : (relativeChange(a, b) ?? Math.sign(b - a) * Number.POSITIVE_INFINITY)
  const worse = { higher_is_better: -change, lower_is_better: change, neutral: Math.abs(change) }[
    metric.direction
  ]
  return { ...row, verdict: worse > margin ? 'regression' : 'ruled_out' }
}

/** Null where it would say nothing: of values that may be zero or negative, and of those that are. */
function ratioOf({ signed }: Metric, a: number | undefined, b: number | undefined): GateRow['ratio'] {
  if (signed === true || a === undefined || b === undefined || a <= 0 || b < 0) return null
  return { value: b / a, low: b / a, high: b / a }
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
