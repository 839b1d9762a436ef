/** Reads a sweep: YAML, overrides, validation, expansion. */
import { availableParallelism } from 'node:os'
import type { InputProblem } from '../../workers/protocol/prepare.ts'
import type { WorkloadSource } from '../../workers/protocol/trial-spec.ts'
import { buildScenarios, compareSettings, gateSettings, referenceFindings } from './build.ts'
import { missingSources } from './dataset.ts'
import { isMapping, type Mapping, readYamlFile, type YamlFile } from './document.ts'
import { goalFindings, goalOf } from './goal.ts'
import { applyOverrides, layAxis, type Overridden, type Overrides } from './overrides.ts'
import { BUILT_IN, foldersOf, resolveWorkload } from './paths.ts'
import { type Locate, Places } from './places.ts'
import { dotted, type Finding, type Path, refuse, SweepError } from './problems.ts'
import { readProfiles, readReference } from './profiles.ts'
import { roundsFindings, roundsOf } from './rounds.ts'
import { inputOf, knownKeys, namedKeys, sweepSchema } from './schema.ts'
import { asSearch, type SearchRequest, searchFindings, valuesToTry } from './search.ts'
import { PIPELINE_SETTINGS, SETTING_DEFAULTS } from './settings.ts'
import { inRunWords, limitedTo, starterSweep } from './starter.ts'
import type { Sweep } from './types.ts'
import { check, repeatedValues } from './validate.ts'

/** What the sweep is read on; the real machine unless a test says otherwise. */
export interface Surroundings {
  /** Cores that bound `max_compute_units`. */
  cores: number
  /** Where relative paths given on the command line start. */
  folder: string
  /** `gate.build` makes the workload: it need not be there yet. */
  isBuiltLater: boolean
  /** Where a data file lies that is meant by this absolute path; there, unless another version's sweep is read. */
  dataAt(path: string): string
}

export interface LoadedSweep {
  sweep: Sweep
  /** For problems that only the workload can find. */
  locate: Locate
  /** Set where there is no sweep file, only data: puts a problem into the words of the command line. */
  inWords?: (problem: InputProblem) => InputProblem
  /** What the user should know before it runs. */
  notes: readonly string[]
  /** What was laid over the file, so that another version of it can be read the same way; null where no file holds it. */
  overrides: Overrides | null
}

/**
 * Reads the sweep at `path`, lays `overrides` over it, validates and expands it.
 * Scenario ids are made from what is given: a workload's parameter left at its default is not part of them.
 * @throws {SweepError} with all problems found, in file order
 */
export function loadSweep(
  path: string,
  overrides: Overrides = {},
  surroundings: Partial<Surroundings> = {},
): LoadedSweep {
  return { ...loadRead(readSweep(path), path, overrides, surroundings), overrides }
}

/**
 * As `loadSweep`, for a sweep that no file holds.
 * @param path of the file that problems are put down to
 */
export function sweepFromData(
  data: Mapping,
  path: string,
  surroundings: Partial<Surroundings> = {},
): LoadedSweep {
  const loaded = loadRead({ data, positions: new Map(), findings: [] }, path, {}, surroundings)
  return { ...loaded, overrides: null }
}

/**
 * The small sweep of the built-in pipeline that a data file stands for, with `overrides` laid over it.
 * @param path of a CSV or NDJSON file, packed or not, or `-` for standard input
 * @throws {UserError} where there is no such file
 * @throws {SweepError} for overrides that do not fit
 */
export function sweepOfFile(
  path: string,
  overrides: Overrides = {},
  surroundings: Partial<Surroundings> = {},
): LoadedSweep {
  const { data, rows } = starterSweep(path)
  const loaded = loadRead({ data, positions: new Map(), findings: [] }, path, overrides, surroundings)
  const limited = loaded.sweep.scenarios.some(({ dataset }) => rows !== null && dataset?.rows === rows)
  return {
    ...loaded,
    overrides: null,
    inWords: inRunWords,
    notes: limited ? [`${path}: ${limitedTo(rows!)}`] : [],
  }
}

/**
 * As `loadSweep`, with the values that a search may try as an axis of the grid.
 * @throws {SweepError} for what cannot be searched as well
 */
export function loadSearch(
  path: string,
  request: SearchRequest,
  overrides: Overrides = {},
  surroundings: Partial<Surroundings> = {},
): LoadedSweep {
  return { ...loadRead(readSweep(path), path, overrides, surroundings, request), overrides }
}

type SweepFile = YamlFile & { data: Mapping }

function readSweep(path: string): SweepFile {
  const file = readYamlFile(path)
  refuse(file.findings)
  const { data } = file
  if (!isMapping(data)) throw new SweepError([notASweep(path, data)])
  return { ...file, data }
}

function loadRead(
  file: SweepFile,
  path: string,
  overrides: Overrides,
  surroundings: Partial<Surroundings>,
  request: SearchRequest | null = null,
): Omit<LoadedSweep, 'overrides'> {
  const { data } = file
  // The cores that bound a cap are those of the machine that runs.
  const {
    cores = data['machines'] === undefined ? availableParallelism() : ANY_CORES,
    folder = process.cwd(),
    dataAt,
  } = surroundings
  const overridden = applyOverrides(file, overrides)
  if (request !== null) overridden.findings.push(...searchFindings(request, data))
  const values = request === null ? [] : layValues(file, request, cores, overridden)
  const places = new Places(data, file.positions, path)
  const folders = foldersOf(path, folder, dataAt)

  const schema = sweepSchema({ cores, namedKeys: namedKeys(data) })
  const findings = [
    ...overridden.findings,
    ...check(schema, data, places, knownKeys),
    ...repeatedValues(data, places),
    ...roundsFindings(data['benchmark_runs'], places),
    ...goalFindings(data['goal'], places),
    ...missingSources(data, places, folders),
  ]
  const profiles = readProfiles(data, { places, folders, cores, findings })
  const relative_to = readReference(data['relative_to'], { places, folders, cores, findings })
  const toBuild = surroundings.isBuiltLater === true && hasBuild(data['gate'])
  const workload = resolveWorkload(data['workload'], places, folders, toBuild)
  if (typeof workload === 'object' && 'what' in workload) findings.push(workload)
  const isPipeline = workload === BUILT_IN
  if (isPipeline) findings.push(...namePipelineSettings(data, places))
  else findings.push(...pipelineSettingsOfOthers(data, places))
  refuse(findings)

  const input = inputOf(data)
  const { scenarios, axes } = buildScenarios(input, { places, folders, overridden, profiles, isPipeline })
  const run = <T>(name: string): T => (data[name] ?? SETTING_DEFAULTS[name]) as T
  const sweep: Sweep = {
    name: input.name,
    workload: workload as WorkloadSource,
    scenarios,
    axes,
    ...roundsOf(run('benchmark_runs')),
    n_jobs: run('n_jobs'),
    random_seed: run('random_seed'),
    env: [...new Set(input.env ?? [])],
    relative_to,
    chunk_log: run('chunk_log'),
    compare: compareSettings(input),
    gate: gateSettings(input),
    goal: goalOf(input.goal),
    search: null,
    source: { path, document: data },
  }
  refuse(referenceFindings(sweep, places, overridden))
  return {
    sweep: request === null ? sweep : asSearch(sweep, request, values),
    locate: places.locate,
    notes: [],
  }
}

/** @returns the values that may be tried, which stand in the grid from now on */
function layValues(file: SweepFile, request: SearchRequest, cores: number, overridden: Overridden): number[] {
  const { values, findings, place } = valuesToTry(request, file.data, cores)
  overridden.findings.push(...findings)
  if (findings.length === 0) layAxis(file, request.axis, values, place, overridden)
  return values
}

/** More than any machine has. */
export const ANY_CORES = 4096

/** The mappings of a sweep that give values to keys of scenarios. */
function keyedMappings(data: Mapping): { path: Path; mapping: Mapping }[] {
  const compare = data['compare']
  const listed = ['include', 'exclude'].flatMap((key) => {
    const list = data[key]
    return Array.isArray(list) ? list.map((mapping, index) => ({ path: [key, index], mapping })) : []
  })
  const all: { path: Path; mapping: unknown }[] = [
    { path: [], mapping: data },
    { path: ['grid'], mapping: data['grid'] },
    ...listed,
    { path: ['compare', 'reference'], mapping: isMapping(compare) ? compare['reference'] : undefined },
  ]
  return all.filter((entry): entry is { path: Path; mapping: Mapping } => isMapping(entry.mapping))
}

/** `params.spill_to_disk` and `spill_to_disk` are one quantity, kept under the short name; both at once are refused. */
function namePipelineSettings(data: Mapping, places: Places): Finding[] {
  const findings: Finding[] = []
  const rename = (from: Mapping, path: Path, name: string, long: string, to: Mapping) => {
    if (!Object.hasOwn(from, long)) return
    if (Object.hasOwn(to, name)) {
      const what = `is given as "${name}" as well`
      findings.push({
        place: places.key([...path, long]),
        key: dotted([...path, long]),
        what,
        hint: 'keep one',
      })
    }
    to[name] = from[long]
    delete from[long]
    places.moved([...path, long], to === from ? [...path, name] : [name])
  }
  for (const name of PIPELINE_SETTINGS) {
    for (const { path, mapping } of keyedMappings(data))
      rename(mapping, path, name, `params.${name}`, mapping)
    const { params } = data
    if (isMapping(params)) rename(params, ['params'], name, name, data)
  }
  return findings
}

/** Another workload's parameters are named in full. */
function pipelineSettingsOfOthers(data: Mapping, places: Places): Finding[] {
  return keyedMappings(data).flatMap(({ path, mapping }) =>
    PIPELINE_SETTINGS.filter((name) => Object.hasOwn(mapping, name)).map((name) => ({
      place: places.key([...path, name]),
      key: dotted([...path, name]),
      what: 'is a parameter of the built-in pipeline',
      hint: `a parameter of your own workload is written params.${name}`,
    })),
  )
}

function hasBuild(gate: unknown): boolean {
  return isMapping(gate) && typeof gate['build'] === 'string'
}

function notASweep(file: string, data: unknown): Finding {
  const empty = data === null || data === undefined
  return {
    place: { file, line: 1, column: 1 },
    key: null,
    what: `${empty ? 'the file is empty' : 'this is no mapping'}, expected a sweep: keys and values`,
    hint: 'start with `name: my-sweep`; scenarios/quickstart.yaml shows a whole one',
  }
}
