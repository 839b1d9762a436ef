/**
 * Every setting of a sweep in one table: its type, default, meaning, and whether it may vary by scenario.
 * A new setting is one entry here, its type in `ScenarioSettings`, and its use.
 *
 * What wins where a setting is given more than once, weakest first: the default, the top of the sweep, the profile,
 * an axis of the grid (or an `include` entry), `--set`.
 */
import { z } from 'zod'
import { MINIMUM_MEMORY_MB } from '../../workers/protocol.ts'
import type { Scalar } from '../../workers/workload.ts'
import { wholeNumber } from './numbers.ts'
import { roundsType } from './rounds.ts'
import type { ScenarioSettings } from './types.ts'

/** Below this share a trial process spends its quota on starting up. */
const MINIMUM_COMPUTE_UNITS = 0.05
export const MAX_SEED = 2 ** 32 - 1
export const MAX_ROWS = 1_000_000_000
const MAX_JOBS = 1024
const MAX_CORES = 4096
const DAY_S = 86_400

/** `scenario`: may be an axis. `run`: one value for all trials. */
type Holds = 'scenario' | 'run'

export interface Setting<T extends z.ZodType = z.ZodType, H extends Holds = Holds> {
  /** Error messages of the type say what was expected. */
  type: T
  default: Scalar
  description: string
  holds: H
}

function perScenario<T extends z.ZodType>(
  type: T,
  value: Scalar,
  description: string,
): Setting<T, 'scenario'> {
  return { type, default: value, description, holds: 'scenario' }
}

function perRun<T extends z.ZodType>(type: T, value: Scalar, description: string): Setting<T, 'run'> {
  return { type, default: value, description, holds: 'run' }
}

function number(low: number, high: number, what: string): z.ZodType<number> {
  return z.number({ error: what }).min(low, { error: what }).max(high, { error: what })
}

function choice<const V extends readonly [string, ...string[]]>(values: V, note = ''): z.ZodType<V[number]> {
  return z.enum(values, { error: `one of ${values.join(', ')}${note}` })
}

function nullable<T>(type: z.ZodType<T>, what: string): z.ZodType<T | null> {
  return z.union([type, z.null()], { error: what })
}

function computeUnits(cores: number | null): z.ZodType<number | null> {
  const upper = cores === null ? 'the number of cores' : `${cores} (the cores of this machine)`
  const what = `a share of one core from ${MINIMUM_COMPUTE_UNITS} to ${upper}, or null for no cap`
  const type = z.number({ error: what }).min(MINIMUM_COMPUTE_UNITS, { error: what })
  return nullable(cores === null ? type : type.max(cores, { error: what }), what)
}

const RELATIVE_WORDS = 'the name of a profile or a path to one, or null'
const memoryWords = `a number of MB, ${MINIMUM_MEMORY_MB} or more (the least that a worker can start with), or null for no cap`

/** The table; `cores` bounds `max_compute_units`, null where the machine does not matter, as in the JSON Schema. */
export function settings(cores: number | null) {
  return {
    mode: perScenario(
      choice(['batch', 'streaming'], ' (realtime is not built yet)'),
      'streaming',
      'batch: all the data first, then training; streaming: chunk by chunk',
    ),
    chunk_size: perScenario(wholeNumber(1, MAX_ROWS), 256, 'rows read, engineered and timed at once'),
    batch_size: perScenario(
      wholeNumber(1, MAX_ROWS),
      64,
      'rows of one model update; they are predicted before the model sees them',
    ),
    max_memory_mb: perScenario(
      nullable(z.number({ error: memoryWords }).min(MINIMUM_MEMORY_MB, { error: memoryWords }), memoryWords),
      null,
      "the workload's memory budget, heap and external, MB; null for no cap",
    ),
    max_compute_units: perScenario(
      computeUnits(cores),
      null,
      'share of one core for the whole trial process; null for no cap',
    ),
    memory_scope: perScenario(
      choice(['workload', 'process']),
      'workload',
      'what max_memory_mb bounds: the workload above an idle worker, or the resident size of the whole process',
    ),
    caps: perScenario(
      choice(['strict', 'best_effort']),
      'strict',
      'strict: a cap that cannot be enforced is an error; best_effort: the rows are marked',
    ),
    pin_core: perScenario(
      nullable(
        wholeNumber(0, (cores ?? MAX_CORES) - 1),
        `the number of a core, 0 to ${(cores ?? MAX_CORES) - 1}, or null for any`,
      ),
      null,
      'the only core that a trial may use (taskset); null for any',
    ),
    warmup_chunks: perScenario(
      wholeNumber(0, MAX_ROWS),
      20,
      'chunks stepped through by a throwaway instance before anything is timed and before max_compute_units holds',
    ),
    timeout_s: perScenario(
      number(0.1, DAY_S, `a number of seconds, 0.1 to ${DAY_S}`),
      120,
      'deadline of one trial, warm-up included, s',
    ),
    random_seed: perScenario(wholeNumber(0, MAX_SEED), 42, 'seed of the workload and of the order of trials'),
    benchmark_runs: perRun(
      roundsType(),
      5,
      'trials of each scenario: a number, or { min, max, until } to stop by precision',
    ),
    n_jobs: perRun(
      wholeNumber(1, MAX_JOBS),
      1,
      'trials that run at once; more than one disturbs what is timed',
    ),
    relative_to: perRun(
      nullable(z.string({ error: RELATIVE_WORDS }).min(1, { error: RELATIVE_WORDS }), RELATIVE_WORDS),
      null,
      'a profile with kernel_ops_s: max_compute_units are shares of its core, scaled to this machine by a measured kernel',
    ),
    chunk_log: perRun(
      choice(['first', 'all', 'none']),
      'first',
      'which trials of a scenario write a log of their chunks: the first, all, or none',
    ),
  }
}

type Table = ReturnType<typeof settings>
type SettingsThat<H extends Holds> = {
  [K in keyof Table as Table[K]['holds'] extends H ? K : never]: z.infer<Table[K]['type']>
}
// `ScenarioSettings` is written out for users, who have no zod: this does not compile where the table says otherwise.
type Same<A, B> = [A, B] extends [B, A] ? true : never
true satisfies Same<SettingsThat<'scenario'>, ScenarioSettings>

const TABLE: Record<string, Setting> = settings(null)

/** Settings that a scenario carries, in the order of the table. */
export const SCENARIO_SETTINGS: readonly string[] = Object.keys(TABLE).filter(
  (name) => TABLE[name]!.holds === 'scenario',
)

/** Defaults by name, in the order of the table. */
export const SETTING_DEFAULTS: Readonly<Record<string, Scalar>> = Object.fromEntries(
  Object.entries(TABLE).map(([name, setting]) => [name, setting.default]),
)

/** What each setting means, by name. */
export const SETTING_MEANINGS: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(TABLE).map(([name, setting]) => [name, setting.description]),
)

/** What a trial is held to where nothing is said. */
export function defaultSettings(): ScenarioSettings {
  return Object.fromEntries(
    SCENARIO_SETTINGS.map((name) => [name, SETTING_DEFAULTS[name]]),
  ) as unknown as ScenarioSettings
}

/**
 * Parameters of the built-in pipeline that a sweep or a profile may also give at the top, without `params.`, as users
 * of the original pipeline know them. The pipeline itself says what they are.
 */
export const PIPELINE_SETTINGS: readonly string[] = [
  'adaptive_chunk_resize',
  'max_chunk_retries',
  'target_latency_ms',
  'adaptive_batch_resize',
  'spill_to_disk',
]

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
