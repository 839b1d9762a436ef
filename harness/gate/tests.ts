/** The family of tests of one gate: which there are, how each stands, and the rows that say so. */

import type { DuetReport, DuetSums, OkTrial } from '../../workers/protocol.ts'
import { mean } from '../analyse/descriptive.ts'
import type { Metric } from '../metrics.ts'
import { type Judgement, judge, outlookOf } from './judge.ts'
import { GATED_METRICS, MEMORY_RESOLUTION_MB, marginOf, scoreMetrics } from './margins.ts'
import { changedOutputs, outcomeRow, type SideTrials, scoreRow } from './outcomes.ts'
import { type Looks, PAIR_ROUNDS, PASS_ALPHA } from './plan.ts'
import type { Evidence, GateRow, GateScenario, Outlook, Rules, TrialPair } from './types.ts'

interface GateTest {
  entry: GateScenario
  evidence: Evidence
  metric: Metric
  margin: number
  /** The margin is the resolution of the readings, which is wider than what was asked for. */
  floored: boolean
  kind: MetricValues['kind']
  /** Throughput of equal chunks is latency again: it stands as that test stands, and takes no share of the alpha. */
  sameAs: GateTest | null
  judgement: Judgement | null
}

export interface Family {
  tests: GateTest[]
  /** Tests that share the alpha. */
  size: number
}

/** Fixed once the first round has shown what is measured here. */
export function familyOf(all: ReadonlyMap<GateScenario, Evidence>, rules: Rules): Family {
  const tests = [...all].flatMap(([entry, evidence]) => testsOf(entry, evidence, rules))
  return { tests, size: Math.max(1, tests.filter(({ sameAs }) => sameAs === null).length) }
}

function testsOf(entry: GateScenario, evidence: Evidence, { table, settings, margin }: Rules): GateTest[] {
  const tests: GateTest[] = []
  for (const name of GATED_METRICS) {
    const metric = table.get(name)!
    const values = valuesOf(name, evidence)
    if (values === null) continue
    const allowed = marginOf(metric, settings, margin)
    const floor = name === 'peak_memory_mb' ? MEMORY_RESOLUTION_MB / values.baseline! : 0
    const latency = tests.find((test) => test.metric.name === 'latency_mean_ms')
    const repeats = name === 'throughput_rows_s' && latency?.margin === allowed && sameRows(evidence.duets)
    tests.push({
      entry,
      evidence,
      metric,
      margin: Math.max(allowed, floor),
      floored: floor > allowed,
      kind: values.kind,
      sameAs: repeats ? latency! : null,
      judgement: null,
    })
  }
  return tests
}

/** Looks at a test that is not yet decided; what is decided stays so. */
export function lookAt(test: GateTest, look: number, looks: Looks): void {
  if (isDecided(test) || test.sameAs !== null) return
  test.judgement = judge(valuesOf(test.metric.name, test.evidence)?.worse ?? [], look, looks, test.margin)
}

export function isDecided(test: GateTest): boolean {
  const { judgement } = test.sameAs ?? test
  return judgement !== null && judgement.verdict !== 'undecided'
}

/** A row for everything that is gated in the scenario. */
export function rowsOf(
  entry: GateScenario,
  evidence: Evidence,
  tests: readonly GateTest[],
  rules: Rules,
  costs: { claimAlpha: number; seconds: Record<MetricValues['kind'], number> },
): { rows: GateRow[]; notes: string[] } {
  const identity = { scenario: entry.scenario.id, label: entry.scenario.label }
  const trials: SideTrials = {
    baseline: evidence.pairs.map(({ baseline }) => baseline),
    candidate: evidence.pairs.map(({ candidate }) => candidate),
  }
  const outcome = outcomeRow(identity, trials)
  const tested = tests.filter((test) => test.entry === entry).map((test) => testRow(test, costs))
  const scores = scoreMetrics(rules.table, rules.settings).map((metric) =>
    scoreRow(identity, metric, marginOf(metric, rules.settings, rules.margin), trials),
  )
  const ok = trials.baseline.some(isOk) && trials.candidate.some(isOk)
  const rows = [
    outcome,
    ...tested,
    ...(ok ? [missingLatency(identity, evidence, tested, rules), ...scores] : []),
  ]
  return {
    rows: rows.filter((row) => row !== null),
    notes: changedOutputs(entry.scenario.label, rules, trials),
  }
}

function isOk({ outcome }: { outcome: string }): boolean {
  return outcome === 'ok'
}

function testRow(
  test: GateTest,
  { claimAlpha, seconds }: { claimAlpha: number; seconds: Record<MetricValues['kind'], number> },
): GateRow {
  const { metric, margin, kind } = test
  const values = valuesOf(metric.name, test.evidence)!
  const judgement = (test.sameAs ?? test).judgement ?? notLookedAt(values.worse)
  const { verdict, worse } = judgement
  const alphas = { claim: claimAlpha, pass: PASS_ALPHA }
  const ratio =
    worse === null || metric.direction === 'lower_is_better'
      ? worse
      : { value: 1 / worse.value, low: inverse(worse.high), high: inverse(worse.low) }
  return {
    scenario: test.entry.scenario.id,
    label: test.entry.scenario.label,
    metric: metric.name,
    unit: metric.unit,
    direction: metric.direction,
    verdict,
    margin,
    ...amountOf(test),
    ratio,
    baseline: values.baseline,
    candidate: values.candidate,
    n: values.worse.length,
    source: kind,
    note: test.sameAs === null ? null : 'every chunk has the same rows: the test of chunk latency',
    outlook:
      verdict === 'undecided'
        ? outlookFor(kind, values.worse, outlookOf(values.worse, margin, alphas, seconds[kind]))
        : null,
  }
}

/** The gate may end before its first look: what was measured is shown, and nothing is said of it. */
function notLookedAt(worse: readonly number[]): Judgement {
  return { verdict: 'undecided', worse: { value: Math.exp(mean(worse)), low: null, high: null } }
}

function amountOf({ metric, floored }: GateTest): Pick<GateRow, 'marginAmount'> {
  return metric.name === 'peak_memory_mb' && floored ? { marginAmount: MEMORY_RESOLUTION_MB } : {}
}

/** No gate takes more trials than the most, however long it may take. */
function outlookFor(kind: MetricValues['kind'], worse: readonly number[], outlook: Outlook): Outlook {
  return kind === 'pairs' && worse.length >= PAIR_ROUNDS.most ? { ...outlook, moreSeconds: null } : outlook
}

function inverse(value: number | null): number | null {
  return value === null ? null : 1 / value
}

/** Both versions run, but not side by side: their times are then unknown. */
function missingLatency(
  identity: { scenario: string; label: string },
  evidence: Evidence,
  tested: readonly GateRow[],
  { table }: Rules,
): GateRow | null {
  if (tested.some(({ metric }) => metric === 'latency_mean_ms')) return null
  const failure = evidence.duets.find((duet) => duet.failure !== null)?.failure
  const { unit, direction } = table.get('latency_mean_ms')!
  return {
    ...identity,
    metric: 'latency_mean_ms',
    unit,
    direction,
    verdict: 'not_measured',
    margin: null,
    ratio: null,
    baseline: null,
    candidate: null,
    n: 0,
    source: 'duets',
    note:
      failure === undefined || failure === null
        ? 'no duet was played in the time'
        : `the duet failed${failure.side === null ? '' : ` in ${failure.side === 'baseline' ? 'the version compared with' : 'the candidate'}`}: ${failure.error.message}`,
    outlook: null,
  }
}

// ---------------------------------------------------------------- one number per duet or pair of trials: the log of how many times worse the candidate is

interface MetricValues {
  kind: 'duets' | 'pairs'
  /** Logs, above 0 worse; one a duet or pair of trials. */
  worse: number[]
  /** Means in the metric's unit. */
  baseline: number | null
  candidate: number | null
}

/** Null where this evidence says nothing of the metric. */
export function valuesOf(metric: string, evidence: Evidence): MetricValues | null {
  switch (metric) {
    case 'latency_mean_ms':
      return fromDuets(evidence.duets, 'lower', (sums, pairs) => sums.latency_ms / pairs)
    case 'cpu_s':
      return fromDuets(evidence.duets, 'lower', (sums) => (sums.cpu_ms === null ? null : sums.cpu_ms / 1000))
    case 'throughput_rows_s':
      return fromDuets(evidence.duets, 'higher', (sums) => (sums.rows * 1000) / sums.latency_ms)
    case 'peak_memory_mb':
      return fromPairs(evidence.pairs, ({ metrics }) => metrics['peak_memory_mb'] ?? null)
    case 'energy_j':
      return fromPairs(evidence.pairs, ({ energy }) =>
        !energy.shared && (energy.source === 'rapl' || energy.source === 'perf') ? energy.joules : null,
      )
  }
  return null
}

/** True where both versions handled the same rows in every chunk that counts: throughput then says what latency says. */
function sameRows(duets: readonly DuetReport[]): boolean {
  return duets.every(({ sums }) => sums === null || sums.baseline.rows === sums.candidate.rows)
}

function fromDuets(
  duets: readonly DuetReport[],
  better: 'lower' | 'higher',
  read: (sums: DuetSums, pairs: number) => number | null,
): MetricValues | null {
  const pairs = duets.flatMap(({ sums, pairs }) =>
    sums === null ? [] : [{ baseline: read(sums.baseline, pairs), candidate: read(sums.candidate, pairs) }],
  )
  return summed(pairs, 'duets', better)
}

function fromPairs(
  pairs: readonly TrialPair[],
  read: (trial: OkTrial) => number | null,
): MetricValues | null {
  const readings = pairs.flatMap(({ baseline: a, candidate: b }) =>
    a.outcome === 'ok' && b.outcome === 'ok' ? [{ baseline: read(a), candidate: read(b) }] : [],
  )
  return summed(readings, 'pairs', 'lower')
}

function summed(
  pairs: readonly { baseline: number | null; candidate: number | null }[],
  kind: MetricValues['kind'],
  better: 'lower' | 'higher',
): MetricValues | null {
  const usable = pairs.filter(
    (pair): pair is { baseline: number; candidate: number } =>
      isUsable(pair.baseline) && isUsable(pair.candidate),
  )
  if (usable.length === 0) return null
  const mean = (side: 'baseline' | 'candidate') =>
    usable.reduce((sum, pair) => sum + pair[side], 0) / usable.length
  const sign = better === 'lower' ? 1 : -1
  return {
    kind,
    worse: usable.map(({ baseline: a, candidate: b }) => sign * Math.log(b / a)),
    baseline: mean('baseline'),
    candidate: mean('candidate'),
  }
}

function isUsable(value: number | null): boolean {
  return value !== null && Number.isFinite(value) && value > 0
}
