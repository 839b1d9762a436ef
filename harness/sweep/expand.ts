/** Turns axes, includes and excludes into the points of a sweep. Pure. */
import type { Scalar } from '../../workers/workload.ts'

/** Values by key: settings by name, `profile`, `dataset.*`, `params.*`. */
export type Point = Record<string, Scalar>

/** Before the name of a column in a scenario's key. */
export const COLUMN_PREFIX = 'dataset.columns.'

/** A value as a scenario's key holds it: a list or a mapping as JSON text. */
export function scalarOf(value: unknown): Scalar {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : (value as Scalar)
}

/** `scalarOf` of every value. */
export function pointOf(values: Readonly<Record<string, unknown>>): Point {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, scalarOf(value)]))
}

export interface Axis {
  key: string
  values: readonly Scalar[]
}

export interface ExpandInput {
  /** Defaults and the top of the sweep. */
  base: Point
  axes: readonly Axis[]
  /** What each value of the `profile` axis sets; weaker than the grid, stronger than `base`. */
  profiles: ReadonlyMap<Scalar, Point>
  /** Entries to add after the grid. */
  include: readonly Point[]
  /** Entries whose matches leave the grid. */
  exclude: readonly Point[]
  /** Given on the command line; wins over all else. */
  fixed: Point
}

interface ExpandedPoint {
  point: Point
  /** Index of the `include` entry that added it; null for a point of the grid. */
  include: number | null
}

export interface Expansion {
  points: ExpandedPoint[]
  /** Indexes of `exclude` entries that matched nothing. */
  unusedExcludes: number[]
}

/** Points of the grid before anything is excluded. */
export function gridSize(axes: readonly Axis[]): number {
  return axes.reduce((size, axis) => size * axis.values.length, 1)
}

/** Every combination, the last axis fastest. No axes make one empty combination. */
function* combinations(axes: readonly Axis[]): Generator<Point> {
  const indexes = axes.map(() => 0)
  const size = gridSize(axes)
  for (let count = 0; count < size; count++) {
    const values: Point = {}
    for (const [place, axis] of axes.entries()) values[axis.key] = axis.values[indexes[place]!]!
    yield values
    for (let place = axes.length - 1; place >= 0; place--) {
      indexes[place] = (indexes[place]! + 1) % axes[place]!.values.length
      if (indexes[place] !== 0) break
    }
  }
}

/** True where `point` has every value of `part`. */
export function matches(point: Point, part: Point): boolean {
  for (const key in part) if (point[key] !== part[key]) return false
  return true
}

/**
 * The points of a sweep: the grid in order, less what is excluded, then the includes in order.
 * Excludes are matched against whole points, so they may name what a profile or the top of the sweep sets;
 * an include is never excluded. A sweep without axes has one point, unless it has only includes.
 */
export function expand({ base, axes, profiles, include, exclude, fixed }: ExpandInput): Expansion {
  const complete = (own: Point): Point => ({
    ...base,
    ...profiles.get(fixed['profile'] ?? own['profile'] ?? null),
    ...own,
    ...fixed,
  })
  const points: ExpandedPoint[] = []
  const used = exclude.map(() => false)
  if (axes.length > 0 || include.length === 0) {
    for (const own of combinations(axes)) {
      const point = complete(own)
      let kept = true
      exclude.forEach((entry, index) => {
        if (!matches(point, entry)) return
        used[index] = true
        kept = false
      })
      if (kept) points.push({ point, include: null })
    }
  }
  include.forEach((own, index) => {
    points.push({ point: complete(own), include: index })
  })
  return { points, unusedExcludes: used.flatMap((hit, index) => (hit ? [] : [index])) }
}
