/** What data a scenario asks for. */

import type { ColumnDeclaration, ColumnKind, ReadingOptions } from '../../workers/data/types.ts'
import type { DatasetSpec } from '../../workers/protocol.ts'
import type { Scalar } from '../../workers/workload.ts'
import type { Flat } from './expand.ts'
import { absolute, type Folders, missingFile } from './paths.ts'
import { occurrences, type Places } from './places.ts'
import type { Finding } from './problems.ts'
import { DEFAULT_DATASET_SEED } from './settings.ts'
import type { SweepDataset } from './types.ts'

/** Stands for standard input. */
export const STDIN = '-'

const COLUMN_PREFIX = 'dataset.columns.'
/** Lists, which a scenario's key holds as JSON text. */
const LISTS = ['missing', 'features'] as const
/** Keys that say how a file is read. */
const READING = ['format', 'bad_values', 'positive', 'separator', 'quote', 'comment'] as const

/** The `dataset` mapping as keys of a scenario: `dataset.source`, `dataset.columns.<name>`; what is no scalar as JSON. */
export function flatDataset(dataset: SweepDataset): Flat {
  const flat: Flat = {}
  const scalar = (value: unknown): Scalar =>
    typeof value === 'object' && value !== null ? JSON.stringify(value) : (value as Scalar)
  for (const [key, value] of Object.entries(dataset)) {
    if (key !== 'columns') flat[`dataset.${key}`] = scalar(value)
    else
      for (const [name, column] of Object.entries(value as Record<string, unknown>))
        flat[COLUMN_PREFIX + name] = scalar(column)
  }
  return flat
}

/** @returns what is wrong with a scenario's dataset keys, or null; `key` is the one to mend */
function contradiction(flat: Flat): { key: string; what: string; hint: string } | null {
  const given = (name: string): boolean => flat[`dataset.${name}`] !== undefined
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
    return given('seed') ? { key: 'dataset.seed', what: 'goes with generated data alone', hint } : null
  }
  if (!given('rows')) {
    const hint = 'say how many rows to generate, such as rows: 20000'
    return { key: 'dataset.generate', what: 'rows are missing', hint }
  }
  const forSources = ['preset', 'target', ...READING, 'missing'].find(given)
  const columns = Object.keys(flat).find((key) => key.startsWith(COLUMN_PREFIX))
  const extra = forSources === undefined ? columns : `dataset.${forSources}`
  if (extra === undefined) return null
  return {
    key: extra,
    what: 'goes with a source alone',
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
    const file = absolute(value, places.value(path), folders)
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
  spec(flat: Flat): DatasetSpec | null {
    if (!Object.keys(flat).some((key) => key.startsWith('dataset.'))) return null
    const wrong = contradiction(flat)
    if (wrong !== null) {
      const { place, key } = this.places.locate(wrong.key, flat[wrong.key])
      this.findings.push({ place, key, what: wrong.what, hint: wrong.hint })
      return null
    }
    const rows = (flat['dataset.rows'] ?? null) as number | null
    const preset = (flat['dataset.preset'] ?? null) as string | null
    if (flat['dataset.generate'] !== undefined) {
      const seed = (flat['dataset.seed'] ?? DEFAULT_DATASET_SEED) as number
      const { features } = readingOptions(flat)
      const preset = String(flat['dataset.generate'])
      return { kind: 'generate', preset, rows: rows as number, seed, ...(features && { features }) }
    }
    return {
      kind: 'file',
      path: this.sourcePath(flat['dataset.source'] as string),
      preset,
      target: (flat['dataset.target'] ?? null) as string | null,
      columns: columnsOf(flat),
      rows,
      ...readingOptions(flat),
    }
  }

  private sourcePath(source: string): string {
    if (source === STDIN) return STDIN
    let path = this.paths.get(source)
    if (path === undefined) {
      const { place } = this.places.locate('dataset.source', source)
      path = absolute(source, place, this.folders)
      this.paths.set(source, path)
      const finding = missingFile(path, 'dataset.source', source, this.places.locate)
      if (finding !== null) this.findings.push(finding)
    }
    return path
  }
}

function columnsOf(flat: Flat): Record<string, ColumnKind | ColumnDeclaration> {
  const columns = Object.entries(flat).filter(([key]) => key.startsWith(COLUMN_PREFIX))
  const declared = (value: string) =>
    value.startsWith('{') ? (JSON.parse(value) as ColumnDeclaration) : (value as ColumnKind)
  return Object.fromEntries(
    columns.map(([key, value]) => [key.slice(COLUMN_PREFIX.length), declared(String(value))]),
  )
}

function readingOptions(flat: Flat): ReadingOptions {
  const options: Record<string, unknown> = {}
  const dialect: Record<string, unknown> = {}
  for (const key of READING) {
    const value = flat[`dataset.${key}`]
    if (value === undefined) continue
    if (key === 'positive') options[key] = String(value)
    else if (key === 'format' || key === 'bad_values') options[key] = value
    else dialect[key] = value
  }
  if (Object.keys(dialect).length > 0) options['dialect'] = dialect
  for (const key of LISTS) {
    const value = flat[`dataset.${key}`]
    if (value !== undefined) options[key] = JSON.parse(String(value))
  }
  return options
}
