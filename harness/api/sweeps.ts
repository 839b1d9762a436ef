/** Sweeps from files, from data and from other programs. */
import type { LoadedSweep, Surroundings } from '../sweep/load.ts'
import type { Overrides } from '../sweep/overrides.ts'
import type { SearchRequest } from '../sweep/search.ts'
import { withExecutor } from './execution.ts'

/** As `loadSweep` gives it, awaited or not, or the path of a sweep file. */
export type SweepSource = LoadedSweep | Promise<LoadedSweep> | string

/**
 * Reads a sweep file, lays `overrides` over it, validates it and expands its grid to scenarios.
 * @throws {SweepError} with all problems found, in file order
 */
export async function loadSweep(
  path: string,
  overrides: Overrides = {},
  surroundings: Partial<Surroundings> = {},
): Promise<LoadedSweep> {
  return (await import('../sweep/load.ts')).loadSweep(path, overrides, surroundings)
}

/**
 * The small sweep of the built-in pipeline that a data file stands for, as `stint run FILE --target COLUMN` runs it.
 * @param path of a CSV or NDJSON file, packed or not, or `-` for standard input
 * @throws {SweepError} for overrides that do not fit
 */
export async function sweepOfFile(
  path: string,
  overrides: Overrides = {},
  surroundings: Partial<Surroundings> = {},
): Promise<LoadedSweep> {
  return (await import('../sweep/load.ts')).sweepOfFile(path, overrides, surroundings)
}

/** Whether the command line takes `path` for data, and not for a sweep: by its ending and, where one was named, the target. */
export async function namesData(path: string, target: string | null): Promise<boolean> {
  return (await import('../sweep/starter.ts')).namesData(path, target)
}

/**
 * As `loadSweep`, for a sweep that no file holds.
 * @param data what the YAML would hold
 * @param path of the file that problems are put down to and relative paths start from
 * @throws {SweepError} with all problems found
 */
export async function sweepFromData(data: Record<string, unknown>, path: string): Promise<LoadedSweep> {
  return (await import('../sweep/load.ts')).sweepFromData(data, path)
}

/**
 * Reads a sweep for a search along one of its axes.
 * @throws {SweepError} for what cannot be searched as well
 * @throws {UserError} where the axis is a parameter of a workload that does not load
 */
export async function loadSearch(
  path: string,
  request: Omit<SearchRequest, 'param'>,
  overrides: Overrides = {},
): Promise<LoadedSweep> {
  const { loadSearch, loadSweep } = await import('../sweep/load.ts')
  const PREFIX = 'params.'
  if (!request.axis.startsWith(PREFIX)) return loadSearch(path, { ...request, param: null }, overrides)
  // Which values it may have, only the workload can tell.
  const { workload } = loadSweep(path, overrides).sweep
  const { describeWorkload } = await import('../ask-workload.ts')
  const { params } = await withExecutor({}, (start) => describeWorkload(workload, start))
  const { own } = await import('../own.ts')
  const param = own(params ?? {}, request.axis.slice(PREFIX.length)) ?? null
  return loadSearch(path, { ...request, param }, overrides)
}

export async function loadedFrom(sweep: SweepSource): Promise<LoadedSweep> {
  return typeof sweep === 'string' ? await loadSweep(sweep) : await sweep
}
