/** Checks data against a schema and says in words what is wrong and where. */
import type { z } from 'zod'
import { didYouMean, namesHint } from '../nearest.ts'
import { own } from '../own.ts'
import { isMapping } from './document.ts'
import { scalarOf } from './expand.ts'
import type { Places } from './places.ts'
import { dotted, type Finding, type Path, shown } from './problems.ts'
import { SCENARIO_SETTINGS, SETTING_DEFAULTS, SETTING_GROUPS, type Setting, settings } from './settings.ts'

const descriptions: Record<string, Setting> = settings(null)

/** What to know about the setting that a path ends in. */
function settingHint(path: Path): string | undefined {
  const names = path.filter((part) => typeof part === 'string')
  const name = [names.join('.'), names.at(-1) ?? ''].find((one) => Object.hasOwn(descriptions, one))
  if (name === undefined) return undefined
  return `${name}: ${descriptions[name]!.description} (default ${SETTING_DEFAULTS[name]})`
}

/** Keys that a mapping of the schema knows, by the path of the mapping. */
export type KnownKeys = (path: Path) => readonly string[]

/** @returns a finding for each thing that `schema` refuses; empty where `data` fits */
export function check(schema: z.ZodType, data: unknown, places: Places, known: KnownKeys): Finding[] {
  const result = schema.safeParse(withStandIn(data))
  if (result.success) return []
  return result.error.issues.flatMap(innermost).flatMap((issue): Finding[] => {
    const path = pathOf(issue)
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) =>
        unknownKey([...path, key === STAND_IN ? PROTO : key], places, known(path)),
      )
    return [wrongValue(path, data, issue.message, places)]
  })
}

/** zod passes over keys of the first name: they are checked under the other. */
const PROTO = '__proto__'
const STAND_IN = '\u0000proto'

function withStandIn(data: unknown): unknown {
  if (Array.isArray(data)) return data.map(withStandIn)
  if (!isMapping(data)) return data
  const entries = Object.entries(data)
  return Object.fromEntries(
    entries.map(([key, value]) => [key === PROTO ? STAND_IN : key, withStandIn(value)]),
  )
}

const pathOf = (issue: z.core.$ZodIssue): (string | number)[] =>
  issue.path.map((part) => (part === STAND_IN ? PROTO : typeof part === 'symbol' ? String(part) : part))

/** Where one form of a union fits but for something inside it, what is wrong is that, not the whole. */
function innermost(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue]
  const inside = issue.errors.find((issues) =>
    issues.every((inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys'),
  )
  if (inside === undefined) return [issue]
  return inside.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })).flatMap(innermost)
}

function wrongValue(path: Path, data: unknown, expected: string, places: Places): Finding {
  let value: unknown = data
  for (const part of path) value = (value as Record<string | number, unknown>)[part]
  const missing = value === undefined
  const hint = settingHint(path)
  return {
    place: missing ? places.key(path) : places.value(path),
    key: path.length === 0 ? null : dotted(path),
    what: `${missing ? 'missing' : `got ${shown(value)}`}, expected ${expected}`,
    ...(hint !== undefined && { hint }),
  }
}

const SCHEMA = '"stint schema" describes all'
const PARAMS_HINT = "; a parameter of the workload's own goes under params"

function unknownKey(path: Path, places: Places, known: readonly string[]): Finding {
  const key = String(path.at(-1))
  const elsewhere = rightPlace(path, key)
  return {
    place: places.key(path),
    key: dotted(path),
    what: `unknown key${elsewhere === null ? didYouMean(key, known) : ''}`,
    hint:
      elsewhere ??
      namesHint('keys allowed here', key, known, SCHEMA) + (path.length === 1 ? PARAMS_HINT : ''),
  }
}

/** What to do instead where a key of the sweep that cannot vary is given as one that does. */
const NO_AXIS: Readonly<Record<string, string>> = {
  name: 'a sweep has one name: give it at the top; each scenario is named by its values',
  workload:
    'a sweep has one workload: write a sweep for each, run them, and set the runs against each other with "stint compare RUN RUN"',
  dataset: 'name the key of the dataset that varies: dataset.source: [a.csv, b.csv]',
  'dataset.columns': 'name the column whose kind varies: dataset.columns.price: [number, category]',
  params: 'name the parameter that varies: params.learner: [ridge, sgd]',
  compare: 'compare stands at the top of the sweep and holds for all its scenarios',
  gate: 'gate stands at the top of the sweep and holds for all its scenarios',
  goal: 'goal stands at the top of the sweep and holds for all its scenarios',
  arrival: 'name the key of the arrivals that varies: arrival.rate: [1000, 2000]',
  queue: 'name the key of the queue that varies: queue.limit_rows: [1000, 10000]',
  include: 'include stands at the top of the sweep, beside grid',
  exclude: 'exclude stands at the top of the sweep, beside grid',
}

/** Keys of the sweep that hold keys of their own. */
const MAPPINGS = [
  'params',
  'dataset',
  'compare',
  'grid',
  'benchmark_runs',
  'goal',
  ...Object.keys(SETTING_GROUPS),
]

/** What to do about a key that exists, but not here; null for one that exists nowhere. */
function rightPlace(path: Path, key: string): string | null {
  const atTop = path.length === 1
  const head = key.split('.')[0]!
  if (atTop && MAPPINGS.includes(head) && key !== head)
    return `write it as a key of \`${head}\`: ${head}: { ${key.slice(head.length + 1)}: ... }`
  if (path[0] === 'grid' && (key === 'profile' || key === 'profiles'))
    return 'profiles stand at the top of the sweep: profiles: [edge, server]'
  if (path[0] === 'grid' && (key === 'machine' || key === 'machines'))
    return 'machines stand at the top of the sweep: machines: [pi4, server]'
  const isVaried = ['grid', 'include', 'exclude'].includes(String(path[0])) || path[1] === 'reference'
  const instead = isVaried && !atTop ? own(NO_AXIS, key) : undefined
  if (instead !== undefined) return instead
  if (!atTop && Object.hasOwn(descriptions, key) && !SCENARIO_SETTINGS.includes(key))
    return `${key} holds for the whole run: give it one value at the top of the sweep`
  return null
}

/** Values that stand twice in an axis or in `profiles`, each at its second place. */
export function repeatedValues(data: unknown, places: Places): Finding[] {
  if (!isMapping(data)) return []
  const grid = isMapping(data['grid']) ? data['grid'] : {}
  const lists: [Path, unknown][] = Object.entries(grid).map(([key, value]) => [['grid', key], value])
  lists.push([['profiles'], data['profiles']], [['machines'], data['machines']])
  if (isMapping(data['compare'])) lists.push([['compare', 'metrics'], data['compare']['metrics']])
  return lists.flatMap(([path, values]) => {
    if (!Array.isArray(values)) return []
    const seen = new Set<unknown>()
    return values.flatMap((value: unknown, index): Finding[] => {
      const scalar = scalarOf(value)
      if (!seen.has(scalar)) {
        seen.add(scalar)
        return []
      }
      return [
        {
          place: places.value([...path, index]),
          key: dotted([...path, index]),
          what: `${shown(value)} is in the list already`,
          hint: 'remove the repeat; `benchmark_runs` says how often each scenario runs',
        },
      ]
    })
  })
}
