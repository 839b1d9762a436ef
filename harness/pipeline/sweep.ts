/** The trials of `stint pipeline` as a sweep: a benchmark of both modes, a grid of constraints, and a curve of sizes. */
import type { Scalar } from '../../workers/workload.ts'
import { type LoadedSweep, sweepFromData } from '../sweep/load.ts'
import type { PipelineOptions } from './options.ts'

/** The grid beside what is given: `{64, given} x {256, given} x {0.5, given}`. */
const GRID = { chunk_size: 64, max_memory_mb: 256, max_compute_units: 0.5 }
/** Rows of the size curve, beside all rows. */
const SIZES = [64, 128, 256]
/** A small file is over after a few chunks: enough to compile the hot loops. */
const WARMUP_CHUNKS = 5

export interface PipelineInput {
  /** Absolute path. */
  path: string
  preset: string | null
  target: string | null
  /** Null: ridge for a preset's data, where no target is named and it takes a tenth of the time; else the workload's default. */
  learner: string | null
}

export const PIPELINE_NAME = 'pipeline'

/**
 * @throws {SweepError} where the input does not exist
 */
export function pipelineSweep(
  { settings, template, profile }: PipelineOptions,
  input: PipelineInput,
  caps: 'strict' | 'best_effort',
): LoadedSweep {
  const { output_dir: _, benchmark_runs, ...rest } = settings
  const given = {
    chunk_size: settings.chunk_size,
    max_memory_mb: settings.max_memory_mb,
    max_compute_units: settings.max_compute_units,
  }
  const learner = input.learner ?? (input.target === null ? 'ridge' : null)
  const grid = combinations(given).filter((point) => !same(point, given))
  const data: Record<string, unknown> = {
    name: PIPELINE_NAME,
    dataset: {
      source: input.path,
      ...(input.preset !== null && { preset: input.preset }),
      ...(input.target !== null && { target: input.target }),
    },
    params: { validate: true, drift: 'alarm', ...(learner !== null && { learner }) },
    ...rest,
    benchmark_runs,
    caps,
    warmup_chunks: WARMUP_CHUNKS,
    chunk_log: 'all',
    include: [
      { mode: 'batch' },
      { mode: 'streaming' },
      ...grid.map((point) => ({ mode: 'streaming', ...point })),
      ...SIZES.map((rows) => ({ mode: 'streaming', 'dataset.rows': rows })),
    ],
    compare: { reference: { mode: 'batch' } },
  }
  const loaded = sweepFromData(data, template ?? input.path)
  const watts = profile?.watts ?? null
  const scenarios = loaded.sweep.scenarios.map((planned) => {
    const scenario = { ...planned, watts }
    const { point } = scenario
    if (point['dataset.rows'] !== undefined) return { ...scenario, runs: 1 }
    const whole = { ...scenario, label: scenario.label.replace(/ dataset\.rows=none$/, '') }
    return same(point, given) ? whole : { ...whole, runs: 1 }
  })
  // Batch mode has no grid.
  const compare = { ...loaded.sweep.compare, unpaired_expected: true }
  return { ...loaded, sweep: { ...loaded.sweep, scenarios, compare } }
}

type Constraints = Record<keyof typeof GRID, Scalar>

function combinations(given: Constraints): Constraints[] {
  const values = (key: keyof typeof GRID) => [...new Set([GRID[key], given[key]])]
  return values('chunk_size').flatMap((chunk_size) =>
    values('max_memory_mb').flatMap((max_memory_mb) =>
      values('max_compute_units').map((max_compute_units) => ({
        chunk_size,
        max_memory_mb,
        max_compute_units,
      })),
    ),
  )
}

function same(point: Readonly<Record<string, Scalar>>, constraints: Constraints): boolean {
  return Object.entries(constraints).every(([key, value]) => point[key] === value)
}
