/** What data a scenario asks for. */
import type { ColumnKind, DatasetSpec, Scalar } from '../../workers/contract.ts'
import type { Flat } from './expand.ts'
import { absolute, type Folders, missingFile } from './paths.ts'
import { occurrences, type Places } from './places.ts'
import type { Finding } from './problems.ts'
import { DEFAULT_DATASET_SEED } from './settings.ts'
import type { SweepDataset } from './types.ts'

const COLUMN_PREFIX = 'dataset.columns.'

/** The `dataset` mapping as keys of a scenario: `dataset.source`, `dataset.columns.<name>`. */
export function flatDataset(dataset: SweepDataset): Flat {
  const flat: Flat = {}
  for (const [key, value] of Object.entries(dataset)) {
    if (key !== 'columns') flat[`dataset.${key}`] = value as Scalar
    else
      for (const [name, kind] of Object.entries(value as Record<string, Scalar>))
        flat[COLUMN_PREFIX + name] = kind
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
  const columns = Object.keys(flat).find((key) => key.startsWith(COLUMN_PREFIX))
  const extra = given('preset') ? 'dataset.preset' : given('target') ? 'dataset.target' : columns
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
    if (typeof value !== 'string') return []
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
      return { kind: 'generate', preset: String(flat['dataset.generate']), rows: rows as number, seed }
    }
    return {
      kind: 'file',
      path: this.sourcePath(flat['dataset.source'] as string),
      preset,
      target: (flat['dataset.target'] ?? null) as string | null,
      columns: columnsOf(flat),
      rows,
    }
  }

  private sourcePath(source: string): string {
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

function columnsOf(flat: Flat): Record<string, ColumnKind> {
  const columns = Object.entries(flat).filter(([key]) => key.startsWith(COLUMN_PREFIX))
  return Object.fromEntries(
    columns.map(([key, kind]) => [key.slice(COLUMN_PREFIX.length), kind as ColumnKind]),
  )
}
