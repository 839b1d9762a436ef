/** The gate against recorded runs: new trials of the sweep, held against what was recorded. */

import { rmSync } from 'node:fs'
import type { TrialResult } from '../../workers/protocol.ts'
import {
  computeMechanisms,
  energySource,
  groupByScenario,
  metricOf,
  metricValues,
  resumedByForce,
} from '../analyse/values.ts'
import type { Executor } from '../execute/executor.ts'
import { count } from '../format.ts'
import { type Metric, metricTable } from '../metrics.ts'
import { makeOwnedFolder } from '../ownership/leftovers.ts'
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
import { planTrials } from '../sweep/plan.ts'
import type { Scenario } from '../sweep/types.ts'
import { UserError } from '../user-error.ts'
import { GATED_METRICS, MEMORY_RESOLUTION_MB, marginOf, refuseIdleMargins, scoreMetrics } from './margins.ts'
import { changedOutputs, outcomeRow, scoreRow } from './outcomes.ts'
import { FEWEST_RUNS, memoryTest, timesTest } from './runs-test.ts'
import type { GateResult, GateRow, Rules } from './types.ts'
import { verdictOf } from './verdict.ts'

export interface BaselineOptions {
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
    refuseIdleMargins(table, sweep.gate)
    const conditions = session.conditions()
    const notes = refuseUnlike(runs, conditions, options)

    session.provide(null)
    // As many a scenario as were recorded, so that a mean is as exact as theirs.
    const benchmark_runs = Math.min(...runs.map(roundsOf))
    const plan = planTrials({ ...sweep, benchmark_runs })
    const scenarios = new Map(sweep.scenarios.map((scenario) => [scenario.id, scenario]))
    const trials: TrialResult[] = []
    for (const { scenario: id, round } of plan) {
      options.signal.throwIfAborted()
      trials.push(await executor.run(session.spec(scenarios.get(id)!, { round })))
      options.onTrial(trials.length, plan.length)
    }
    // What held the caps is known only now.
    refuseUnlike(runs, { ...conditions, mechanisms: computeMechanisms(trials) }, options)

    const rules = {
      table,
      settings: sweep.gate,
      margin: options.margin,
    }
    const { rows, tests, changed } = rowsOf(sweep.scenarios, runs, trials, rules)
    return {
      verdict: verdictOf(rows),
      name: sweep.name,
      baseline: runs.length === 1 ? runs[0]!.path : `${runs.length} recorded runs`,
      candidate: 'the working copy',
      rows,
      notes: [...session.notes, ...runs.flatMap(leftOut), ...notes, ...changed],
      alpha: sweep.gate.alpha,
      tests,
      duets: 0,
      trials: trials.length,
      elapsed_s: (performance.now() - began) / 1000,
      ended: 'all_measured',
    }
  } finally {
    rmSync(dataFolder, { recursive: true, force: true })
  }
}

function readRuns(paths: readonly string[]): RecordedRun[] {
  const runs = paths.map(openRun)
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
  const { table, settings, margin } = rules
  const recorded = runs.map((run) => groupByScenario(run.trials))
  const now = groupByScenario(trials)
  const sides = scenarios.map((scenario) => ({
    scenario,
    baseline: recorded.map((groups) => groups.get(scenario.id) ?? []),
    candidate: now.get(scenario.id) ?? [],
  }))
  const measured = sides.flatMap((side) =>
    GATED_METRICS.filter((name) => isMeasured(name, side.baseline, side.candidate)).map((name) => ({
      side,
      name,
    })),
  )
  const decidable = measured.filter(({ name }) => name === 'peak_memory_mb' || runs.length >= FEWEST_RUNS)
  const tests = Math.max(1, decidable.length)
  const claimAlpha = settings.alpha / tests
  const changed: string[] = []
  const rows = sides.flatMap((side) => {
    const identity = { scenario: side.scenario.id, label: side.scenario.label }
    const flat = { baseline: side.baseline.flat(), candidate: side.candidate }
    const times = measured
      .filter((entry) => entry.side === side)
      .map(({ name }) =>
        testRow(identity, side, table.get(name)!, marginOf(table.get(name)!, settings, margin), claimAlpha),
      )
    // Of a scenario that does not run there are no scores to miss.
    const both = isOk(flat.baseline) && isOk(flat.candidate)
    const scores = (both ? scoreMetrics(table, settings) : []).map((metric) =>
      scoreRow(identity, metric, marginOf(metric, settings, margin), flat),
    )
    changed.push(...changedOutputs(identity.label, rules, flat))
    return [outcomeRow(identity, flat), ...times, ...scores].filter((row) => row !== null)
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

function testRow(
  identity: Pick<GateRow, 'scenario' | 'label'>,
  {
    baseline: a,
    candidate: b,
  }: { baseline: readonly (readonly TrialResult[])[]; candidate: readonly TrialResult[] },
  metric: Metric,
  allowed: number,
  claimAlpha: number,
): GateRow | null {
  const isMemory = metric.name === 'peak_memory_mb'
  const [peak] = metricValues(a.flat(), 'peak_memory_mb')
  const floor = isMemory && peak ? MEMORY_RESOLUTION_MB / peak : 0
  const margin = Math.max(allowed, floor)
  const found = (isMemory ? memoryTest : timesTest)(metric, a, b, margin, claimAlpha)
  if (found === null) return null
  return {
    ...identity,
    metric: metric.name,
    unit: metric.unit,
    direction: metric.direction,
    margin,
    ...(floor > allowed && { marginAmount: MEMORY_RESOLUTION_MB }),
    outlook: null,
    ...found,
  }
}
