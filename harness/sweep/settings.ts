/**
 * Every setting of a sweep in one table: its type, default, meaning, and whether it may vary by scenario.
 * A new setting is one entry here, its type in `ScenarioSettings`, and its use.
 *
 * What wins where a setting is given more than once, weakest first: the default, the top of the sweep, the profile,
 * an axis of the grid (or an `include` entry), `--set`.
 */
import { z } from 'zod'
import { BrokerError, brokerAddress } from '../../workers/brokers/address.ts'
import { ARRIVAL_PATTERNS, MINIMUM_MEMORY_MB, QUEUE_POLICIES } from '../../workers/protocol/trial-spec.ts'
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

export const MODES = ['batch', 'streaming', 'realtime'] as const

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

const MIN_RATE = 0.001
/** Above it, the schedule itself would take a core. */
const MAX_RATE = 10_000_000
const MAX_WAIT_MS = 60_000
const rateWords = `a number of events per second, ${MIN_RATE} to ${MAX_RATE}`
const dutyWords = 'a share between 0 and 1, such as 0.2'
const factorWords = 'a number, 1 to 1000'
const speedWords = 'a number above 0, such as 10'
const columnWords = 'the name of a column, or null'
const throughWords =
  'a broker without a topic, such as nats://localhost:4222 or mqtt://localhost:1883, or null'
const throughUrl = z.string({ error: throughWords }).superRefine((url, context) => {
  try {
    if (brokerAddress(url).path === '') return
    context.addIssue({ code: 'custom', message: throughWords })
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    context.addIssue({ code: 'custom', message: `${throughWords}: ${error.message}` })
  }
})
const durationWords = `a number of seconds, 0.1 to ${DAY_S}, or null for the data's end`
const deadlineWords = `a number of ms, 0.01 to ${DAY_S * 1000}, or null for none`

const RELATIVE_WORDS = 'the name of a profile or a path to one, or null'
const memoryWords = `a number of MB, ${MINIMUM_MEMORY_MB} or more (the least that a worker can start with), or null for no cap`

/** The table; `cores` bounds `max_compute_units`, null where the machine does not matter, as in the JSON Schema. */
export function settings(cores: number | null) {
  return {
    mode: perScenario(
      choice(MODES),
      'streaming',
      'batch: all the data first, then training; streaming: chunk by chunk, the next when the last is done; realtime: events arrive on their own clock',
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
      'deadline of one trial, s: from when its process stands ready, which may be started before, to its result, warm-up included; a start that takes longer is ended too',
    ),
    random_seed: perScenario(wholeNumber(0, MAX_SEED), 42, 'seed of the workload and of the order of trials'),
    'arrival.rate': perScenario(
      nullable(number(MIN_RATE, MAX_RATE, rateWords), rateWords),
      null,
      'realtime: events per second, on average',
    ),
    'arrival.pattern': perScenario(
      choice(ARRIVAL_PATTERNS),
      'poisson',
      'realtime: constant: equal gaps; poisson: independent events; bursts: on and off in turns, poisson within; trace: as a time column of the data says',
    ),
    'arrival.duty': perScenario(
      z.number({ error: dutyWords }).gt(0, { error: dutyWords }).lt(1, { error: dutyWords }),
      0.2,
      'bursts: share of each period that is a burst',
    ),
    'arrival.factor': perScenario(
      number(1, 1000, factorWords),
      4,
      'bursts: rate within a burst over arrival.rate; duty x factor is at most 1, where nothing arrives between bursts',
    ),
    'arrival.period_ms': perScenario(
      number(1, DAY_S * 1000, `a number of ms, 1 to ${DAY_S * 1000}`),
      1000,
      'bursts: from the start of a burst to the start of the next, ms',
    ),
    'arrival.column': perScenario(
      nullable(z.string({ error: columnWords }).min(1, { error: columnWords }), columnWords),
      null,
      'trace: the column with the time of each event, a date or a number of seconds, in order',
    ),
    'arrival.speed': perScenario(
      number(1e-6, 1e6, speedWords),
      1,
      'trace: how many times as fast as recorded',
    ),
    'arrival.through': perScenario(
      nullable(throughUrl, throughWords),
      null,
      'realtime, built-in pipeline: broker that events come through, nats://HOST:PORT or mqtt://HOST:PORT, from a publisher outside the caps; null: handed over in process',
    ),
    duration_s: perScenario(
      nullable(number(0.1, DAY_S, durationWords), durationWords),
      null,
      "realtime: how long events arrive, s; null: to the data's end",
    ),
    max_wait_ms: perScenario(
      number(0, MAX_WAIT_MS, `a number of ms, 0 to ${MAX_WAIT_MS}`),
      0,
      'realtime: how long an event may wait for others to fill its chunk, ms; 0: what has arrived is taken at once',
    ),
    deadline_ms: perScenario(
      nullable(number(0.01, DAY_S * 1000, deadlineWords), deadlineWords),
      null,
      'realtime: goodput is the share of events answered so soon after they arrived, ms; null: no goodput',
    ),
    'queue.limit_rows': perScenario(
      nullable(wholeNumber(1, MAX_ROWS), `a whole number, 1 to ${MAX_ROWS}, or null for no limit`),
      null,
      'realtime: events that may wait before queue.when_full applies; null: any number',
    ),
    'queue.when_full': perScenario(
      choice(QUEUE_POLICIES),
      'block',
      'realtime: block: events wait; drop_oldest, drop_newest: events are given up; predict_only: events are answered and not learned',
    ),
    label_delay_ms: perScenario(
      number(0, DAY_S * 1000, `a number of ms, 0 to ${DAY_S * 1000}`),
      0,
      'realtime, built-in pipeline: time from the arrival of an event to the arrival of its label, ms',
    ),
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

/** Settings that stand in a mapping of their own at the top of a sweep: `arrival.rate` as `arrival: { rate: ... }`. */
export const SETTING_GROUPS: Readonly<Record<string, readonly string[]>> = {
  arrival: namesWithin('arrival.'),
  queue: namesWithin('queue.'),
}

function namesWithin(prefix: string): readonly string[] {
  return SCENARIO_SETTINGS.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length))
}

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
