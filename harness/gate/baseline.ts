/** The gate against recorded runs: new trials of the sweep, held against what was recorded. */
import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import { mean, standardDeviation } from '../analyse/descriptive.ts'
import { studentQuantile } from '../analyse/distributions.ts'
import {
  computeMechanisms,
  energySource,
  groupByScenario,
  metricOf,
  metricValues,
  resumedByForce,
  usableValues,
} from '../analyse/values.ts'
import { welchTest } from '../analyse/welch.ts'
import type { Executor } from '../execute/executor.ts'
import { count, formatMetric } from '../format.ts'
import { isHarnessMetric, type Metric, metricTable } from '../metrics.ts'
import { makeOwnedFolder } from '../ownership/leftovers.ts'
import { planTrials } from '../plan/planner.ts'
import {
  adviceOn,
  type Conditions,
  compatibility,
  conditionsOf,
  isOfTheMachine,
  severityOf,
  wordsOf,
} from '../record/compatibility.ts'
import { openRun, type RecordedRun } from '../record/open-run.ts'
import { prepareSession } from '../session/session.ts'
import type { LoadedSweep } from '../sweep/load.ts'
import type { Scenario } from '../sweep/types.ts'
import { UserError } from '../user-error.ts'
import { type BaselineCommits, stillAccepted } from './accepted.ts'
import { boundOf, LARGEST_FINDABLE, POWER, type Scale, told, verdictOf } from './judge.ts'
import { refuseChanged } from './lock-step.ts'
import {
  allowanceOf,
  type Gated,
  gatedMetrics,
  refuseUntestable,
  scoreMetrics,
  unchosenMetrics,
} from './margins.ts'
import { changedOutputs, outcomeRow, scoreRow, workRows } from './outcomes.ts'
import { PASS_ALPHA } from './plan.ts'
import type { GateResult, GateRow, RowVerdict, Rules } from './types.ts'

interface BaselineOptions {
  margin: number | null
  allowDifferentMachine: boolean
  signal: AbortSignal
  onStep(text: string): void
  onTrial(done: number, planned: number): void
}

/**
 * @throws {UserError} where a run is unlike what is run now, with the reasons
 */
export async function compareWithBaseline(
  { sweep: asked, locate }: LoadedSweep,
  paths: readonly string[],
  executor: Executor,
  options: BaselineOptions,
): Promise<GateResult> {
  const runs = readRuns(paths)
  const began = performance.now()
  const dataFolder = makeOwnedFolder()
  try {
    options.onStep('reading the data')
    const prepared = await prepareSession({
      sweep: asked,
      locate,
      executor,
      dataFolder,
      signal: options.signal,
    })
    if (!prepared.ok) throw new UserError(prepared.problem.message, prepared.problem.hint)
    const { session } = prepared
    const { sweep } = session
    const table = metricTable(session.workload.info.metrics)
    refuseUntestable(table, sweep.gate)
    const conditions = await session.conditions()
    const notes = refuseUnlike(runs, conditions, options)
    const accept = await stillAccepted(sweep.gate.accept, commitsOf(runs, sweep.source.path), options.signal)

    session.provide(null)
    session.keepFilesIn(dataFolder)
    // As many a scenario as were recorded, so that a mean is as exact as theirs.
    const benchmark_runs = Math.min(...runs.map(roundsOf))
    const plan = planTrials({ ...sweep, benchmark_runs })
    const scenarios = new Map(sweep.scenarios.map((scenario) => [scenario.id, scenario]))
    const trials: TrialResult[] = []
    for (const { scenario: id, round } of plan) {
      options.signal.throwIfAborted()
      trials.push(await executor.run(session.spec(scenarios.get(id)!, { round })))
      await refuseChanged(session)
      options.onTrial(trials.length, plan.length)
    }
    // What held the caps is known only now.
    refuseUnlike(runs, { ...conditions, mechanisms: computeMechanisms(trials) }, options)

    const rules = { table, settings: { ...sweep.gate, accept }, margin: options.margin }
    const { rows, tests, changed } = rowsOf(sweep.scenarios, runs, trials, rules)
    return {
      verdict: verdictOf(rows),
      name: sweep.name,
      baseline: runs.length === 1 ? runs[0]!.path : `${runs.length} recorded runs`,
      candidate: 'the working copy',
      rows,
      coverage: [],
      profiles: [],
      functions: null,
      operators: null,
      untested: unchosenMetrics(table, sweep.gate).map((metric) => ({ metric, why: 'not in gate.metrics' })),
      notes: [...session.notes, ...runs.flatMap(leftOut), ...notes, ...changed],
      alpha: sweep.gate.alpha,
      tests,
      duets: 0,
      cores: [],
      trials: trials.length,
      elapsed_s: (performance.now() - began) / 1000,
      ended: 'all_measured',
    }
  } finally {
    rmSync(dataFolder, { recursive: true, force: true })
  }
}

/** Null where a run was recorded outside a repository. */
function commitsOf(runs: readonly RecordedRun[], sweep: string): BaselineCommits {
  const hashes = runs.flatMap(({ manifest }) => manifest.git?.commit ?? [])
  return hashes.length === runs.length ? { folder: dirname(sweep), hashes } : null
}

function readRuns(paths: readonly string[]): RecordedRun[] {
  const runs = paths.map((path) => openRun(path, { includeForced: true }))
  const ids = runs.map(({ manifest }) => manifest.id)
  const twice = runs.find(({ manifest }, index) => ids.indexOf(manifest.id) < index)
  if (twice !== undefined) throw new UserError(`${twice.path}: the same run is given twice`)
  const unfinished = runs.find(({ manifest }) => manifest.finished_at === null)
  if (unfinished !== undefined) {
    throw new UserError(
      `${unfinished.path}: the run is not finished`,
      `"stint resume ${unfinished.path}" finishes it`,
    )
  }
  const mixed = runs.find(({ trials }) => resumedByForce(trials).length > 0)
  if (mixed !== undefined) {
    throw new UserError(
      `${mixed.path}: cannot be the measure of this sweep: it was resumed with --force, under other conditions than it began with`,
      'record the baseline anew: stint run SWEEP.yaml --repeat 5',
    )
  }
  return runs
}

function leftOut({ path, notes }: RecordedRun): string[] {
  return notes.map((note) => `${path}: ${note}`)
}

/** Rounds that were recorded: fewer than planned where precision ended them. */
function roundsOf({ manifest, trials }: RecordedRun): number {
  if (!manifest.sweep.until) return manifest.sweep.benchmark_runs
  return trials.reduce((most, { round }) => Math.max(most, round), 1)
}

/**
 * @returns what a user who compares all the same should know
 * @throws {UserError} where the numbers of a recorded run do not go together with those of the trials to come
 */
function refuseUnlike(
  runs: readonly RecordedRun[],
  now: Conditions,
  { allowDifferentMachine }: Pick<BaselineOptions, 'allowDifferentMachine'>,
): string[] {
  const notes = new Map<string, string[]>()
  for (const run of runs) {
    const found = compatibility(conditionsOf(run), now)
    const refused = found.filter((difference) => severityOf(difference, 'baseline') === 'refused')
    const unlike = refused.filter((difference) => !isOfTheMachine(difference))
    if (unlike.length > 0) {
      throw new UserError(
        `${run.path}: cannot be the measure of this sweep: ${unlike.map(wordsOf).join('; ')}`,
        'record the baseline anew: stint run SWEEP.yaml --repeat 5',
      )
    }
    const machine = refused.map(wordsOf).join('; ')
    if (machine !== '' && !allowDifferentMachine) {
      throw new UserError(
        `${run.path}: was recorded on another machine: ${machine}`,
        'record the baseline on this machine, compare two versions here with --against, or say --allow-different-machine',
      )
    }
    const others = found.filter((difference) => severityOf(difference, 'baseline') === 'note')
    const told = [
      ...(machine === '' ? [] : [`another machine (${machine}): a change may be the machine's`]),
      ...others.map((difference) => `${wordsOf(difference)}. ${adviceOn(difference.kind)}`),
    ]
    for (const text of told) notes.set(text, [...(notes.get(text) ?? []), run.path])
  }
  return [...notes].map(
    ([text, paths]) => `${paths.length === 1 ? paths[0] : count(paths.length, 'recorded run')}: ${text}`,
  )
}

function rowsOf(
  scenarios: readonly Scenario[],
  runs: readonly RecordedRun[],
  trials: readonly TrialResult[],
  rules: Rules,
): { rows: GateRow[]; tests: number; changed: string[] } {
  const { table, settings } = rules
  const recorded = runs.map((run) => groupByScenario(run.trials))
  const now = groupByScenario(trials)
  const sides = scenarios.map((scenario) => ({
    scenario,
    baseline: recorded.map((groups) => groups.get(scenario.id) ?? []),
    candidate: now.get(scenario.id) ?? [],
  }))
  const measured = sides.flatMap((side) =>
    gatedMetrics(table, settings)
      .filter(({ name }) => isMeasured(name, side.baseline, side.candidate))
      .map((gated) => ({ side, gated })),
  )
  const decidable = measured.filter(
    ({ gated }) => gated.name === 'peak_memory_mb' || runs.length >= FEWEST_RUNS,
  )
  const tests = Math.max(1, decidable.length)
  const claimAlpha = settings.alpha / tests
  const changed: string[] = []
  const rows = sides.flatMap((side) => {
    const identity = { scenario: side.scenario.id, label: side.scenario.label }
    const flat = { baseline: side.baseline.flat(), candidate: side.candidate }
    const times = measured
      .filter((entry) => entry.side === side)
      .map(({ gated }) => testRow(side, gated, rules, claimAlpha))
    // Of a scenario that does not run there are no scores to miss.
    const both = isOk(flat.baseline) && isOk(flat.candidate)
    const scores = (both ? scoreMetrics(table, settings) : []).map((metric) =>
      scoreRow(identity, metric, allowanceOf(metric, side.scenario, rules).margin, flat),
    )
    const work = both ? workRows(identity, rules, flat) : []
    changed.push(...changedOutputs(identity.label, rules, flat))
    return [outcomeRow(identity, flat), ...work, ...times, ...scores].filter((row) => row !== null)
  })
  return { rows, tests, changed }
}

function isOk(trials: readonly TrialResult[]): boolean {
  return trials.some(({ outcome }) => outcome === 'ok')
}

function isMeasured(
  name: string,
  baseline: readonly (readonly TrialResult[])[],
  candidate: readonly TrialResult[],
): boolean {
  if (name === 'energy_j') {
    return [baseline.flat(), candidate].every((trials) =>
      ['rapl', 'perf'].includes(energySource(trials) ?? ''),
    )
  }
  const has = (trials: readonly TrialResult[]) => trials.some((trial) => metricOf(trial, name) !== null)
  return has(baseline.flat()) && has(candidate)
}

interface RecordedSides {
  scenario: Scenario
  baseline: readonly (readonly TrialResult[])[]
  candidate: readonly TrialResult[]
}

function testRow(
  { scenario, baseline: a, candidate: b }: RecordedSides,
  { name, resolution }: Gated,
  rules: Rules,
  claimAlpha: number,
): GateRow | null {
  const metric = rules.table.get(name)!
  const allowed = allowanceOf(metric, scenario, rules)
  const isMemory = name === 'peak_memory_mb'
  const { values } = usableValues(metricValues(a.flat(), name))
  const typical = values.length === 0 ? 0 : mean(values)
  const floor = resolution !== undefined && typical > 0 ? resolution / typical : 0
  const margin = Math.max(allowed.margin, floor)
  const found = (isMemory ? memoryTest : timesTest)(metric, a, b, margin, claimAlpha)
  if (found === null) return null
  return {
    scenario: scenario.id,
    label: scenario.label,
    metric: metric.name,
    unit: metric.unit,
    direction: metric.direction,
    margin,
    ...(floor > allowed.margin && { marginAmount: resolution! }),
    outlook: null,
    ...found,
    note: found.note ?? allowed.note,
  }
}

// ---------------------------------------------------------------- the tests: what varies between runs counts, not what varies within one

/** Fewer runs do not show how much runs vary. */
const FEWEST_RUNS = 5

type RunsFinding = Pick<
  GateRow,
  'verdict' | 'ratio' | 'difference' | 'marginAmount' | 'baseline' | 'candidate' | 'n' | 'source' | 'note'
>

interface Worse {
  value: number
  low: number | null
  high: number | null
}

/**
 * Holds the mean of one new run against the spread of the recorded ones: Student's prediction interval on the log scale.
 * @param recorded the trials of one scenario, by run
 * @returns null where the metric was not measured
 */
export function timesTest(
  metric: Metric,
  recorded: readonly (readonly TrialResult[])[],
  trials: readonly TrialResult[],
  margin: number,
  claimAlpha: number,
): RunsFinding | null {
  const scale = scaleOf(metric, [...recorded.flat(), ...trials])
  const runs = recorded.map((run) => meanOn(scale, run, metric)).filter((value) => value !== null)
  const now = meanOn(scale, trials, metric)
  if (runs.length === 0 || now === null) return null
  const n = runs.length
  const sign = metric.direction === 'higher_is_better' ? -1 : 1
  const difference = sign * (now - mean(runs))
  const sides = { baseline: told(scale, mean(runs)), candidate: told(scale, now) }
  const found = {
    ...sides,
    n,
    source: 'runs',
    ...(scale === 'difference' && { marginAmount: margin }),
  } as const
  const change = (worse: Worse) =>
    scale === 'ratio'
      ? { ratio: turned(worse, metric, (value) => 1 / value) }
      : { ratio: null, difference: turned(worse, metric, (value) => 0 - value) }
  if (n < FEWEST_RUNS) {
    const worse = { value: told(scale, difference), low: null, high: null }
    const note = `runs vary by more than trials of one run: ${FEWEST_RUNS} recorded runs are needed to tell, and there ${n === 1 ? 'is one' : `are ${n}`}`
    return { ...found, verdict: 'undecided', ...change(worse), note }
  }
  const error = standardDeviation(runs) * Math.sqrt(1 + 1 / n)
  const low = difference - studentQuantile(1 - claimAlpha, n - 1) * error
  const high = difference + studentQuantile(1 - PASS_ALPHA, n - 1) * error
  const worse = { value: told(scale, difference), low: told(scale, low), high: told(scale, high) }
  const bound = boundOf(scale, margin)
  const verdict = low > bound ? 'regression' : high < bound ? 'ruled_out' : 'undecided'
  const note = verdict === 'undecided' ? variesBy(error, n, margin, claimAlpha, scale, metric.unit) : null
  return { ...found, verdict, ...change(worse), note }
}

/** What one run against so many could have shown. */
function variesBy(
  error: number,
  n: number,
  margin: number,
  claimAlpha: number,
  scale: Scale,
  unit: string,
): string {
  const quantiles = studentQuantile(1 - claimAlpha, n - 1) + studentQuantile(POWER, n - 1)
  const least = boundOf(scale, margin) + quantiles * error
  const share = Math.expm1(least)
  const size = scale === 'ratio' ? `${Math.ceil(share * 100)}%` : formatMetric(least, unit)
  const found =
    scale === 'difference' || share <= LARGEST_FINDABLE
      ? `a change for the worse of ${size} or more would have been found in four of five cases`
      : 'they vary too much to find anything'
  return `${found}, by how much the ${n} recorded runs differ; compare side by side with --against, or record more runs`
}

/** Peaks hardly vary between runs: their trials are compared directly, by Welch's test on the log scale. */
export function memoryTest(
  metric: Metric,
  recorded: readonly (readonly TrialResult[])[],
  trials: readonly TrialResult[],
  margin: number,
  claimAlpha: number,
): RunsFinding | null {
  const a = usableValues(metricValues(recorded.flat(), metric.name)).values
  const b = usableValues(metricValues(trials, metric.name)).values
  if (a.length === 0 || b.length === 0) return null
  const found = { baseline: mean(a), candidate: mean(b), n: b.length, source: 'trials' } as const
  const at = (alpha: number) => welchTest(a, b, { scale: 'log', level: 1 - 2 * alpha }).ratio
  const [claim, pass] = [at(claimAlpha), at(PASS_ALPHA)]
  const worse: Worse = {
    value: claim?.value ?? mean(b) / mean(a),
    low: claim?.low ?? null,
    high: pass?.high ?? null,
  }
  const verdict = verdictFor(worse, margin)
  const note =
    verdict !== 'undecided'
      ? null
      : worse.low === null
        ? 'one trial does not show how much it varies: raise benchmark_runs, and record the baseline anew'
        : 'its trials vary too much to tell: raise benchmark_runs, record the baseline anew, or choose another margin'
  return { ...found, verdict, ratio: worse, note }
}

function verdictFor({ low, high }: Worse, margin: number): RowVerdict {
  if (low !== null && low > 1 + margin) return 'regression'
  return high !== null && high < 1 + margin ? 'ruled_out' : 'undecided'
}

/** As candidate to baseline, where it is said how much worse. */
function turned(worse: Worse, { direction }: Metric, turn: (value: number) => number): Worse {
  if (direction !== 'higher_is_better') return worse
  const end = (value: number | null) => (value === null ? null : turn(value))
  return { value: turn(worse.value), low: end(worse.high), high: end(worse.low) }
}

/** Logs of ratios, unless the workload's own metric may be 0 or negative. */
function scaleOf(metric: Metric, trials: readonly TrialResult[]): Scale {
  if (isHarnessMetric(metric.name)) return 'ratio'
  const { values } = usableValues(metricValues(trials, metric.name))
  return metric.signed === true || values.some((value) => value <= 0) ? 'difference' : 'ratio'
}

function meanOn(scale: Scale, trials: readonly TrialResult[], metric: Metric): number | null {
  const { values } = usableValues(metricValues(trials, metric.name))
  const usable = scale === 'ratio' ? values.filter((value) => value > 0).map(Math.log) : values
  return usable.length === 0 ? null : mean(usable)
}
