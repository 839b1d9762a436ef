/** One run of a sweep, from data to the last journal line. Prints nothing: what happens is told through events. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type {
  Capabilities,
  DatasetSpec,
  InputProblem,
  PreparedDataset,
  TrialResult,
  TrialSpec,
} from '../workers/contract.ts'
import type { Executor } from './execute/executor.ts'
import { runPlan } from './execute/schedule.ts'
import { readGit } from './record/git.ts'
import { Journal } from './record/journal.ts'
import { readMachine } from './record/machine.ts'
import { writeManifest } from './record/manifest.ts'
import { checkWritable, createRunFolder, type RunFolder } from './record/run-folder.ts'
import type { Manifest } from './record/types.ts'
import type { LoadedSweep } from './sweep/load.ts'
import { fitToWorkload } from './sweep/params.ts'
import { planTrials } from './sweep/plan.ts'
import type { PlannedTrial, Scenario, Sweep } from './sweep/types.ts'
import { STINT_VERSION } from './version.ts'

export interface RunEvents {
  /** Data is read and the workload is known; the first trial is next. */
  onPrepared(folder: string, manifest: Manifest): void
  onStart(scenario: Scenario, trial: PlannedTrial): void
  onResult(scenario: Scenario, result: TrialResult): void
}

export interface RunOptions {
  /** Where `<sweep>/<run>/` lands. */
  root: string
  /** The words that started the run, for the manifest. */
  command: string[]
  signal: AbortSignal
  events: RunEvents
}

export type SweepRun =
  | { done: 'finished' | 'interrupted'; folder: string }
  /** Nothing was run and nothing was written. */
  | { done: 'refused'; problem: InputProblem }
  | { done: 'interrupted_before' }

/**
 * @throws {Error} where the results folder cannot be written or the executor itself breaks;
 *   every trial that ended before is then in the journal
 */
export async function runSweep(
  { sweep: asked, locate }: LoadedSweep,
  executor: Executor,
  options: RunOptions,
): Promise<SweepRun> {
  checkWritable(options.root)
  const dataFolder = mkdtempSync(join(tmpdir(), 'stint-data-'))
  try {
    const unenforceable = checkCaps(asked, await executor.capabilities())
    if (unenforceable !== null) return { done: 'refused', problem: unenforceable }
    const specs = distinctDatasets(asked.scenarios)
    const prepared = await executor.prepare({
      workload: asked.workload,
      datasets: specs,
      data_dir: dataFolder,
    })
    if (options.signal.aborted) return { done: 'interrupted_before' }
    if (!prepared.ok) return { done: 'refused', problem: prepared.error }
    const sweep = fitToWorkload(asked, prepared.workload, locate)

    const plan = planTrials(sweep)
    const folder = createRunFolder(options.root, sweep.name, new Date(), randomBytes(3).toString('hex'))
    const manifest: Manifest = {
      format: 1,
      id: folder.id,
      stint: STINT_VERSION,
      sweep,
      machine: readMachine(),
      git: readGit(dirname(sweep.source.path)),
      workload: prepared.workload,
      datasets: prepared.datasets,
      notes: prepared.notes,
      planned_trials: plan.length,
      started_at: new Date().toISOString(),
      finished_at: null,
      command: options.command,
    }
    writeManifest(folder.path, manifest)
    options.events.onPrepared(folder.path, manifest)

    const datasets = new Map(specs.map((spec, index) => [keyOf(spec), prepared.datasets[index]!]))
    const finished = await runTrials(sweep, executor, plan, folder, datasets, options)
    if (finished) writeManifest(folder.path, { ...manifest, finished_at: new Date().toISOString() })
    return { done: finished ? 'finished' : 'interrupted', folder: folder.path }
  } finally {
    rmSync(dataFolder, { recursive: true, force: true })
  }
}

async function runTrials(
  sweep: Sweep,
  executor: Executor,
  plan: PlannedTrial[],
  folder: RunFolder,
  datasets: Map<string, PreparedDataset>,
  options: RunOptions,
): Promise<boolean> {
  const scenarios = new Map(sweep.scenarios.map((scenario) => [scenario.id, scenario]))
  const journal = new Journal(folder.journal)
  try {
    const end = await runPlan({
      plan,
      executor,
      jobs: sweep.n_jobs,
      signal: options.signal,
      toSpec: (trial) => toTrialSpec(sweep, scenarios.get(trial.scenario)!, trial, folder, datasets),
      onStart: (trial) => options.events.onStart(scenarios.get(trial.scenario)!, trial),
      onResult: (result) => {
        journal.append(result)
        options.events.onResult(scenarios.get(result.scenario)!, result)
      },
    })
    return !end.interrupted
  } finally {
    journal.close()
  }
}

/** No cap is silently ignored: what this machine cannot enforce is refused unless the sweep says otherwise. */
function checkCaps(sweep: Sweep, able: Capabilities): InputProblem | null {
  if (sweep.caps === 'best_effort') return null
  const asks = (key: 'max_compute_units' | 'max_memory_mb') =>
    sweep.scenarios.some((scenario) => scenario.settings[key] !== null)
  const refuse = (key: string, why: string): InputProblem => ({
    message: `${sweep.source.path}: key "${key}": ${why}`,
    hint: 'say "caps: best_effort" in the sweep to run all the same, with every such row marked',
  })
  if (able.compute === 'none' && asks('max_compute_units')) {
    const notes = able.notes.length === 0 ? '' : ` (${able.notes.join('; ')})`
    return refuse('max_compute_units', `this machine can enforce no compute cap${notes}`)
  }
  if (!able.memory.includes('governor_rss') && asks('max_memory_mb')) {
    return refuse('max_memory_mb', 'this machine cannot bound off-heap memory while a step runs')
  }
  return null
}

function toTrialSpec(
  sweep: Sweep,
  scenario: Scenario,
  planned: PlannedTrial,
  folder: RunFolder,
  datasets: Map<string, PreparedDataset>,
): TrialSpec {
  const { settings } = scenario
  const logged = sweep.chunk_log === 'all' || (sweep.chunk_log === 'first' && planned.round === 1)
  return {
    ...planned,
    flat: scenario.flat,
    workload: sweep.workload,
    params: scenario.params,
    settings,
    dataset: scenario.dataset === null ? null : datasets.get(keyOf(scenario.dataset))!,
    caps: {
      max_memory_mb: settings.max_memory_mb,
      max_compute_units: settings.max_compute_units,
      policy: sweep.caps,
      memory_scope: sweep.memory_scope ?? 'workload',
      pin_core: sweep.pin_core ?? null,
    },
    warmup_chunks: scenario.warmup_chunks,
    timeout_s: scenario.timeout_s,
    chunk_log: logged ? join(folder.chunks, `${planned.trial}.jsonl`) : null,
  }
}

function distinctDatasets(scenarios: Scenario[]): DatasetSpec[] {
  const specs = new Map<string, DatasetSpec>()
  for (const { dataset } of scenarios) if (dataset !== null) specs.set(keyOf(dataset), dataset)
  return [...specs.values()]
}

function keyOf(spec: DatasetSpec): string {
  return JSON.stringify(spec)
}
