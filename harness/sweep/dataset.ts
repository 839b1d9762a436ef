/** `dataset` of a sweep: what it may say, and the data that each scenario asks for. */

import { z } from 'zod'
import { BrokerError, brokerAddress, isBrokerUrl } from '../../workers/brokers/address.ts'
import {
  BAD_VALUE_POLICIES,
  COLUMN_KINDS,
  type ColumnDeclaration,
  type ColumnKind,
  DATA_FORMATS,
  DATE_FORMATS,
  DECIMAL_MARKS,
  ENCODINGS,
  FEATURE_OPS,
  IMPUTE_STRATEGIES,
  type ReadingOptions,
} from '../../workers/data/types.ts'
import type { DatasetSpec } from '../../workers/protocol/prepare.ts'
import type { Scalar } from '../../workers/workload.ts'
import { COLUMN_PREFIX, type Point, scalarOf } from './expand.ts'
import { wholeNumber } from './numbers.ts'
import { absolute, type Folders, missingFile } from './paths.ts'
import { occurrences, type Places } from './places.ts'
import type { Finding, Path } from './problems.ts'
import { DEFAULT_DATASET_SEED, MAX_ROWS, MAX_SEED } from './settings.ts'
import type { SweepDataset } from './types.ts'

/** Stands for standard input. */
export const STDIN = '-'

/** Lists, which a scenario's key holds as JSON text. */
const LISTS = ['missing', 'features'] as const
/** Keys that say how a file is read. */
const READING = [
  ...(['format', 'bad_values', 'positive', 'encoding', 'separator', 'quote', 'comment', 'decimal'] as const),
  ...(['header', 'skip_lines'] as const),
] as const

/** Keys that say how a topic is listened to. */
const MQTT_ONLY = ['qos', 'wait_s'] as const

function isTopic(source: unknown): boolean {
  return /^mqtts?:\/\//i.test(String(source))
}

/** What is wrong with a URL of a broker; null for nothing, and where it is none. */
function wrongBroker(source: string): Pick<Finding, 'what' | 'hint'> | null {
  if (!isBrokerUrl(source)) return null
  try {
    const { path, server } = brokerAddress(source)
    if (path !== '') return null
    const named = isTopic(source) ? 'TOPIC' : 'STREAM.SUBJECT'
    return {
      what: `${source}: names no ${isTopic(source) ? 'topic' : 'stream'}`,
      hint: `write ${server}/${named}`,
    }
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    return { what: error.message, ...(error.hint !== undefined && { hint: error.hint }) }
  }
}

/** The `dataset` mapping as keys of a scenario: `dataset.source`, `dataset.columns.<name>`; what is no scalar as JSON. */
export function datasetPoint(dataset: SweepDataset): Point {
  const point: Point = {}
  for (const [key, value] of Object.entries(dataset)) {
    if (key !== 'columns') point[`dataset.${key}`] = scalarOf(value)
    else
      for (const [name, column] of Object.entries(value as Record<string, unknown>))
        point[COLUMN_PREFIX + name] = scalarOf(column)
  }
  return point
}

/** @returns what is wrong with a scenario's dataset keys, or null; `key` is the one to mend */
function contradiction(point: Point): { key: string; what: string; hint: string } | null {
  const given = (name: string): boolean => point[`dataset.${name}`] !== undefined
  if (given('source') && given('generate')) {
    const hint =
      "keep one; on the command line: --set 'dataset={source: FILE.csv}' replaces the whole dataset"
    return { key: 'dataset.source', what: 'both source and generate are given, expected one of them', hint }
  }
  if (!given('source') && !given('generate')) {
    const hint = 'give `source: FILE.csv`, or `generate: nba2k` with `rows`'
    return { key: 'dataset', what: 'neither source nor generate is given, expected one of them', hint }
  }
  if (given('source')) {
    const hint = 'remove it, or `generate` the data instead of naming a source'
    if (given('seed')) return { key: 'dataset.seed', what: 'goes with generated data only', hint }
    const forTopics = MQTT_ONLY.find(given)
    if (forTopics === undefined || isTopic(point['dataset.source'])) return null
    const what = 'only goes with a source of MQTT'
    return { key: `dataset.${forTopics}`, what, hint: 'remove it: all other sources come whole' }
  }
  if (!given('rows')) {
    const hint = 'say how many rows to generate, such as rows: 20000'
    return { key: 'dataset.generate', what: 'rows are missing', hint }
  }
  const forSources = ['preset', 'target', ...READING, ...MQTT_ONLY, 'missing'].find(given)
  const columns = Object.keys(point).find((key) => key.startsWith(COLUMN_PREFIX))
  const extra = forSources === undefined ? columns : `dataset.${forSources}`
  if (extra === undefined) return null
  return {
    key: extra,
    what: 'goes with a source only',
    hint: 'the preset that is generated says it; remove this',
  }
}

/** Sources that are no files, found before the scenarios are built; a source at the top that an axis hides is left out. */
export function missingSources(data: unknown, places: Places, folders: Folders): Finding[] {
  const all = occurrences(data, 'dataset.source')
  const used = all.some(({ path }) => path[0] === 'grid')
    ? all.filter(({ path }) => path[0] !== 'dataset')
    : all
  return used.flatMap(({ path, value }) => {
    if (typeof value !== 'string' || value === STDIN) return []
    if (isBrokerUrl(value)) {
      const wrong = wrongBroker(value)
      return wrong === null ? [] : [{ ...places.locate('dataset.source', value), ...wrong }]
    }
    const file = folders.dataAt(absolute(value, places.value(path), folders))
    return missingFile(file, 'dataset.source', value, places.locate) ?? []
  })
}

/** Turns the dataset keys of scenarios into specs; remembers files looked at and collects what is wrong. */
export class Datasets {
  readonly findings: Finding[] = []
  private readonly places: Places
  private readonly folders: Folders
  private readonly paths = new Map<Scalar, string>()

  constructor(places: Places, folders: Folders) {
    this.places = places
    this.folders = folders
  }

  /** Null where the scenario names no data, or contradicts itself, which is then among the findings. */
  spec(point: Point): DatasetSpec | null {
    if (!Object.keys(point).some((key) => key.startsWith('dataset.'))) return null
    const wrong = contradiction(point)
    if (wrong !== null) {
      const { place, key } = this.places.locate(wrong.key, point[wrong.key])
      this.findings.push({ place, key, what: wrong.what, hint: wrong.hint })
      return null
    }
    const rows = (point['dataset.rows'] ?? null) as number | null
    const preset = (point['dataset.preset'] ?? null) as string | null
    if (point['dataset.generate'] !== undefined) {
      const seed = (point['dataset.seed'] ?? DEFAULT_DATASET_SEED) as number
      const { features } = readingOptions(point)
      const preset = String(point['dataset.generate'])
      return { kind: 'generate', preset, rows: rows as number, seed, ...(features && { features }) }
    }
    return {
      kind: 'file',
      path: this.sourcePath(point['dataset.source'] as string),
      preset,
      target: (point['dataset.target'] ?? null) as string | null,
      columns: columnsOf(point),
      rows,
      ...Object.fromEntries(
        MQTT_ONLY.flatMap((key) => {
          const value = point[`dataset.${key}`]
          return value === undefined ? [] : [[key, value]]
        }),
      ),
      ...readingOptions(point),
    }
  }

  private sourcePath(source: string): string {
    if (source === STDIN || isBrokerUrl(source)) return source
    let path = this.paths.get(source)
    if (path === undefined) {
      const { place } = this.places.locate('dataset.source', source)
      path = this.folders.dataAt(absolute(source, place, this.folders))
      this.paths.set(source, path)
      const finding = missingFile(path, 'dataset.source', source, this.places.locate)
      if (finding !== null) this.findings.push(finding)
    }
    return path
  }
}

function columnsOf(point: Point): Record<string, ColumnKind | ColumnDeclaration> {
  const columns = Object.entries(point).filter(([key]) => key.startsWith(COLUMN_PREFIX))
  const declared = (value: string) =>
    value.startsWith('{') ? (JSON.parse(value) as ColumnDeclaration) : (value as ColumnKind)
  return Object.fromEntries(
    columns.map(([key, value]) => [key.slice(COLUMN_PREFIX.length), declared(String(value))]),
  )
}

function readingOptions(point: Point): ReadingOptions {
  const options: Record<string, unknown> = Object.create(null)
  const dialect: Record<string, unknown> = Object.create(null)
  for (const key of READING) {
    const value = point[`dataset.${key}`]
    if (value === undefined) continue
    if (key === 'positive') options[key] = String(value)
    else if (key === 'format' || key === 'bad_values') options[key] = value
    else dialect[key] = value
  }
  if (Object.keys(dialect).length > 0) options['dialect'] = dialect
  for (const key of LISTS) {
    const value = point[`dataset.${key}`]
    if (value !== undefined) options[key] = JSON.parse(String(value))
  }
  return options
}

// ---------------------------------------------------------------- the schema
// The shape of `dataset` in a sweep: where the data is, how it is read, and the features made of it.

const MAX_WINDOW = 1_000_000
const MAX_WAIT_S = 86_400
const MAX_BUCKETS = 65_536
const MAX_SKIPPED_LINES = 1_000_000

const text = (error: string): z.ZodType<string> => z.string({ error }).min(1, { error })
const oneOf = (values: readonly string[]): z.ZodType<string> =>
  z.enum(values as [string, ...string[]], { error: `one of ${values.join(', ')}` })
const finite = z.number({ error: 'a number' })
const texts = (what: string) => z.array(z.string({ error: 'a text' }), { error: `a list of ${what}` })

const character = 'one ASCII character, such as ";" or "\\t"'
const oneCharacter = z.string({ error: character }).regex(/^[\t -~]$/, { error: character })

/** What may stand about a number, and cannot be a part of one. */
const decoration = (error: string): z.ZodType<string> =>
  z.string({ error }).regex(/^(?:(?![eE]\d)[^\d\s+.,()-](?:.*[^\s()-])?)?$/, { error })

const optional = (shape: Record<string, [z.ZodType, string]>): z.ZodRawShape =>
  Object.fromEntries(
    Object.entries(shape).map(([name, [type, description]]) => [name, type.describe(description).optional()]),
  )

const COLUMN: Record<string, [z.ZodType, string]> = {
  format: [oneOf(DATE_FORMATS), 'form of a date'],
  hours: [
    z.boolean({ error: 'true or false' }),
    'date: it has times of day, so that the hour becomes a feature; found by default',
  ],
  decimal: [oneOf(DECIMAL_MARKS), 'number: decimal mark; that of the data set by default'],
  ignore_case: [
    z.boolean({ error: 'true or false' }),
    'category: values that differ only in capitals are one',
  ],
  currency: [
    decoration('a currency sign, such as "$"'),
    'number: the currency sign that may stand before or after it',
  ],
  unit: [
    decoration('a unit, such as kg'),
    'number: the unit that stands after each, "" for none; then thousands separators, K, M, G, B and T as multipliers, and negatives as (5) or 5- are read as well',
  ],
  loose: [
    z.boolean({ error: 'true or false' }),
    'number: skip any leading text and ignore any trailing unit; the rest as with unit',
  ],
  after: [text('a text'), 'number: take what follows the last occurrence of this text'],
  words: [
    z.record(z.string(), finite, { error: 'a mapping of words to numbers, such as { none: 0 }' }),
    'words that stand for a number',
  ],
  missing: [texts('spellings'), 'spellings that mean missing, beside the empty field'],
  buckets: [wholeNumber(2, MAX_BUCKETS), 'hash: how many hashed values; 64 by default'],
  impute: [oneOf(IMPUTE_STRATEGIES), 'how gaps are filled, from earlier rows only'],
  fill: [
    z.union([z.string(), z.number()], { error: 'a number or a text' }),
    'what impute: constant fills in',
  ],
  min: [finite, 'values below are bad'],
  max: [finite, 'values above are bad'],
  values: [texts('values'), 'category: all other values are bad'],
}

const kind = oneOf(COLUMN_KINDS)
const columnWords = `one of ${COLUMN_KINDS.join(', ')}, or a mapping such as { kind: number, unit: kg }`
/** Kind of one column. */
export const columnType = z.union(
  [kind, z.strictObject({ kind: kind.describe('what its text becomes'), ...optional(COLUMN) })],
  { error: columnWords },
)

const FEATURE: Record<string, [z.ZodType, string]> = {
  name: [text('a name'), 'name of the feature; made from the rest by default'],
  exponent: [finite, 'power: the exponent; 2 by default'],
  window: [wholeNumber(1, MAX_WINDOW), 'lag: rows back; rolling: how many earlier rows'],
  alpha: [
    z
      .number({ error: 'a number above 0, up to 1' })
      .gt(0, { error: 'a number above 0' })
      .max(1, { error: 'at most 1' }),
    'ewm: weight of the newest value',
  ],
  by: [text('the name of a category column'), 'separately for each value of this column'],
}
const ofWords = 'a column, or a list of columns'
const feature = z.strictObject(
  {
    op: oneOf(FEATURE_OPS).describe('how it is computed; rolling, ewm, lag and count see only earlier rows'),
    of: z
      .union(
        [text(ofWords), z.array(text('the name of a column'), { error: ofWords }).min(1, { error: ofWords })],
        {
          error: ofWords,
        },
      )
      .describe('columns, or features declared above'),
    ...optional(FEATURE),
  },
  { error: 'a mapping, such as { op: product, of: [width, height] }' },
)

/** Keys of `dataset` that may be an axis. */
export const DATASET_AXES: Record<string, { type: z.ZodType; description: string }> = {
  source: {
    type: text('a path to a data file, - for standard input, or a URL of a stream or topic'),
    description:
      "CSV or JSON (an object per line, or a list of them), or either as .gz, or - for standard input; relative to the sweep's folder. nats://HOST:PORT/STREAM.SUBJECT reads a stored stream, mqtt://HOST:PORT/TOPIC what is published while Stint listens",
  },
  generate: {
    type: text('the name of a preset'),
    description: 'preset whose data is generated, such as nba2k',
  },
  preset: { type: text('the name of a preset'), description: 'how the columns of `source` are read' },
  target: {
    type: text('the name of a column'),
    description: 'column to predict: a number, or a label to classify by',
  },
  positive: {
    type: z.union([z.string().min(1), z.number(), z.boolean()], {
      error: 'a label of the target, such as yes',
    }),
    description:
      'label of two that F1 is of; by default 1, true or yes where there is one, or else the larger label',
  },
  rows: {
    type: wholeNumber(1, MAX_ROWS),
    description: 'rows to generate, or the first rows of `source` to use',
  },
  seed: { type: wholeNumber(0, MAX_SEED), description: 'seed of generated data' },
  qos: {
    type: z.union([z.literal(0), z.literal(1)], { error: '0 or 1' }),
    description: 'MQTT: quality of service, 0 (at most once) or 1 (at least once); 1 by default',
  },
  wait_s: {
    type: z
      .number({ error: 'a number of seconds' })
      .positive({ error: 'above 0' })
      .max(MAX_WAIT_S, {
        error: `at most ${MAX_WAIT_S}`,
      }),
    description:
      'MQTT: seconds without an event after which the data counts as ended, where the publisher announces no end; 30 by default',
  },
  format: {
    type: oneOf(DATA_FORMATS),
    description:
      'csv, or ndjson: one JSON object per line, or a list of them; by default as the name of the file says',
  },
  encoding: {
    type: oneOf(ENCODINGS),
    description: 'what the bytes of the file mean; found by default. windows-1252 has all of Latin-1',
  },
  separator: {
    type: oneCharacter,
    description: 'what stands between the fields of a CSV; found by default',
  },
  quote: {
    type: z.union([oneCharacter, z.null()], { error: `${character}, or null for a file without quoting` }),
    description: 'what stands around a field that holds a separator; found by default, null for none',
  },
  decimal: {
    type: oneOf(DECIMAL_MARKS),
    description: 'decimal mark of numbers; found by default. With a comma, points separate thousands',
  },
  header: {
    type: z.union([z.boolean(), z.literal('row_names')], { error: 'true, false or row_names' }),
    description:
      'whether the first line of a CSV names its columns; found by default. row_names: it does, but the column of row names has none',
  },
  skip_lines: {
    type: wholeNumber(0, MAX_SKIPPED_LINES),
    description: 'lines of a CSV before its header, such as a title; found by default',
  },
  comment: { type: oneCharacter, description: 'lines of a CSV that start with it are skipped' },
  bad_values: {
    type: oneOf(BAD_VALUE_POLICIES),
    description:
      "values that do not fit their column's type or range: fail by default, drop the row, or impute; the last two are counted",
  },
  missing: { type: texts('spellings'), description: 'spellings that mean missing in every column' },
  features: {
    type: z.array(feature, { error: 'a list of features, such as [{ op: product, of: [width, height] }]' }),
    description: 'features beside those of the columns or the preset',
  },
}

export const DATASET_KEYS: readonly string[] = [...Object.keys(DATASET_AXES), 'columns']

/** Keys allowed below a key of `dataset`, for hints. */
export const DATASET_LISTS: Record<string, (path: Path) => string[]> = {
  columns: () => ['kind', ...Object.keys(COLUMN)],
  features: () => ['op', 'of', ...Object.keys(FEATURE)],
}

export function datasetSchema(): z.ZodType {
  const axes = Object.entries(DATASET_AXES).map(
    ([name, { type, description }]): [string, [z.ZodType, string]] => [name, [type, description]],
  )
  return z
    .strictObject(
      {
        ...optional(Object.fromEntries(axes)),
        columns: z
          .record(z.string(), columnType, {
            error: 'a mapping of column names to kinds, such as { price: number }',
          })
          .describe('kinds of columns, instead of those inferred; as an axis: dataset.columns.NAME')
          .optional(),
      },
      { error: 'a mapping, such as { source: players.csv, preset: nba2k }' },
    )
    .describe('the data: a file (`source`) or generated (`generate`)')
}
