/**
 * The shapes of what a run folder holds, as read back: the newest manifest, a line of the journal, a line of a chunk
 * log. They check what the code relies on; what only a workload or a sweep reads again is passed on as it is.
 */
import { z } from 'zod'
import type { DataFingerprint, PreparedDataset } from '../../workers/data/types.ts'
import type { DatasetSpec } from '../../workers/protocol/prepare.ts'
import {
  type ChunkLogLine,
  COMPUTE_MECHANISMS,
  DIFFERENCE_KINDS,
  DISTURBED,
  ENERGY_SOURCES,
  MEMORY_MECHANISMS,
  NO_NOISE_READINGS,
  type NoiseReadings,
  OUTCOMES,
  OUTCOMES_NOT_OK,
  type TrialResult,
} from '../../workers/protocol/trial-result.ts'
import { ARRIVAL_PATTERNS, MEMORY_SCOPES, QUEUE_POLICIES } from '../../workers/protocol/trial-spec.ts'
import { DATASET_RULES, DIRECTIONS, KINDS } from '../../workers/untrusted.ts'
import type { MetricInfo, ParamInfo, WorkloadInfo } from '../../workers/workload.ts'
import { own } from '../own.ts'
import type { PipelineOptions, PipelineSettings } from '../pipeline/options.ts'
import { defaultSettings, MODES } from '../sweep/settings.ts'
import type { Scenario, ScenarioSettings, Sweep } from '../sweep/types.ts'
import type { FleetMachine, Manifest } from './types.ts'
import { isPlain } from './upgrade.ts'

const text = z.string()
const number = z.number()
const count = z.int().nonnegative()
const numberOrNull = number.nullable()
const isNumberOrNull = (value: unknown) => value === null || Number.isFinite(value)
const textOrNull = text.nullable()
const scalar = z.union([text, number, z.boolean(), z.null()], {
  error: 'expected a text, a number, true, false or null',
})
/**
 * As `z.record`, and with any name, `__proto__` too.
 * @param isSurely what the type takes beyond doubt, where that is quicker said than by the type
 */
const byName = <T extends z.ZodType>(type: T, isSurely: (value: unknown) => boolean = () => false) =>
  z
    .custom<Record<string, z.output<T>>>(isPlain, { error: 'expected an object' })
    .superRefine((values, context) => {
      for (const name of Object.keys(values)) {
        const value: unknown = values[name]
        if (isSurely(value)) continue
        const [issue] = type.safeParse(value).error?.issues ?? []
        if (issue === undefined) continue
        context.addIssue({ code: 'custom', message: issue.message, path: [name, ...issue.path] })
        return
      }
    })

/** Each key of a shape takes all that the type has there. */
type TakesAll<T, S> = {
  [K in keyof S]: K extends keyof T ? (T[K] extends z.input<S[K]> ? unknown : never) : never
}

/** Checks some keys of an object, takes all that may be written there, and keeps the others as they are. */
const loosely =
  <T>() =>
  <const S extends z.ZodRawShape>(shape: S & TakesAll<T, S>): z.ZodType<T> =>
    z.looseObject(shape as S) as unknown as z.ZodType<T>

// ---------------------------------------------------------------- journal

// A line is what the coordinator made of a trial: more than the report that a trial process sends, which
// workers/untrusted.ts checks. That check runs beside a workload's own code, so it trusts nothing that such code may
// replace and loads no library into a trial; here nothing is hostile, and a schema is shorter. Both take their names
// from the lists beside the types, and the types hold both.

const passedOver = z.object({ kind: z.enum(DIFFERENCE_KINDS), what: text })

const caps = z.object({
  memory: z.object({
    asked_mb: numberOrNull,
    scope: z.enum(MEMORY_SCOPES),
    in_force_mb: numberOrNull,
    mechanisms: z.array(z.enum(MEMORY_MECHANISMS)),
    peak_mb: numberOrNull,
    peak_above_idle_mb: numberOrNull,
    enforced: z.boolean(),
    note: textOrNull,
  }),
  compute: z.object({
    asked: numberOrNull,
    in_force: numberOrNull,
    achieved: numberOrNull,
    mechanism: z.enum(COMPUTE_MECHANISMS),
    period_ms: numberOrNull,
    throttled_ms: numberOrNull,
    pinned_core: numberOrNull,
    enforced: z.boolean(),
    note: textOrNull,
  }),
})

const readings = Object.fromEntries(
  Object.keys(NO_NOISE_READINGS).map((name) => [name, numberOrNull]),
) as Record<keyof NoiseReadings, typeof numberOrNull>
const noise = z.object({
  ...readings,
  // Lines that are older than this reading do not have it.
  own_limit_share: numberOrNull.default(null),
  disturbed: z.array(z.enum(DISTURBED)).nullable(),
})

const anyTrial = {
  trial: text,
  scenario: text,
  round: z.int().positive(),
  caps,
  noise,
  started_at: z.iso.datetime(),
  duration_ms: number,
  children: z.int().nullable().default(null),
  notes: z.array(text),
  resumed_under: z.array(passedOver),
  // A line that is older than fleets.
  machine: textOrNull.default(null),
}

const outcomes = OUTCOMES.join(', ')

export const trialSchema = z.discriminatedUnion(
  'outcome',
  [
    z.object({
      ...anyTrial,
      outcome: z.literal('ok'),
      metrics: byName(numberOrNull, isNumberOrNull),
      energy: z.object({
        joules: numberOrNull,
        source: z.enum(ENERGY_SOURCES).nullable(),
        shared: z.boolean(),
      }),
      // Of open loops only, and not of those that are older than this reading.
      event_latency_ms: z.array(number).nullable().optional(),
      info: byName(z.unknown(), () => true),
    }),
    z.object({
      ...anyTrial,
      outcome: z.enum(OUTCOMES_NOT_OK),
      error: z.object({ name: text, message: text, stack: textOrNull, exit: textOrNull }),
    }),
  ],
  { error: `expected an object whose outcome is one of ${outcomes}` },
) satisfies z.ZodType<TrialResult>

// ---------------------------------------------------------------- chunk logs

export const chunkSchema = loosely<ChunkLogLine>()({
  chunk: count,
  rows: number,
  first_row: number,
  start_ms: number.optional(),
  arrived_ms: number.optional(),
  backlog_rows: number.optional(),
  gc_ms: number.optional(),
  throttled_ms: number.optional(),
  slow: z.boolean().optional(),
  latency_ms: number,
  service_ms: number,
  cpu_ms: number,
  heap_mb: number,
  external_mb: number,
  bytes: number.optional(),
  operators_ms: byName(number).optional(),
  detail: byName(z.unknown()).optional(),
})

// ---------------------------------------------------------------- manifest

const machine = z.object({
  cpu_model: text,
  cores: number,
  memory_mb: number,
  platform: text,
  kernel: text,
  node: text,
  v8: text,
  cgroup: z.object({
    version: z.enum(['v1', 'v2', 'none']),
    cpu_quota_cores: numberOrNull,
    memory_limit_mb: numberOrNull,
  }),
  load_at_start: z.tuple([number, number, number]),
})

export const fleetMachineSchema = z.object({
  name: text,
  id: textOrNull.default(null),
  labels: z.array(text),
  stint: text,
  build: text,
  machine,
  limits: z.object({ max_memory_mb: numberOrNull, max_cores: numberOrNull }),
  clock: z.object({ offset_ms: number, error_ms: number }).nullable(),
  kernel_ops_s: numberOrNull,
}) satisfies z.ZodType<FleetMachine>

const fleet = z.object({ server: text, on: textOrNull, machines: z.array(fleetMachineSchema) })

/** A setting that came to Stint after the run was recorded had its default then. */
function withNewSettings(scenario: unknown): unknown {
  const complete = (given: unknown) => (isPlain(given) ? { ...defaultSettings(), ...given } : given)
  return isPlain(scenario)
    ? { ...scenario, settings: complete(scenario['settings']), point: complete(scenario['point']) }
    : scenario
}

const recordedScenario = loosely<Scenario>()({
  id: text.min(1),
  label: text,
  point: byName(scalar),
  settings: loosely<ScenarioSettings>()({
    mode: z.enum(MODES),
    chunk_size: number,
    batch_size: number,
    max_memory_mb: numberOrNull,
    max_compute_units: numberOrNull,
    memory_scope: z.enum(MEMORY_SCOPES),
    caps: z.enum(['strict', 'best_effort']),
    pin_core: numberOrNull,
    warmup_chunks: count,
    timeout_s: number,
    random_seed: number,
    'arrival.rate': numberOrNull,
    'arrival.pattern': z.enum(ARRIVAL_PATTERNS),
    'arrival.duty': number,
    'arrival.factor': number,
    'arrival.period_ms': number,
    'arrival.column': text.nullable(),
    'arrival.speed': number,
    'arrival.through': text.nullable(),
    duration_s: numberOrNull,
    max_wait_ms: number,
    deadline_ms: numberOrNull,
    'queue.limit_rows': numberOrNull,
    'queue.when_full': z.enum(QUEUE_POLICIES),
    label_delay_ms: number,
  }),
  params: byName(scalar),
  dataset: loosely<DatasetSpec>()({ kind: z.enum(['file', 'generate']) }).nullable(),
  runs: count.nullable(),
  watts: z.object({ idle: number, per_core: number }).nullable(),
})
const scenario = z.preprocess(withNewSettings, recordedScenario)

/** Null in a run that was recorded before there were goals. */
const goal = z.object({
  objective: z.object({ metric: text, direction: z.enum(['maximize', 'minimize']) }).nullable(),
  subject_to: z.array(z.object({ metric: text, operator: z.enum(['<=', '<', '>=', '>']), bound: number })),
})

const search = z.object({
  axis: text,
  best: z.enum(['min', 'max']),
  over: textOrNull,
  values: z.array(number).min(1),
  lines: z.array(scalar).min(1),
  resolution: number,
  trials: z.int().positive(),
})

const sweep = loosely<Sweep>()({
  name: text.min(1),
  workload: z.union([text, z.object({ command: z.array(text).min(1), folder: text })], {
    error: 'expected a text, or an object with command and folder',
  }),
  scenarios: z.array(scenario).min(1),
  axes: z.array(text),
  benchmark_runs: z.int().positive(),
  until: z.object({ min: count, metric: text, ci: number }).nullable(),
  n_jobs: z.int().positive(),
  random_seed: number,
  env: z.preprocess((given) => given ?? [], z.array(text)),
  relative_to: z.object({ profile: text, kernel_ops_s: number }).nullable(),
  chunk_log: z.enum(['first', 'all', 'none']),
  compare: loosely<Sweep['compare']>()({
    reference: byName(scalar).nullable(),
    metrics: z.array(text),
    alpha: number,
    correction: z.enum(['holm', 'bh']),
    margin: number,
    unpaired_expected: z.boolean(),
  }),
  gate: loosely<Sweep['gate']>()({
    margins: byName(number),
    alpha: number,
    build: textOrNull,
    install: textOrNull,
  }),
  goal: z.preprocess((given) => given ?? null, goal.nullable()),
  search: z.preprocess((given) => given ?? null, search.nullable()),
  source: z.looseObject({ path: text, document: z.unknown() }),
})

const workload = loosely<WorkloadInfo>()({
  name: text,
  params: byName(loosely<ParamInfo>()({ default: scalar, description: text })).nullable(),
  metrics: byName(
    loosely<MetricInfo>()({
      unit: text,
      direction: z.enum(DIRECTIONS),
      kind: z.enum(KINDS),
      signed: z.boolean().optional(),
      baseline_of: text.optional(),
      description: text,
    }),
  ),
  accuracy: text.optional(),
  dataset: z.enum(DATASET_RULES),
})

const dataset = loosely<PreparedDataset>()({
  path: text,
  preset: textOrNull,
  target: textOrNull,
  columns: byName(z.unknown()),
  rows: count,
  fingerprint: loosely<DataFingerprint>()({
    sha256: text,
    bytes: count,
    rows: count,
    columns: z.array(text),
  }),
  ceiling_r2: numberOrNull,
})

export const manifestSchema = z.looseObject({
  format: z.literal(3),
  id: text,
  stint: text,
  sweep,
  machine,
  git: z.object({ commit: text, dirty: z.boolean() }).nullable(),
  workload,
  workload_hash: text,
  datasets: z.array(dataset),
  notes: z.array(text),
  calibration: z
    .object({ profile: text, kernel_ops_s: number, here_ops_s: number, factor: number })
    .nullable(),
  planned_trials: count,
  skipped_trials: count.nullable(),
  started_at: z.iso.datetime(),
  finished_at: z.iso.datetime().nullable(),
  elapsed_s: numberOrNull,
  resumed: z.array(z.object({ at: text, finished_trials: count, changes: z.array(passedOver) })),
  command: z.array(text),
  // A manifest that is older than fleets.
  fleet: fleet.nullable().default(null),
  pipeline: z
    .object({
      options: loosely<PipelineOptions>()({
        settings: loosely<PipelineSettings>()({}),
        origins: byName(text),
      }),
      output: text,
    })
    .nullable(),
}) satisfies z.ZodType<Manifest>

const WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
}

/** Where in the value, what was found, and what was expected; the first problem stands for all. */
export function problemOf(error: z.ZodError): string {
  const [issue] = error.issues
  if (issue === undefined) return 'is not what was expected'
  const [, expected = '', found = ''] =
    /^Invalid input: expected (\w+), received (\w+)$/.exec(issue.message) ?? []
  const kind = own(WORDS, expected)
  const what =
    kind === undefined
      ? issue.message.replace(/^Invalid (?:input|option): /, '')
      : `${found === 'undefined' ? 'missing' : `got ${own(WORDS, found) ?? found}`}, expected ${kind}`
  return issue.path.length === 0 ? what : `key "${issue.path.map(String).join('.')}": ${what}`
}
