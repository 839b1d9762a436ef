/** Turns axes, includes and excludes into the points of a sweep. Pure. */
import type { Scalar } from '../../workers/workload.ts'

/** Values by key: settings by name, `profile`, `dataset.*`, `params.*`. */
export type Flat = Record<string, Scalar>

export interface Axis {
  key: string
  values: readonly Scalar[]
}

export interface ExpandInput {
  /** Defaults and the top of the sweep. */
  base: Flat
  axes: readonly Axis[]
  /** What each value of the `profile` axis sets; weaker than the grid, stronger than `base`. */
  profiles: ReadonlyMap<Scalar, Flat>
  /** Entries to add after the grid. */
  include: readonly Flat[]
  /** Entries whose matches leave the grid. */
  exclude: readonly Flat[]
  /** Given on the command line; wins over all else. */
  fixed: Flat
}

export interface Point {
  flat: Flat
  /** Index of the `include` entry that added it; null for a point of the grid. */
  include: number | null
}

export interface Expansion {
  points: Point[]
  /** Indexes of `exclude` entries that matched nothing. */
  unusedExcludes: number[]
}

/** Points of the grid before anything is excluded. */
export function gridSize(axes: readonly Axis[]): number {
  return axes.reduce((size, axis) => size * axis.values.length, 1)
}

/** Every combination, the last axis fastest. No axes make one empty combination. */
function* combinations(axes: readonly Axis[]): Generator<Flat> {
  const indexes = axes.map(() => 0)
  const size = gridSize(axes)
  for (let count = 0; count < size; count++) {
    const values: Flat = {}
    for (const [place, axis] of axes.entries()) values[axis.key] = axis.values[indexes[place]!]!
    yield values
    for (let place = axes.length - 1; place >= 0; place--) {
      indexes[place] = (indexes[place]! + 1) % axes[place]!.values.length
      if (indexes[place] !== 0) break
    }
  }
}

/** True where `flat` has every value of `part`. */
export function matches(flat: Flat, part: Flat): boolean {
  for (const key in part) if (flat[key] !== part[key]) return false
  return true
}

/**
 * The points of a sweep: the grid in order, less what is excluded, then the includes in order.
 * Excludes are matched against whole points, so they may name what a profile or the top of the sweep sets;
 * an include is never excluded. A sweep without axes has one point, unless it has includes alone.
 */
export function expand({ base, axes, profiles, include, exclude, fixed }: ExpandInput): Expansion {
  const complete = (own: Flat): Flat => ({
    ...base,
    ...profiles.get(fixed['profile'] ?? own['profile'] ?? null),
    ...own,
    ...fixed,
  })
  const points: Point[] = []
  const used = exclude.map(() => false)
  if (axes.length > 0 || include.length === 0) {
    for (const own of combinations(axes)) {
      const flat = complete(own)
      let kept = true
      exclude.forEach((entry, index) => {
        if (!matches(flat, entry)) return
        used[index] = true
        kept = false
      })
      if (kept) points.push({ flat, include: null })
    }
  }
  include.forEach((own, index) => {
    points.push({ flat: complete(own), include: index })
  })
  return { points, unusedExcludes: used.flatMap((hit, index) => (hit ? [] : [index])) }
}
