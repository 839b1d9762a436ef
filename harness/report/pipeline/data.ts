/** What the files of `stint pipeline` are made from: a run folder, read once. */

import { op, table } from 'arquero'
import type { ChunkLogLine, OkTrial, TrialResult } from '../../../workers/protocol/trial-result.ts'
import type { Watts } from '../../../workers/protocol/trial-spec.ts'
import { estimatedJoules, groupByScenario, machinePart, okTrials } from '../../analyse/values.ts'
import { own } from '../../own.ts'
import { type RecordedRun, readChunkLog } from '../../record/open-run.ts'
import type { Manifest } from '../../record/types.ts'
import type { Scenario } from '../../sweep/types.ts'
import { buildReportModel } from '../model.ts'
import type { ReportModel, ScenarioReport } from '../types.ts'

/** A scenario with its trials, by round, and the chunk log of the first of them that was ok. */
export interface Measured {
  scenario: Scenario
  report: ScenarioReport
  trials: TrialResult[]
  /** Empty where no trial was ok. */
  chunks: ChunkLogLine[]
}

export interface PipelineData {
  manifest: Manifest
  /** Of the scenarios that handle all rows. */
  model: ReportModel
  batch: Measured
  streaming: Measured
  /** The grid of constraints, the streaming scenario among them. */
  grid: Measured[]
  /** By rows, ascending, the streaming scenario last. */
  sizes: Measured[]
}

export function readPipelineData(run: RecordedRun): PipelineData {
  const { folder, manifest, trials, forced } = run
  const groups = groupByScenario(trials)
  const { scenarios } = manifest.sweep
  const reports = new Map(
    buildReportModel(manifest, trials, [], forced).scenarios.map((report) => [report.id, report]),
  )
  const notes = [...run.notes]
  const measured = (scenario: Scenario): Measured => {
    const own = groups.get(scenario.id) ?? []
    const ok = firstOk(own)
    const log = ok === undefined ? { chunks: [], notes: [] } : readChunkLog(folder, ok.trial)
    notes.push(...log.notes)
    return { scenario, report: reports.get(scenario.id)!, trials: own, chunks: log.chunks }
  }
  const whole = scenarios.filter(({ point }) => (point['dataset.rows'] ?? null) === null)
  const benchmark = whole.filter(({ runs }) => runs === null)
  const batch = measured(benchmark.find(({ settings }) => settings.mode === 'batch')!)
  const streaming = measured(benchmark.find(({ settings }) => settings.mode === 'streaming')!)
  const others = whole.filter(({ runs }) => runs !== null).map(measured)
  const parts = scenarios.filter(({ point }) => (point['dataset.rows'] ?? null) !== null).map(measured)
  return {
    manifest,
    model: buildReportModel(wholeRows(manifest, whole), trials, notes, forced),
    batch,
    streaming,
    grid: [streaming, ...others],
    sizes: distinctSizes([...parts, streaming]),
  }
}

/** The trial whose chunk log and facts stand for its scenario. */
export function firstOk(trials: readonly TrialResult[]): OkTrial | undefined {
  return okTrials(trials)[0]
}

/** The sizes are no axis of what is compared and drawn. */
function wholeRows(manifest: Manifest, scenarios: Scenario[]): Manifest {
  const axes = manifest.sweep.axes.filter((key) => key !== 'dataset.rows')
  const planned_trials = scenarios.reduce((sum, { runs }) => sum + (runs ?? manifest.sweep.benchmark_runs), 0)
  return { ...manifest, planned_trials, sweep: { ...manifest.sweep, axes, scenarios } }
}

/** One of those that handled equally many rows, which a file with few rows brings about: the whole file's. */
function distinctSizes(sizes: readonly Measured[]): Measured[] {
  const byRows = new Map<number, Measured>()
  for (const one of sizes) {
    const rows = rowsOf(one)
    if (rows !== null) byRows.set(rows, one)
  }
  return [...byRows].sort(([a], [b]) => a - b).map(([, one]) => one)
}

/** Rows that each of its ok trials handled; null where none was ok. */
export function rowsOf({ report }: Measured): number | null {
  return report.metrics['rows']?.value ?? null
}

// ---------------------------------------------------------------- operators, under the headings of the original profile

export type Stage = 'preprocess' | 'feature_engineering' | 'training' | 'other'

const STAGES: Readonly<Record<string, Stage>> = {
  read: 'preprocess',
  clean: 'preprocess',
  features: 'feature_engineering',
  learn: 'training',
}

export function stageOf(operator: string): Stage {
  return own(STAGES, operator) ?? 'other'
}

export interface OperatorTotal {
  operator: string
  stage: Stage
  seconds: number
}

/** What each operator took over all chunks, in the order in which they first appear. */
export function operatorTotals(chunks: readonly ChunkLogLine[]): OperatorTotal[] {
  const times = chunks.flatMap(({ operators_ms }) => Object.entries(operators_ms ?? {}))
  return table({
    operator: times.map(([operator]) => operator),
    stage: times.map(([operator]) => stageOf(operator)),
    seconds: times.map(([, ms]) => ms / 1000),
  })
    .groupby('operator', 'stage')
    .rollup({ seconds: op.sum('seconds') })
    .objects() as OperatorTotal[]
}

/** Names of all operators, in the order in which they first appear. */
export function operatorsIn(chunks: readonly ChunkLogLine[]): string[] {
  return [...new Set(chunks.flatMap((chunk) => Object.keys(chunk.operators_ms ?? {})))]
}

/** Seconds in the operators of these stages; null where no chunk says. */
export function stageSeconds(
  chunks: readonly ChunkLogLine[],
  belongs: (stage: Stage) => boolean,
): number | null {
  let ms = 0
  let known = false
  for (const { operators_ms } of chunks) {
    for (const [operator, time] of Object.entries(operators_ms ?? {})) {
      if (!belongs(stageOf(operator))) continue
      ms += time
      known = true
    }
  }
  return known ? ms / 1000 : null
}

// ---------------------------------------------------------------- energy of single chunks: an estimate from a profile's watts

/**
 * Joules of a chunk of `trial` from its own CPU time and latency, which holds the pauses of a compute cap; the same
 * estimate as a trial's. Null without watts, and where the trial's part of the idle power is unknown.
 */
export function chunkEnergy(
  watts: Watts | null,
  trial: OkTrial | undefined,
): (chunk: ChunkLogLine) => number | null {
  const part = trial === undefined || trial.energy.joules === null ? null : machinePart(trial)
  if (watts === null || part === null) return () => null
  return ({ latency_ms, cpu_ms }) =>
    estimatedJoules(watts, { wall_s: latency_ms / 1000, cpu_s: cpu_ms / 1000, part })
}
