/** The shape of a sweep file, and its JSON Schema for editors. */
import { z } from 'zod'
import type { ParamInfo, Scalar } from '../../workers/workload.ts'
import { HARNESS_METRICS } from '../metrics.ts'
import { own } from '../own.ts'
import { columnType, DATASET_AXES, DATASET_KEYS, DATASET_LISTS, datasetSchema } from './dataset.ts'
import { isMapping, type Mapping } from './document.ts'
import { MOST_VARIABLES, VARIABLE_NAME, WITHHELD, WITHHELD_WORDS } from './env.ts'
import { COLUMN_PREFIX, pointOf, scalarOf } from './expand.ts'
import { GOAL_KEYS, type GoalInput, goalType } from './goal.ts'
import { shareType } from './numbers.ts'
import { BUILT_IN } from './paths.ts'
import type { Path } from './problems.ts'
import { roundsKeys } from './rounds.ts'
import {
  GATE_DEFAULTS,
  PIPELINE_SETTINGS,
  SCENARIO_SETTINGS,
  SETTING_DEFAULTS,
  SETTING_GROUPS,
  type Setting,
  settings,
} from './settings.ts'
import type { Correction, SweepDataset } from './types.ts'

type ScalarMap = Record<string, Scalar>

/** A sweep by key. Settings stand at the top by name. */
export interface SweepInput {
  name: string
  workload?: string | { command: string[] }
  dataset?: SweepDataset
  params?: ScalarMap
  profiles?: string[]
  machines?: string[]
  env?: string[]
  grid?: Record<string, Scalar[]>
  include?: ScalarMap[]
  exclude?: ScalarMap[]
  compare?: {
    reference?: ScalarMap | null
    metrics?: string[]
    alpha?: number
    correction?: Correction
    margin?: number | string
  }
  gate?: {
    margins?: Record<string, number | string>
    metrics?: string[]
    expect?: ('fewer_rows' | 'fewer_chunks')[]
    accept?: { metric: string; scenario?: string; until: string; to: number | string; why: string }[]
    alpha?: number
    build?: string
    install?: string
  }
  goal?: GoalInput
}

/** A sweep that passed `sweepSchema`, with a list or a mapping that is one value of an axis as JSON text. */
export function inputOf(data: Mapping): SweepInput {
  const sweep = data as Omit<SweepInput, 'grid'> & { grid?: Record<string, unknown[]> }
  const { grid, include, exclude, compare } = sweep
  return {
    ...sweep,
    ...(grid && {
      grid: Object.fromEntries(Object.entries(grid).map(([key, values]) => [key, values.map(scalarOf)])),
    }),
    ...(include && { include: include.map(pointOf) }),
    ...(exclude && { exclude: exclude.map(pointOf) }),
    ...(compare?.reference && { compare: { ...compare, reference: pointOf(compare.reference) } }),
  } as SweepInput
}

/** Names that are safe in paths and URLs on every system. */
const SLUG = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/

const scalarWords = 'a text, a number, true, false or null'
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()], { error: scalarWords })
const text = (error: string): z.ZodType<string> => z.string({ error }).min(1, { error })

const workloadWords = '`pipeline`, a path to a module, or a program, such as { command: [python3, model.py] }'
const commandWords = 'a list of words, such as [python3, model.py]'
const command = z.strictObject(
  {
    command: z
      .array(text(commandWords), { error: commandWords })
      .min(1, { error: commandWords })
      .describe("the program and its words; it runs in the sweep's folder"),
  },
  { error: workloadWords },
)

const envWords = 'a list of names of environment variables, such as [PYTHONPATH]'
const variable = z
  .string({ error: envWords })
  .regex(VARIABLE_NAME, { error: 'the name of an environment variable, and no value: letters, digits and _' })
  .refine((name) => !WITHHELD.has(name), { error: WITHHELD_WORDS })

const slugWords =
  'a name of letters, digits, dots, dashes and underscores, at most 64, that starts and ends with a letter or digit'
/** A day, or a ref of git as `git check-ref-format` allows it, which no other way to write a day passes for. */
const UNTIL = /^(?:\d{4}-\d{2}-\d{2}|(?![\d./-]*$|[-.])[\w./+-]+|\d{7,40})$/
const untilWords = 'a day, such as "2026-12-31", or a commit, such as "1a2b3c4"'

/** What a scenario may give by key: a setting, `profile`, `dataset.*`; `params.*` is added by name. */
function scenarioKeys(
  table: Record<string, Setting>,
): Record<string, { type: z.ZodType; description: string }> {
  return {
    ...Object.fromEntries(SCENARIO_SETTINGS.map((name) => [name, table[name]!])),
    ...PIPELINE_ENTRIES,
    ...Object.fromEntries(Object.entries(DATASET_AXES).map(([name, entry]) => [`dataset.${name}`, entry])),
  }
}

const PIPELINE_ENTRIES = Object.fromEntries(
  PIPELINE_SETTINGS.map((name) => [
    name,
    { type: scalar as z.ZodType, description: 'a parameter of the built-in pipeline' },
  ]),
)

/** Keys of an axis that end in a name which the workload or the data gives. */
const NAMED: Readonly<Record<string, { type: z.ZodType; description: string }>> = {
  'params.': { type: scalar, description: "a parameter of the workload's own" },
  [COLUMN_PREFIX]: { type: columnType, description: 'kind of one column' },
}
const namedBy = (key: string): string | undefined =>
  Object.keys(NAMED).find((prefix) => key.startsWith(prefix) && key.length > prefix.length)

function optionalEntries(entries: Record<string, { type: z.ZodType; description: string }>): z.ZodRawShape {
  return Object.fromEntries(
    Object.entries(entries).map(([name, { type, description }]) => [
      name,
      type.describe(description).optional(),
    ]),
  )
}

/** What the mappings of settings are about. */
const GROUPS: Readonly<Record<string, string>> = {
  arrival: 'realtime: when events arrive',
  queue: 'realtime: how many events may wait, and what happens to further ones',
}

interface SchemaOptions {
  /** Upper bound of `max_compute_units`; null: any. */
  cores: number | null
  /** `params.*` and `dataset.columns.*` keys that occur in the grid, the includes, the excludes and the reference. */
  namedKeys: readonly string[]
}

/**
 * The schema of a sweep. Every message says what was expected; unknown keys are refused.
 * It checks one value at a time: what hangs together is checked by `loadSweep`.
 */
export function sweepSchema(options: SchemaOptions): z.ZodType {
  const key = JSON.stringify(options)
  const schema = made.get(key) ?? makeSchema(options)
  made.set(key, schema)
  return schema
}

/** A schema takes 20 ms to make and to use for the first time, and its second use none. */
const made = new Map<string, z.ZodType>()

function makeSchema({ cores, namedKeys }: SchemaOptions): z.ZodType {
  const table = settings(cores)
  const keys = scenarioKeys(table)
  const named = Object.fromEntries(namedKeys.map((key) => [key, NAMED[namedBy(key)!]!]))
  const profile = { type: text('the name of a profile or a path to one'), description: 'hardware profile' }
  const labelWords = 'the label of an agent: letters, digits, - and _, such as pi4'
  const machine = {
    type: z.string({ error: labelWords }).regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, { error: labelWords }),
    description: 'machine, by the label of its agents',
  }
  const axes = Object.fromEntries(
    Object.entries({ ...keys, ...named }).map(([name, { type, description }]) => {
      const error = 'a list of at least one value, such as [64, 256]'
      return [name, { type: z.array(type, { error }).min(1, { error }), description }]
    }),
  )
  const point = z.strictObject(optionalEntries({ ...keys, ...named, profile, machine }), {
    error: 'a mapping of settings to values, such as { chunk_size: 64 }',
  })
  const points = z.array(point, { error: 'a list of mappings, such as [{ chunk_size: 64 }]' })
  const percent = shareType()
  // A tenfold change needs no gate to be seen.
  const slowdown = shareType(false, 1000)
  const alphaWords = 'a number between 0 and 1, such as 0.05'
  const entry = (setting: Setting) =>
    setting.type.meta({ description: setting.description, default: setting.default }).optional()
  const top = Object.entries(table)
    .filter(([name]) => !name.includes('.'))
    .map(([name, setting]) => [name, entry(setting)])
  const groups = Object.entries(SETTING_GROUPS).map(([group, names]) => {
    const keys = names.map((name) => [name, entry((table as Record<string, Setting>)[`${group}.${name}`]!)])
    const error = `a mapping of ${names.join(', ')}`
    return [group, z.strictObject(Object.fromEntries(keys), { error }).describe(GROUPS[group]!).optional()]
  })
  return z.strictObject(
    {
      name: z
        .string({ error: slugWords })
        .regex(SLUG, { error: slugWords })
        .refine((name) => !name.includes('..'), { error: slugWords })
        .describe('name of the sweep; its runs land in results/<name>'),
      workload: z
        .union([text(workloadWords), command], { error: workloadWords })
        .meta({
          description: 'the built-in pipeline, the path of a module, or a program in any language',
          default: 'pipeline',
        })
        .optional(),
      dataset: datasetSchema().optional(),
      ...Object.fromEntries([...top, ...groups]),
      ...optionalEntries(PIPELINE_ENTRIES),
      params: z
        .record(z.string(), scalar, { error: "a mapping of the workload's parameters to values" })
        .describe("the workload's own parameters")
        .optional(),
      profiles: z
        .array(profile.type, { error: 'a list of profiles, such as [edge, server]' })
        .min(1, { error: 'a list of at least one profile, such as [edge, server]' })
        .describe('an axis of hardware profiles: names of those shipped, or paths')
        .optional(),
      machines: z
        .array(machine.type, { error: 'a list of labels of agents, such as [pi4, server]' })
        .min(1, { error: 'a list of at least one label, such as [pi4]' })
        .describe('an axis of machines, by the labels of the agents that run there; needs --server')
        .optional(),
      env: z
        .array(variable, { error: envWords })
        .max(MOST_VARIABLES, { error: `at most ${MOST_VARIABLES} names` })
        .describe('names of environment variables that trials see beside the usual ones, such as PYTHONPATH')
        .optional(),
      grid: z
        .strictObject(optionalEntries(axes), {
          error: 'a mapping of axes to lists, such as { chunk_size: [64, 256] }',
        })
        .describe('axes: every combination becomes a scenario')
        .optional(),
      include: points.describe('further scenarios; what an entry leaves out is as at the top').optional(),
      exclude: points
        .describe('scenarios of the grid to leave out: those that match all keys of an entry')
        .optional(),
      compare: z
        .strictObject(
          {
            reference: z
              .union([point, z.null()], {
                error: 'a mapping of axes to values, such as { max_compute_units: 1 }',
              })
              .describe('every scenario is compared with the one that differs from it in these keys only')
              .optional(),
            metrics: z
              .array(text('the name of a metric'), { error: 'a list of metrics' })
              .min(1, { error: 'a list of at least one metric, such as [latency_p50_ms]' })
              .meta({
                description:
                  "metrics to test: those that every run has, as listed here, and the workload's own",
                examples: HARNESS_METRICS.map(({ name }) => name),
              })
              .optional(),
            alpha: z
              .number({ error: alphaWords })
              .gt(0, { error: alphaWords })
              .lt(1, { error: alphaWords })
              .meta({ description: 'level of significance', default: 0.05 })
              .optional(),
            correction: z
              .enum(['holm', 'bh'], { error: 'holm or bh' })
              .meta({
                description:
                  'correction for many comparisons, over the pairs of a metric: holm (Holm) bounds the chance of any false alarm, bh (Benjamini-Hochberg) the share of false alarms among the alarms',
                default: 'holm',
              })
              .optional(),
            margin: percent.meta({ description: 'a change that does not matter', default: '2%' }).optional(),
          },
          { error: 'a mapping, such as { reference: { max_compute_units: 1 } }' },
        )
        .describe('which scenarios are compared with which, and how')
        .optional(),
      gate: z
        .strictObject(
          {
            margins: z
              .record(z.string(), slowdown, {
                error: 'a mapping of metrics to shares, such as { latency_mean_ms: 2% }',
              })
              .describe('changes for the worse that do not matter, by metric')
              .optional(),
            metrics: z
              .array(text('the name of a metric'), { error: 'a list of metrics, such as [latency_p99_ms]' })
              .describe(
                'metrics to test beside mean latency, CPU time and what is deterministic; absent: throughput, 99th percentile of latency, start-up, finish, peak memory, energy, and what the workload declares',
              )
              .optional(),
            expect: z
              .array(z.enum(['fewer_rows', 'fewer_chunks'], { error: '"fewer_rows" or "fewer_chunks"' }), {
                error: 'a list, such as [fewer_rows]',
              })
              .describe('less work that is meant, and no regression')
              .optional(),
            accept: z
              .array(
                z.strictObject({
                  metric: text('the name of a metric'),
                  scenario: text('the label or id of a scenario')
                    .describe('absent: every scenario')
                    .optional(),
                  until: z
                    .string({ error: untilWords })
                    .regex(UNTIL, { error: untilWords })
                    .describe(
                      'last day on which it is accepted, or a commit or tag: until the baseline has it',
                    ),
                  to: slowdown.describe('the metric may be worse by so much'),
                  why: text('a reason').describe('shown with the row'),
                }),
                {
                  error:
                    'a list, such as [{ metric: cpu_s, until: 2026-12-31, to: 6%, why: validates more }]',
                },
              )
              .describe('known changes for the worse that keep no gate red for a time')
              .optional(),
            alpha: z
              .number({ error: alphaWords })
              .gt(0, { error: alphaWords })
              .lt(0.5, { error: alphaWords })
              .meta({
                description: 'chance of a false alarm over all scenarios and metrics',
                default: GATE_DEFAULTS.alpha,
              })
              .optional(),
            build: text('a command')
              .describe('command that builds a version, run in the top folder of its checkout')
              .optional(),
            install: text('a command')
              .meta({
                description:
                  "command that installs the other version's dependencies where its lock file differs",
                default: GATE_DEFAULTS.install,
              })
              .optional(),
          },
          { error: 'a mapping, such as { margins: { latency_mean_ms: 2% }, build: npm run build }' },
        )
        .describe('what `stint gate` holds a new version to')
        .optional(),
      goal: goalType().describe('what a scenario is wanted for').optional(),
    },
    { error: 'a mapping of settings' },
  )
}

/** Keys that the schema knows in the mapping at `path`, for hints. */
export function knownKeys(path: Path): readonly string[] {
  const scenario = [
    ...SCENARIO_SETTINGS,
    ...PIPELINE_SETTINGS,
    ...Object.keys(DATASET_AXES).map((key) => `dataset.${key}`),
  ]
  switch (path[0]) {
    case undefined:
      return [
        ...BLOCKS,
        ...Object.keys(SETTING_DEFAULTS).filter((name) => !name.includes('.')),
        ...Object.keys(SETTING_GROUPS),
        ...PIPELINE_SETTINGS,
      ]
    case 'arrival':
    case 'queue':
      return SETTING_GROUPS[path[0]]!
    case 'grid':
      return [...scenario, 'params.<name>', 'dataset.columns.<name>']
    case 'dataset':
      return own(DATASET_LISTS, String(path[1]))?.(path) ?? DATASET_KEYS
    case 'workload':
      return ['command']
    case 'compare':
      if (path.length === 1) return ['reference', 'metrics', 'alpha', 'correction', 'margin']
      break
    case 'benchmark_runs':
      return roundsKeys(path)
    case 'gate':
      return path[1] === 'accept'
        ? ['metric', 'scenario', 'until', 'to', 'why']
        : ['margins', 'metrics', 'expect', 'accept', 'alpha', 'build', 'install']
    case 'goal':
      return GOAL_KEYS
  }
  return [...scenario, 'profile', 'machine', 'params.<name>', 'dataset.columns.<name>']
}

/** Keys at the top that are no setting. */
export const BLOCKS = [
  'name',
  'workload',
  'dataset',
  'params',
  'profiles',
  'machines',
  'env',
  'grid',
  'include',
  'exclude',
  'compare',
  'gate',
  'goal',
]

/** Every `params.*` and `dataset.columns.*` key that the grid or an entry of the sweep has. */
export function namedKeys(data: Record<string, unknown>): string[] {
  const compare = data['compare']
  const lists = [data['include'], data['exclude']].flatMap((list) => (Array.isArray(list) ? list : []))
  const maps = [data['grid'], isMapping(compare) ? compare['reference'] : null, ...lists].filter(isMapping)
  return [...new Set(maps.flatMap((map) => Object.keys(map)).filter((key) => namedBy(key)))]
}

/** Stands for any name while the JSON Schema is made. */
const ANY_NAME = '*'

/**
 * JSON Schema of a sweep (draft 2020-12), the same on every machine.
 * @param builtIn parameters of the built-in workload, which an editor then completes and checks
 */
export function sweepJsonSchema(builtIn: Record<string, ParamInfo>): Record<string, unknown> {
  const anyNamed = Object.keys(NAMED).map((prefix) => prefix + ANY_NAME)
  const schema = sweepSchema({ cores: null, namedKeys: anyNamed })
  const json = z.toJSONSchema(schema, {
    io: 'input',
    override: ({ jsonSchema }) => {
      const { properties } = jsonSchema
      if (properties === undefined || !anyNamed.every((key) => Object.hasOwn(properties, key))) return
      jsonSchema.patternProperties = {}
      for (const key of anyNamed) {
        const prefix = key.slice(0, -ANY_NAME.length).replaceAll('.', '\\.')
        jsonSchema.patternProperties[`^${prefix}.+$`] = properties[key]!
        delete properties[key]
      }
    },
  })
  return { ...json, ...withoutWorkload(builtIn), title: 'A Stint sweep' }
}

/** What holds of `params` and of their axes where the sweep names no workload of its own. */
function withoutWorkload(builtIn: Record<string, ParamInfo>): Record<string, unknown> {
  const entries = Object.entries(builtIn)
  const params = Object.fromEntries(entries.map(([name, info]) => [name, paramSchema(info)]))
  const axes = Object.fromEntries(
    entries.map(([name, info]) => [
      `params.${name}`,
      { description: info.description, type: 'array', items: paramSchema(info) },
    ]),
  )
  return {
    if: { properties: { workload: { const: BUILT_IN } } },
    // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema.
    then: {
      properties: {
        params: { properties: params, additionalProperties: false },
        grid: { properties: axes },
      },
    },
  }
}

/** Null is a value where it is the default. */
function paramSchema({ type, values, minimum, maximum, description, default: value }: ParamInfo) {
  const said = { description, default: value }
  if (values !== undefined) return { ...said, enum: value === null ? [...values, null] : [...values] }
  const above = minimum === Number.MIN_VALUE
  return {
    ...said,
    type: value === null ? [type, 'null'] : type,
    ...(minimum !== undefined && (above ? { exclusiveMinimum: 0 } : { minimum })),
    ...(maximum !== undefined && { maximum }),
  }
}
