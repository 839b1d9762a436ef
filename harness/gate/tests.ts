/** The family of tests of one gate: which there are, how each stands, and the rows that say so. */

import { isDeepStrictEqual } from 'node:util'
import type { DuetReport, DuetSums } from '../../workers/protocol/duet.ts'
import type { OkTrial } from '../../workers/protocol/trial-result.ts'
import { mean, standardDeviation } from '../analyse/descriptive.ts'
import { studentQuantile } from '../analyse/distributions.ts'
import { count, formatMetric, formatShare, wholeNumber } from '../format.ts'
import { isHarnessMetric, type Metric } from '../metrics.ts'
import { outcomeName, plain } from '../report/words.ts'
import { boundOf, type Judgement, judge, outlookOf, type Scale } from './judge.ts'
import {
  allowanceOf,
  CPU_OF_PROGRAMS,
  ESSENTIAL,
  type Gated,
  gatedInWhole,
  gatedMetrics,
  isEssential,
  scoreMetrics,
  unchosenMetrics,
} from './margins.ts'
import {
  changedOutputs,
  FAILURES_TO_CLAIM,
  outcomeRow,
  type SideTrials,
  scoreRow,
  workRows,
} from './outcomes.ts'
import { type Looks, ONLY_PAIRS, PAIR_ROUNDS, PASS_ALPHA } from './plan.ts'
import type {
  Coverage,
  Evidence,
  GateProfile,
  GateRow,
  GateScenario,
  Outlook,
  Rules,
  TrialPair,
  Untested,
} from './types.ts'
import { whereOf } from './where.ts'

export interface GateTest {
  entry: GateScenario
  evidence: Evidence
  metric: Metric
  margin: number
  /** In the metric's unit, where the resolution of the readings is wider than what was asked for. */
  floor: number | null
  /** Why more is allowed than usual. */
  accepted: string | null
  kind: Gated['kind']
  /** Throughput of equal chunks is latency again: it stands as that test stands, and takes no share of the alpha. */
  sameAs: GateTest | null
  /** As at the look that decided, or at the last. */
  judgement: (Judgement & Pick<MetricValues, 'scale' | 'baseline' | 'candidate'> & { n: number }) | null
}

export interface Family {
  tests: GateTest[]
  /** Tests that share the alpha. */
  size: number
}

/** False where the chunks of the two differ in size: chunk by chunk, unlike would be held against unlike. */
export function playsInTurns({ scenario, baseline }: GateScenario): boolean {
  return scenario.settings.chunk_size === baseline.settings.chunk_size
}

/** Fixed once the first round has shown what is measured here. */
export function familyOf(all: ReadonlyMap<GateScenario, Evidence>, rules: Rules): Family {
  const tests = [...all].flatMap(([entry, evidence]) => testsOf(entry, evidence, rules))
  return { tests, size: Math.max(1, tests.filter(({ sameAs }) => sameAs === null).length) }
}

function testsOf(entry: GateScenario, evidence: Evidence, rules: Rules): GateTest[] {
  const tests: GateTest[] = []
  const gated = gatedMetrics(rules.table, rules.settings)
  for (const one of playsInTurns(entry) ? gated : gatedInWhole(gated)) {
    const inTrials = readInTrials(one, evidence)
    const { name, kind, resolution } = inTrials ? CPU_OF_PROGRAMS : one
    const metric = rules.table.get(name)!
    const values = valuesOf(metric, kind, evidence)
    if (values === null) continue
    const allowed = allowanceOf(metric, entry.scenario, rules, inTrials ? CPU_OF_PROGRAMS.margin : 0)
    const floor = resolution === undefined ? 0 : resolution / values.baseline
    const latency = tests.find((test) => test.metric.name === ESSENTIAL)
    const repeats =
      name === 'throughput_rows_s' &&
      kind === 'duets' &&
      latency?.margin === allowed.margin &&
      sameRows(evidence.duets)
    tests.push({
      entry,
      evidence,
      metric,
      margin: Math.max(allowed.margin, floor),
      floor: floor > allowed.margin ? resolution! : null,
      accepted: allowed.note,
      kind,
      sameAs: repeats ? latency! : null,
      judgement: null,
    })
  }
  return tests
}

/** The duets' steps of a program do not tell its CPU time, as the trials of one version do. */
function readInTrials({ name, kind }: Gated, { duets }: Evidence): boolean {
  const played = duets.filter(({ sums }) => sums !== null)
  return (
    name === CPU_OF_PROGRAMS.name &&
    kind === 'duets' &&
    played.length > 0 &&
    played.every(({ sums }) => sums!.baseline.cpu_ms === null)
  )
}

/** Looks at a test that is not yet decided; what is decided stays so. */
export function lookAt(test: GateTest, look: number, looks: Looks): void {
  if (isDecided(test) || test.sameAs !== null) return
  const { worse, scale, baseline, candidate } = valuesOf(test.metric, test.kind, test.evidence)!
  const judgement = judge(worse, look, looks, test.margin, scale)
  test.judgement = { ...judgement, n: worse.length, scale, baseline, candidate }
}

export function isDecided(test: GateTest): boolean {
  const { judgement } = test.sameAs ?? test
  return judgement !== null && judgement.verdict !== 'undecided'
}

/** How many times worse the scenario looks at most, less what is allowed; what is decided counts no more. */
export function worstLook(tests: readonly GateTest[]): number {
  return tests
    .filter((test) => !isDecided(test))
    .reduce((worst, { metric, kind, evidence, margin }) => {
      const values = valuesOf(metric, kind, evidence)
      if (values === null) return worst
      const beyond = mean(values.worse) - boundOf(values.scale, margin)
      // An amount says how bad it is beside the values that it is a difference of.
      const size =
        values.scale === 'ratio' ? 1 : Math.max(Math.abs(values.baseline), Math.abs(values.candidate))
      return Math.max(worst, size === 0 ? beyond : beyond / size)
    }, Number.NEGATIVE_INFINITY)
}

/** A row for everything that is gated in the scenario. */
export function rowsOf(
  entry: GateScenario,
  evidence: Evidence,
  tests: readonly GateTest[],
  rules: Rules,
  costs: { claimAlpha: number; seconds: Record<MetricValues['kind'], number> },
): { rows: GateRow[]; notes: string[] } {
  const { scenario } = entry
  const identity = { scenario: scenario.id, label: scenario.label }
  const trials: SideTrials = {
    baseline: evidence.pairs.map(({ baseline }) => baseline),
    candidate: evidence.pairs.map(({ candidate }) => candidate),
  }
  const outcome = outcomeRow(identity, trials) ?? duetOutcome(identity, evidence.duets)
  const tested = tests.filter((test) => test.entry === entry).map((test) => testRow(test, costs))
  const scores = scoreMetrics(rules.table, rules.settings).flatMap((metric) => {
    const { margin, note } = allowanceOf(metric, scenario, rules)
    const row = scoreRow(identity, metric, margin, trials)
    return row === null ? [] : [{ ...row, note: row.note ?? note }]
  })
  const ok = trials.baseline.some(isOk) && trials.candidate.some(isOk)
  const work = (ok ? workRows(identity, rules, trials, evidence.duets.some(endsEarlier)) : []).filter(
    ({ metric }) => isSameWork(entry, metric),
  )
  const rows = [
    outcome,
    ...work,
    ...tested,
    ...(ok ? [missingLatency(identity, evidence, tested, rules), ...scores] : []),
    ...lostRows(identity, evidence, rules),
  ]
  const found = rows.filter((row) => row !== null)
  const slower = found.some(({ verdict, source }) => verdict === 'regression' && source === 'duets')
  return {
    rows: found,
    notes: [
      ...changedOutputs(scenario.label, rules, trials),
      ...(slower ? collections(scenario.label, evidence.pairs) : []),
    ],
  }
}

/** What collecting garbage took in the trials of either version, beside a regression: a hint at its cause. */
function collections(label: string, pairs: readonly TrialPair[]): string[] {
  const per = (side: 'baseline' | 'candidate', metric: string) => {
    const readings = readingsOf(pairs, ({ metrics }) => metrics[metric] ?? null)
    return mean(readings.map((reading) => reading[side] ?? Number.NaN))
  }
  const of = (side: 'baseline' | 'candidate') =>
    `${formatMetric(per(side, 'gc_count'), '')} times a trial, for ${formatMetric(per(side, 'gc_pause_ms'), 'ms')} in all`
  const isKnown = Number.isFinite(per('baseline', 'gc_pause_ms') + per('candidate', 'gc_pause_ms'))
  return isKnown ? [`${label}: garbage was collected ${of('baseline')}; it is now ${of('candidate')}`] : []
}

/** False where chunks of another size, or other rows to read, are what was asked for. */
function isSameWork(entry: GateScenario, metric: string): boolean {
  const { scenario, baseline } = entry
  const alike = isDeepStrictEqual(scenario.dataset, baseline.dataset)
  return alike && (metric === 'rows' || playsInTurns(entry))
}

function endsEarlier({ chunks }: DuetReport): boolean {
  return chunks !== null && chunks.candidate < chunks.baseline
}

function isOk({ outcome }: { outcome: string }): boolean {
  return outcome === 'ok'
}

function testRow(
  test: GateTest,
  { claimAlpha, seconds }: { claimAlpha: number; seconds: Record<MetricValues['kind'], number> },
): GateRow {
  const { metric, margin, kind, entry, evidence } = test
  const values = valuesOf(metric, kind, evidence)!
  const judgement = (test.sameAs ?? test).judgement ?? notLookedAt(values)
  const own = test.judgement ?? { ...values, n: values.worse.length }
  const { verdict, worse } = judgement
  const alphas = { claim: claimAlpha, pass: PASS_ALPHA }
  const byAmount = own.scale === 'difference'
  const turn = byAmount ? negative : inverse
  const change =
    worse === null || metric.direction === 'lower_is_better'
      ? worse
      : { value: turn(worse.value)!, low: turn(worse.high), high: turn(worse.low) }
  const doubt = verdict === 'ruled_out' && kind === 'duets' ? doubtOf(entry, evidence, margin) : null
  const repeat = test.sameAs === null ? null : 'every chunk has the same rows: the test of chunk latency'
  return {
    scenario: entry.scenario.id,
    label: entry.scenario.label,
    metric: metric.name,
    unit: metric.unit,
    direction: metric.direction,
    verdict: doubt === null ? verdict : 'undecided',
    margin,
    ...(byAmount ? { marginAmount: margin } : test.floor !== null && { marginAmount: test.floor }),
    ratio: byAmount ? null : change,
    ...(byAmount && change !== null && { difference: change }),
    baseline: own.baseline,
    candidate: own.candidate,
    n: own.n,
    source: kind === 'duets' ? 'duets' : 'pairs',
    note: repeat ?? doubt ?? test.accepted ?? (byAmount ? BY_AMOUNT : null),
    ...(test.sameAs !== null && { repeats: true as const }),
    outlook:
      verdict === 'undecided'
        ? outlookFor(test, values.worse, outlookOf(values.worse, margin, alphas, seconds[kind], values.scale))
        : null,
  }
}

/** The gate may end before its first look: what was measured is shown, and nothing is said of it. */
function notLookedAt({ worse, scale }: MetricValues): Judgement {
  const value = scale === 'ratio' ? Math.exp(mean(worse)) : mean(worse)
  return { verdict: 'undecided', worse: { value, low: null, high: null } }
}

const BY_AMOUNT = 'an amount and no ratio, since it may be 0 or negative'

/** Why what the duets rule out is not ruled out for the stream; null where nothing speaks against it. */
function doubtOf(entry: GateScenario, evidence: Evidence, margin: number): string | null {
  const { chunks, compared } = coverageOf(entry, evidence)
  if (chunks === null || compared < chunks) {
    const of = chunks === null ? 'a stream whose end no trial reached' : wholeNumber(chunks)
    return `only the first ${wholeNumber(compared)} chunks of ${of} were compared: give more time by --time-limit, or gate fewer rows`
  }
  return contradiction(evidence.pairs, margin)
}

/** Beyond chance where the trials of one worker each, from first chunk to last, say the opposite of the duets. */
const CONTRADICTION_ALPHA = 0.1
/** Fewer say nothing. */
const FEWEST_TO_CONTRADICT = 3

function contradiction(pairs: readonly TrialPair[], margin: number): string | null {
  const whole = pairs.filter(({ baseline, candidate }) => isOk(baseline) && isOk(candidate)).length
  if (whole < FEWEST_TO_CONTRADICT)
    return `only ${count(whole, 'whole trial')} of each version, and ${FEWEST_TO_CONTRADICT} are held against the duets: give more time by --time-limit, or gate fewer rows`
  for (const { what, worse } of wholeTrials(pairs)) {
    const n = worse.length
    if (n < FEWEST_TO_CONTRADICT) continue
    const half = (studentQuantile(1 - CONTRADICTION_ALPHA, n - 1) * standardDeviation(worse)) / Math.sqrt(n)
    if (mean(worse) - half <= mostOf(margin)) continue
    return `whole trials contradict the duets: their ${what} is ${formatShare(Math.expm1(mean(worse)), 2)} worse over ${n} pairs`
  }
  return null
}

/** Whether more whole trials are wanted to hold the duets against: there are too few, or they look worse than these. */
export function wantsTrials(tests: readonly GateTest[], { pairs }: Evidence): boolean {
  const ofDuets = tests.filter(({ kind }) => kind === 'duets')
  if (ofDuets.length === 0) return false
  const least = Math.min(...ofDuets.map(({ margin }) => margin))
  const whole = wholeTrials(pairs)
  return (
    pairs.length < FEWEST_TO_CONTRADICT ||
    whole.some(({ worse }) => worse.length > 0 && mean(worse) > mostOf(least))
  )
}

function mostOf(margin: number): number {
  return Math.log1p(2 * margin)
}

/** Logs of how many times worse. */
function wholeTrials(pairs: readonly TrialPair[]): { what: string; worse: number[] }[] {
  const of = (name: string, what: string) => ({
    what,
    worse: fromPairs(pairs, 'lower', ({ metrics }) => metrics[name] ?? null)?.worse ?? [],
  })
  return [of('cpu_s', 'CPU time'), of('wall_s', 'time')]
}

/** Chunks that were compared, of how many. */
export function coverageOf({ scenario: { id, label } }: GateScenario, { duets, pairs }: Evidence): Coverage {
  const whole = pairs.flatMap(({ baseline, candidate }) =>
    [baseline, candidate].flatMap((trial) => (trial.outcome === 'ok' ? [trial.metrics['chunks'] ?? 0] : [])),
  )
  const played = duets.flatMap(({ chunks }) =>
    chunks === null ? [] : [Math.min(chunks.baseline, chunks.candidate)],
  )
  return {
    scenario: id,
    label,
    chunks: whole.length === 0 ? null : Math.max(...whole),
    compared: played.length === 0 ? 0 : Math.min(...played),
    duets: played.length,
  }
}

/** Where along the stream the candidate is slower; null where no duet played a whole pass. */
export function profileOf(
  { scenario: { id, label } }: GateScenario,
  { duets }: Evidence,
): GateProfile | null {
  const profiles = duets.flatMap(({ profile }) => (profile === null ? [] : [profile]))
  const chunks = duets.find(({ profile }) => profile !== null)?.chunks?.baseline
  const stretches = profiles[0]?.baseline.length
  if (chunks === undefined || stretches === undefined) return null
  const alike = profiles.filter(({ baseline }) => baseline.length === stretches)
  const out: Omit<GateProfile, 'where'> = {
    ...{ scenario: id, label, chunks, duets: alike.length },
    ...{ ratio: [], low: [], high: [] },
  }
  for (let i = 0; i < stretches; i++) {
    const logs = alike
      .map(({ baseline, candidate }) => Math.log(candidate[i]! / baseline[i]!))
      .filter(Number.isFinite)
    const centre = logs.length === 0 ? 0 : mean(logs)
    const half =
      logs.length < 2
        ? null
        : (studentQuantile(0.975, logs.length - 1) * standardDeviation(logs)) / Math.sqrt(logs.length)
    out.ratio.push(Math.exp(centre))
    out.low.push(half === null ? null : Math.exp(centre - half))
    out.high.push(half === null ? null : Math.exp(centre + half))
  }
  return { ...out, where: whereOf(out) }
}

/** What could get worse without this gate's notice. */
export function untestedBy(family: Family, rules: Rules): Untested[] {
  const tested = new Set(family.tests.map(({ metric }) => metric.name))
  // Where nothing was measured, nothing is known of that.
  const inWhole = family.tests.length > 0 && !family.tests.some(({ entry }) => playsInTurns(entry))
  const missing = gatedMetrics(rules.table, rules.settings)
    .filter(({ name }) => !tested.has(name))
    .map(({ name }) => ({
      metric: name,
      why:
        name === 'energy_j'
          ? 'no counter of energy could be read'
          : /^latency_/.test(name) && inWhole
            ? 'the chunks of the versions differ in size'
            : 'not measured in both versions, or not above 0',
    }))
  const unchosen = unchosenMetrics(rules.table, rules.settings)
  return [...missing, ...unchosen.map((metric) => ({ metric, why: 'not in gate.metrics' }))]
}

/** No gate takes more trials than the most, however long it may take. */
function outlookFor({ kind, entry }: GateTest, worse: readonly number[], outlook: Outlook): Outlook {
  const { most } = playsInTurns(entry) ? PAIR_ROUNDS : ONLY_PAIRS
  return kind === 'pairs' && worse.length >= most ? { ...outlook, moreSeconds: null } : outlook
}

function inverse(value: number | null): number | null {
  return value === null ? null : 1 / value
}

function negative(value: number | null): number | null {
  return value === null ? null : 0 - value
}

/** Both versions run, but not side by side: their times are then unknown. */
function missingLatency(
  identity: { scenario: string; label: string },
  evidence: Evidence,
  tested: readonly GateRow[],
  { table }: Rules,
): GateRow | null {
  if (tested.some(({ metric }) => isEssential(metric))) return null
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

/** Of a candidate that runs by itself and did not in every duet: what the others say is not all that it does. */
function duetOutcome(
  identity: { scenario: string; label: string },
  duets: readonly DuetReport[],
): GateRow | null {
  const failures = duets.flatMap(({ failure }) =>
    failure === null || failure.side === 'baseline' ? [] : [failure],
  )
  const [first] = failures
  // Where none was played, that says why.
  if (first === undefined || failures.length === duets.length) return null
  const end = `${outcomeName(first.outcome)} in ${failures.length} of ${count(duets.length, 'duet')}`
  return {
    ...identity,
    ...exactly('outcome', '', 'neutral', failures.length),
    ends: { baseline: 'ok', candidate: end },
    note: `was ok; is ${end}: ${plain(first.error.message)}`,
  }
}

/** Of metrics that the workload measures itself: what every trial of the baseline reported, and none of the candidate. */
function lostRows(
  identity: { scenario: string; label: string },
  { pairs }: Evidence,
  { table, settings }: Rules,
): GateRow[] {
  return gatedMetrics(table, settings).flatMap(({ name }): GateRow[] => {
    if (isHarnessMetric(name)) return []
    const { unit, direction } = table.get(name)!
    const readings = readingsOf(pairs, ({ metrics }) => metrics[name] ?? null)
    const was = readings.flatMap(({ baseline }) => baseline ?? [])
    if (was.length === 0 || was.length < readings.length) return []
    if (readings.some(({ candidate }) => candidate !== null)) return []
    const row = exactly(name, unit, direction, readings.length)
    const verdict = readings.length >= FAILURES_TO_CLAIM ? 'regression' : 'undecided'
    return [{ ...identity, ...row, verdict, baseline: mean(was), note: 'is no longer reported' }]
  })
}

function exactly(metric: string, unit: string, direction: Metric['direction'], n: number) {
  const nothing = { margin: null, ratio: null, baseline: null, candidate: null, note: null, outlook: null }
  return { metric, unit, direction, verdict: 'undecided', n, source: 'exact', ...nothing } as const
}

// ---------------------------------------------------------------- one number per duet or pair of trials: the log of how many times worse the candidate is

interface MetricValues {
  kind: 'duets' | 'pairs'
  scale: Scale
  /** Logs of ratios, or differences in the metric's unit; above 0 worse; one per duet or pair of trials. */
  worse: number[]
  /** Means in the metric's unit. */
  baseline: number
  candidate: number
}

const OF_DUETS: Record<string, (sums: DuetSums, pairs: number) => number | null> = {
  latency_mean_ms: ({ latency_ms }, pairs) => latency_ms / pairs,
  latency_p50_ms: ({ p50_ms }) => p50_ms,
  latency_p95_ms: ({ p95_ms }) => p95_ms,
  latency_p99_ms: ({ p99_ms }) => p99_ms,
  latency_max_ms: ({ max_ms }) => max_ms,
  cpu_s: ({ cpu_ms }) => (cpu_ms === null ? null : cpu_ms / 1000),
  throughput_rows_s: ({ rows, latency_ms }) => (rows * 1000) / latency_ms,
}

/** Null where this evidence says nothing of the metric. */
export function valuesOf(metric: Metric, kind: Gated['kind'], evidence: Evidence): MetricValues | null {
  const { name, direction } = metric
  const better = direction === 'higher_is_better' ? 'higher' : 'lower'
  if (kind === 'duets') return fromDuets(evidence.duets, better, OF_DUETS[name]!)
  const read = ({ metrics, energy }: OkTrial) => {
    if (name !== 'energy_j') return metrics[name] ?? null
    return !energy.shared && (energy.source === 'rapl' || energy.source === 'perf') ? energy.joules : null
  }
  // What the harness measures lies above 0, or was not measured.
  if (isHarnessMetric(name)) return fromPairs(evidence.pairs, better, read)
  const readings = readingsOf(evidence.pairs, read)
  const values = readings.flatMap(({ baseline, candidate }) => [baseline, candidate])
  if (metric.signed !== true && values.every((value) => value === null || value > 0))
    return summed(readings, 'pairs', better)
  return differences(readings, better)
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
  better: 'lower' | 'higher',
  read: (trial: OkTrial) => number | null,
): MetricValues | null {
  return summed(readingsOf(pairs, read), 'pairs', better)
}

interface Reading {
  baseline: number | null
  candidate: number | null
}

function readingsOf(pairs: readonly TrialPair[], read: (trial: OkTrial) => number | null): Reading[] {
  return pairs.flatMap(({ baseline: a, candidate: b }) =>
    a.outcome === 'ok' && b.outcome === 'ok' ? [{ baseline: read(a), candidate: read(b) }] : [],
  )
}

/** On the natural scale. */
function differences(readings: readonly Reading[], better: 'lower' | 'higher'): MetricValues | null {
  const usable = readings.filter(
    (pair): pair is { baseline: number; candidate: number } =>
      Number.isFinite(pair.baseline) && Number.isFinite(pair.candidate),
  )
  if (usable.length === 0) return null
  const sign = better === 'lower' ? 1 : -1
  return {
    kind: 'pairs',
    scale: 'difference',
    worse: usable.map(({ baseline: a, candidate: b }) => sign * (b - a)),
    baseline: mean(usable.map(({ baseline }) => baseline)),
    candidate: mean(usable.map(({ candidate }) => candidate)),
  }
}

function summed(
  pairs: readonly Reading[],
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
    scale: 'ratio',
    worse: usable.map(({ baseline: a, candidate: b }) => sign * Math.log(b / a)),
    baseline: mean('baseline'),
    candidate: mean('candidate'),
  }
}

function isUsable(value: number | null): boolean {
  return value !== null && Number.isFinite(value) && value > 0
}
