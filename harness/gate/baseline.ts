/** The gate against recorded runs: new trials of the sweep, held against what was recorded. */

import { rmSync } from 'node:fs'
import type { TrialResult } from '../../workers/protocol.ts'
import { energySource, groupByScenario, metricOf, metricValues } from '../analyse/values.ts'
import type { Executor } from '../execute/executor.ts'
import { count } from '../format.ts'
import { type Metric, metricTable } from '../metrics.ts'
import { makeOwnedFolder } from '../ownership/leftovers.ts'
import { readMachine } from '../record/machine.ts'
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
import { type Recorded, unlikeMechanism, unlikeness } from './unlike.ts'
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
    const { sweep, datasets } = session
    const table = metricTable(session.workload.info.metrics)
    refuseIdleMargins(table, sweep.gate)
    const notes = refuseUnlike(runs, { sweep, machine: readMachine(), datasets }, options)

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
    refuseMechanism(runs, trials, options)

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
  return runs
}

function leftOut({ path, notes }: RecordedRun): string[] {
  return notes.map((note) => `${path}: ${note}`)
}

/** Rounds that were recorded: fewer than planned where precision ended them. */
function roundsOf({ manifest, trials }: Recorded): number {
  if (!manifest.sweep.until) return manifest.sweep.benchmark_runs
  return trials.reduce((most, { round }) => Math.max(most, round), 1)
}

/** @returns what a user who compares all the same should know */
function refuseUnlike(
  runs: readonly Recorded[],
  now: Parameters<typeof unlikeness>[1],
  { allowDifferentMachine }: BaselineOptions,
): string[] {
  const others = new Map<string, string[]>()
  for (const run of runs) {
    const { settings, machine } = unlikeness(run, now)
    if (settings.length > 0) {
      throw new UserError(
        `${run.path}: cannot be the measure of this sweep: ${settings.join('; ')}`,
        'record the baseline anew: stint run SWEEP.yaml --repeat 5',
      )
    }
    if (machine.length === 0) continue
    if (!allowDifferentMachine) {
      throw new UserError(
        `${run.path}: was recorded on another machine: ${machine.join('; ')}`,
        'record the baseline on this machine, compare two versions here with --against, or say --allow-different-machine',
      )
    }
    const what = machine.join('; ')
    others.set(what, [...(others.get(what) ?? []), run.path])
  }
  return [...others].map(
    ([what, paths]) =>
      `${paths.length === 1 ? paths[0] : count(paths.length, 'recorded run')}: another machine (${what}): a change may be the machine's`,
  )
}

function refuseMechanism(
  runs: readonly Recorded[],
  trials: readonly TrialResult[],
  { allowDifferentMachine }: BaselineOptions,
): void {
  if (allowDifferentMachine) return
  for (const run of runs) {
    const reason = unlikeMechanism(run, trials)
    if (reason !== null) throw new UserError(`${run.path}: cannot be the measure of this run: ${reason}`)
  }
}

function rowsOf(
  scenarios: readonly Scenario[],
  runs: readonly Recorded[],
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
