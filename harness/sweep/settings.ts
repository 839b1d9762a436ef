/**
 * Every setting of a sweep in one table: its type, default, meaning, and whether it may vary by scenario.
 *
 * What wins where a setting is given more than once, weakest first: the default, the top of the sweep, the profile,
 * an axis of the grid (or an `include` entry), `--set`.
 */
import { z } from 'zod'
import type { Scalar } from '../../workers/contract.ts'
import { MINIMUM_MEMORY_MB } from '../../workers/protocol.ts'
import { roundsType } from './rounds.ts'
import { wholeNumber } from './whole-number.ts'

/** Below this share a host process spends its quota on starting up. */
const MINIMUM_COMPUTE_UNITS = 0.05
export const MAX_SEED = 2 ** 32 - 1
export const MAX_ROWS = 1_000_000_000
const MAX_JOBS = 1024
/** A chunk that is halved so often has one row. */
const MAX_RETRIES = 30
const MAX_CORES = 4096
const DAY_S = 86_400

export interface Setting {
  /** Error messages of the type say what was expected. */
  type: z.ZodType
  default: Scalar
  description: string
  /** Part of a scenario: may be an axis and stands in `flat`. The others hold for the whole run. */
  scenario: boolean
}

function number(low: number, high: number, what: string): z.ZodType<number> {
  return z.number({ error: what }).min(low, { error: what }).max(high, { error: what })
}

function choice(values: readonly [string, ...string[]], note = ''): z.ZodType<string> {
  return z.enum(values, { error: `one of ${values.join(', ')}${note}` })
}

function nullable(type: z.ZodType, what: string): z.ZodType {
  return z.union([type, z.null()], { error: what })
}

function computeUnits(cores: number | null): z.ZodType {
  const upper = cores === null ? 'the number of cores' : `${cores} (the cores of this machine)`
  const what = `a share of one core from ${MINIMUM_COMPUTE_UNITS} to ${upper}, or null for no cap`
  const type = z.number({ error: what }).min(MINIMUM_COMPUTE_UNITS, { error: what })
  return nullable(cores === null ? type : type.max(cores, { error: what }), what)
}

const flag = z.boolean({ error: 'true or false' })
const latencyWords = 'a number of ms above 0, or null for none'
const RELATIVE_WORDS = 'the name of a profile or a path to one, or null'
const memoryWords = `a number of MB, ${MINIMUM_MEMORY_MB} or more (the least that a worker can start with), or null for no cap`

/** The table; `cores` bounds `max_compute_units`, null where the machine does not matter, as in the JSON Schema. */
export function settings(cores: number | null): Record<string, Setting> {
  return {
    mode: {
      type: choice(['batch', 'streaming'], ' (realtime is not built yet)'),
      default: 'streaming',
      description: 'batch: all the data first, then training; streaming: chunk by chunk',
      scenario: true,
    },
    chunk_size: {
      type: wholeNumber(1, MAX_ROWS),
      default: 256,
      description: 'rows read, engineered and timed at once',
      scenario: true,
    },
    batch_size: {
      type: wholeNumber(1, MAX_ROWS),
      default: 64,
      description: 'rows of one model update; they are predicted before the model sees them',
      scenario: true,
    },
    max_memory_mb: {
      type: nullable(
        z.number({ error: memoryWords }).min(MINIMUM_MEMORY_MB, { error: memoryWords }),
        memoryWords,
      ),
      default: null,
      description: "the workload's memory budget, heap and external, MB; null for no cap",
      scenario: true,
    },
    max_compute_units: {
      type: computeUnits(cores),
      default: null,
      description: 'share of one core for the whole host process; null for no cap',
      scenario: true,
    },
    adaptive_chunk_resize: {
      type: flag,
      default: false,
      description:
        'chunk_size is the most: start from what the caps suggest, split what would not fit, grow again',
      scenario: true,
    },
    max_chunk_retries: {
      type: wholeNumber(0, MAX_RETRIES),
      default: 3,
      description: 'how often a chunk that does not fit max_memory_mb is halved, under adaptive_chunk_resize',
      scenario: true,
    },
    target_latency_ms: {
      type: nullable(z.number({ error: latencyWords }).gt(0, { error: latencyWords }), latencyWords),
      default: null,
      description: 'chunk latency that adaptive_chunk_resize holds; null for none',
      scenario: true,
    },
    adaptive_batch_resize: {
      type: flag,
      default: false,
      description:
        'batch_size is the most: start from what the caps suggest; changes accuracy, and is counted',
      scenario: true,
    },
    spill_to_disk: {
      type: flag,
      default: false,
      description: 'rows that must wait go to temporary files when they take too much of max_memory_mb',
      scenario: true,
    },
    warmup_chunks: {
      type: wholeNumber(0, MAX_ROWS),
      default: 20,
      description:
        'chunks stepped through by a throwaway instance before anything is timed and before max_compute_units holds',
      scenario: true,
    },
    random_seed: {
      type: wholeNumber(0, MAX_SEED),
      default: 42,
      description: 'seed of the workload and of the order of trials',
      scenario: true,
    },
    benchmark_runs: {
      type: roundsType(),
      default: 5,
      description: 'trials of each scenario: a number, or { min, max, until } to stop by precision',
      scenario: false,
    },
    n_jobs: {
      type: wholeNumber(1, MAX_JOBS),
      default: 1,
      description: 'trials that run at once; more than one disturbs what is timed',
      scenario: false,
    },
    timeout_s: {
      type: number(0.1, DAY_S, `a number of seconds, 0.1 to ${DAY_S}`),
      default: 120,
      description: 'deadline of one trial, warm-up included, s',
      scenario: false,
    },
    caps: {
      type: choice(['strict', 'best_effort']),
      default: 'strict',
      description: 'strict: a cap that cannot be enforced is an error; best_effort: the rows are marked',
      scenario: false,
    },
    memory_scope: {
      type: choice(['workload', 'process']),
      default: 'workload',
      description:
        'what max_memory_mb bounds: the workload above an empty cell, or the resident size of the whole process',
      scenario: false,
    },
    relative_to: {
      type: nullable(z.string({ error: RELATIVE_WORDS }).min(1, { error: RELATIVE_WORDS }), RELATIVE_WORDS),
      default: null,
      description:
        'a profile with kernel_ops_s: max_compute_units are shares of its core, scaled to this machine by a measured kernel',
      scenario: false,
    },
    pin_core: {
      type: nullable(
        wholeNumber(0, (cores ?? MAX_CORES) - 1),
        `the number of a core, 0 to ${(cores ?? MAX_CORES) - 1}, or null for any`,
      ),
      default: null,
      description: 'the only core that trials may use (taskset); null for any',
      scenario: false,
    },
    chunk_log: {
      type: choice(['first', 'all', 'none']),
      default: 'first',
      description: 'which trials of a scenario write a log of their chunks: the first, all, or none',
      scenario: false,
    },
  }
}

/** Settings that a scenario carries, in the order of the table. */
export const SCENARIO_SETTINGS: readonly string[] = Object.entries(settings(null))
  .filter(([, setting]) => setting.scenario)
  .map(([name]) => name)

/** Defaults by name, in the order of the table. */
export const SETTING_DEFAULTS: Readonly<Record<string, Scalar>> = Object.fromEntries(
  Object.entries(settings(null)).map(([name, setting]) => [name, setting.default]),
)

/** Defaults of `compare`; the workload's accuracy metric joins the metrics once the workload was asked. */
export const COMPARE_DEFAULTS = {
  metrics: ['latency_p50_ms', 'latency_mean_ms', 'throughput_rows_s', 'peak_memory_mb'],
  alpha: 0.05,
  correction: 'holm',
  margin: 0.02,
} as const

export const GATE_DEFAULTS = { alpha: 0.01, install: 'npm ci' } as const

/** Seed of generated data where the sweep names none. */
export const DEFAULT_DATASET_SEED = 42
