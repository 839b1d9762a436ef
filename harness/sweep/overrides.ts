/** Values given on the command line, laid over the sweep as read. */
import type { Scalar } from '../../workers/workload.ts'
import { own } from '../own.ts'
import { isMapping, type Mapping, parseYaml, pathKey, type YamlFile } from './document.ts'
import { COLUMN_PREFIX } from './expand.ts'
import type { Finding, Path, Place } from './problems.ts'
import { SETTING_GROUPS } from './settings.ts'

export interface Overrides {
  /** `path=value` each, the value as YAML: `params.learner=ridge`, `grid.chunk_size=[1, 2]`. */
  set?: readonly string[]
  /** As `set` and after it, by an option of another name. */
  further?: readonly { option: string; text: string }[]
  /** `benchmark_runs` */
  runs?: number
  /** `n_jobs` */
  jobs?: number
  /** `random_seed` */
  seed?: number
  /** `dataset.target` */
  target?: string
}

export interface Overridden {
  /** Keys of scenarios (`chunk_size`, `params.learner`) whose one value holds for all of them. */
  fixed: Set<string>
  /** Keys whose axis or value was given anew: what the file says of them elsewhere may no longer match. */
  touched: Set<string>
  findings: Finding[]
}

const NESTED = new Set([
  'grid',
  'params',
  'dataset',
  'compare',
  'gate',
  'goal',
  ...Object.keys(SETTING_GROUPS),
])

/** `grid.params.learner` -> grid, params.learner; `compare.reference.mode` -> compare, reference, mode. */
function segments(path: string): string[] {
  const [head = '', ...rest] = path.split('.')
  if (rest.length === 0 || !NESTED.has(head)) return [path]
  const below = rest.join('.')
  const deeper =
    (head === 'compare' && rest[0] === 'reference') ||
    (head === 'dataset' && rest[0] === 'columns') ||
    (head === 'gate' && rest[0] === 'margins')
  return deeper && rest.length > 1 ? [head, rest[0]!, rest.slice(1).join('.')] : [head, below]
}

/** Lays `overrides` over `file.data` and `file.positions`, in place; the last of two for one path wins. */
export function applyOverrides(file: YamlFile & { data: Mapping }, overrides: Overrides): Overridden {
  const result: Overridden = { fixed: new Set(), touched: new Set(), findings: [] }
  for (const text of overrides.set ?? []) applySet(file, '--set', text, result)
  for (const { option, text } of overrides.further ?? []) applySet(file, option, text, result)
  const options: [string, string[], Scalar | undefined][] = [
    ['--runs', ['benchmark_runs'], overrides.runs],
    ['--jobs', ['n_jobs'], overrides.jobs],
    ['--seed', ['random_seed'], overrides.seed],
    ['--target', ['dataset', 'target'], overrides.target],
  ]
  for (const [option, path, value] of options)
    if (value !== undefined) put(file, path, value, { option: `${option} ${value}` }, result)
  return result
}

function applySet(
  file: YamlFile & { data: Mapping },
  option: string,
  text: string,
  result: Overridden,
): void {
  const place: Place = { option: `${option} ${text}` }
  const equals = text.indexOf('=')
  const name = text.slice(0, Math.max(0, equals)).trim()
  const value = parseYaml(text.slice(equals + 1), () => place)
  if (name === '') {
    const hint = `for example ${option} chunk_size=128`
    result.findings.push({ place, key: null, what: 'expected path=value', hint })
  } else if (value.findings.length > 0) result.findings.push(...value.findings)
  else put(file, segments(name), value.data, place, result)
}

function put(
  file: YamlFile & { data: Mapping },
  path: string[],
  value: unknown,
  place: Place,
  result: Overridden,
): void {
  let holder = file.data
  for (const part of path.slice(0, -1)) {
    if (own(holder, part) == null) define(holder, part, {})
    const next = holder[part]
    // The file has something else than a mapping there, which the schema reports with its place.
    if (!isMapping(next)) return
    holder = next
  }
  forget(file, path)
  // A grid that is replaced makes stale what is said of its axes, too.
  if (path.length === 1 && path[0] === 'grid')
    for (const axis of namesIn(file.data['grid'])) result.touched.add(axis)
  define(holder, path.at(-1)!, value)
  file.positions.set(pathKey(path), { key: place, value: place })
  note(file.data, path, value, result)
}

/** Gives the grid an axis, in the place of what the sweep says of it. */
export function layAxis(
  file: YamlFile & { data: Mapping },
  axis: string,
  values: readonly unknown[],
  place: Place,
  result: Overridden,
): void {
  put(file, ['grid', axis], values, place, result)
}

/** An assignment to `__proto__` would make no key of that name. */
function define(holder: Mapping, key: string, value: unknown): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true })
}

/** What the file said below the path has no place any more. */
function forget(file: YamlFile, path: Path): void {
  const prefix = pathKey(path).slice(0, -1)
  for (const key of [...file.positions.keys()])
    if (key.startsWith(`${prefix},`) || key === `${prefix}]`) file.positions.delete(key)
}

/** Remembers which scenario keys the override fixes or gives a new axis. */
function note(data: Mapping, path: readonly string[], value: unknown, { fixed, touched }: Overridden): void {
  const [head = '', below] = path
  if (head === 'grid') {
    for (const axis of below !== undefined ? [below] : namesIn(value)) {
      fixed.delete(axis)
      touched.add(axis)
    }
    return
  }
  if (head === 'profiles') touched.add('profile')
  if (head === 'machines') touched.add('machine')
  if (['include', 'exclude', 'compare', 'gate', 'goal'].includes(head)) return
  for (const key of scenarioKeys(path, value)) {
    fixed.add(key)
    touched.add(key)
    if (isMapping(data['grid'])) delete data['grid'][key]
  }
}

/** Keys of scenarios that a value at this path gives: `dataset.rows`, `dataset.columns.price`, `params.learner`. */
function scenarioKeys(path: readonly string[], value: unknown): string[] {
  const key = path.join('.')
  if (key === 'dataset')
    return namesIn(value).flatMap((name) => scenarioKeys([key, name], own(value as Mapping, name)))
  if (key === 'params' || Object.hasOwn(SETTING_GROUPS, key) || `${key}.` === COLUMN_PREFIX)
    return namesIn(value).map((name) => `${key}.${name}`)
  return [key]
}

const namesIn = (value: unknown): string[] => (isMapping(value) ? Object.keys(value) : [])
