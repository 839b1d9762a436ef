/** Finds where a key or a value of a sweep was given. */
import type { Scalar } from '../../workers/workload.ts'
import { isMapping, type Positions, pathKey } from './document.ts'
import { COLUMN_PREFIX, scalarOf } from './expand.ts'
import { dotted, type Path, type Place } from './problems.ts'

/** A value and the path at which it stands. */
interface Occurrence {
  path: Path
  value: unknown
}

/** Of one key. */
interface Occurrences {
  first: Occurrence | undefined
  byValue: ReadonlyMap<unknown, Occurrence>
}

/** Where the value of a scenario's key was given. */
export interface Located {
  place: Place
  /** The key as written there, such as `grid.params.learner[1]`. */
  key: string
}

/** Finds a scenario's key (`chunk_size`, `params.learner`), at the given value where one is named. */
export type Locate = (key: string, value?: Scalar) => Located

/** Path of a scenario's key outside the grid: `params.learner` -> params, learner. */
function topPath(key: string): string[] {
  if (key.startsWith(COLUMN_PREFIX)) return ['dataset', 'columns', key.slice(COLUMN_PREFIX.length)]
  // Names of parameters may hold dots themselves; keys below benchmark_runs do not.
  if (key.startsWith('benchmark_runs.')) return key.split('.')
  const dot = key.indexOf('.')
  return dot < 0 ? [key] : [key.slice(0, dot), key.slice(dot + 1)]
}

function valueAt(data: unknown, path: Path): unknown {
  let here: unknown = data
  for (const part of path) {
    if (typeof part === 'number') here = Array.isArray(here) ? here[part] : undefined
    else here = isMapping(here) && Object.hasOwn(here, part) ? here[part] : undefined
  }
  return here
}

/** Axes that are lists at the top of the sweep, by the key of a scenario. */
const AXIS_LISTS = new Map([
  ['profile', 'profiles'],
  ['machine', 'machines'],
])

/** Every value that `key` takes: the axis's, those of the includes, then the top's. */
export function occurrences(data: unknown, key: string): Occurrence[] {
  const found: Occurrence[] = []
  const list = AXIS_LISTS.get(key)
  const axis: Path = list === undefined ? ['grid', key] : [list]
  const values = valueAt(data, axis)
  if (Array.isArray(values)) {
    values.forEach((value: unknown, index) => {
      found.push({ path: [...axis, index], value })
    })
  }
  const include = valueAt(data, ['include'])
  if (Array.isArray(include)) {
    include.forEach((entry: unknown, index) => {
      if (isMapping(entry) && Object.hasOwn(entry, key))
        found.push({ path: ['include', index, key], value: entry[key] })
    })
  }
  const top = valueAt(data, topPath(key))
  if (top !== undefined) found.push({ path: topPath(key), value: top })
  return found
}

export class Places {
  private readonly data: unknown
  private readonly positions: Map<string, Positions>
  private readonly start: Place
  /** By key, what was asked for before: a long axis may be wrong in every value. */
  private readonly known = new Map<string, Occurrences>()
  constructor(data: unknown, positions: Map<string, Positions>, file: string) {
    this.data = data
    this.positions = positions
    this.start = { file, line: 1, column: 1 }
  }

  /** The place of the value at `path`, or of the nearest that holds it. */
  value(path: Path): Place {
    return this.find(path, 'value')
  }

  /** The place of the key at `path`, or of the nearest value that holds it. */
  key(path: Path): Place {
    return this.positions.get(pathKey(path))?.key ?? this.find(path.slice(0, -1), 'value')
  }

  /** What stood at `from` stands at `to` in the data from now on; its place in the file stays. */
  moved(from: Path, to: Path): void {
    const place = this.positions.get(pathKey(from))
    if (place !== undefined) this.positions.set(pathKey(to), place)
  }

  private find(path: Path, side: keyof Positions): Place {
    for (let length = path.length; length > 0; length--) {
      const found = this.positions.get(pathKey(path.slice(0, length)))
      if (found !== undefined) return found[side]
    }
    return this.start
  }

  locate: Locate = (key, value) => {
    const { first, byValue } = this.occurrencesOf(key)
    const hit = (value === undefined ? undefined : byValue.get(value)) ?? first
    const listed = Array.isArray(hit?.value) ? hit.value.indexOf(value) : -1
    const path = [...(hit?.path ?? topPath(key)), ...(listed < 0 ? [] : [listed])]
    return { place: this.value(path), key: dotted(path) }
  }

  private occurrencesOf(key: string): Occurrences {
    let known = this.known.get(key)
    if (known === undefined) {
      const all = occurrences(this.data, key)
      // The first of each value is the last to be set.
      known = {
        first: all[0],
        byValue: new Map(all.toReversed().map((entry) => [scalarOf(entry.value), entry])),
      }
      this.known.set(key, known)
    }
    return known
  }
}
