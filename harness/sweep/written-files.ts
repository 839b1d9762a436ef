/**
 * The files that trials write, by parameters that their workload declares with `writes`. What a sweep file says stays
 * below the run folder; a path elsewhere is one that the user typed on the command line.
 */
import { lstatSync, mkdirSync, realpathSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, normalize, resolve, sep } from 'node:path'
import type { Scalar, WorkloadInfo } from '../../workers/workload.ts'
import { UserError } from '../user-error.ts'
import { keyOfParam } from './param-keys.ts'
import type { Locate } from './places.ts'
import { type Finding, shown } from './problems.ts'
import type { Scenario, Sweep } from './types.ts'

/** In the name of a file: becomes the id of the trial. */
const TRIAL = '{trial}'
/** Of the run folder, what holds the files that trials write. */
export const FILES_FOLDER = 'files'

function writtenFile(name: string, value: Scalar, { params }: WorkloadInfo): value is string {
  return (
    typeof value === 'string' &&
    params !== null &&
    Object.hasOwn(params, name) &&
    params[name]!.writes === true
  )
}

/** Names of parameters that a user typed on the command line, in any scenario. */
export function typedParams({ scenarios, workload }: Sweep, locate: Locate): string[] {
  const typed = new Set<string>()
  for (const { params } of scenarios)
    for (const [name, value] of Object.entries(params))
      if (typeof value === 'string' && isTyped(locate, keyOfParam(name, workload), value)) typed.add(name)
  return [...typed]
}

function isTyped(locate: Locate, key: string, value: Scalar): boolean {
  return locate(key, value).place.option !== undefined
}

/** With absolute paths where the user typed them, so that what is relative is meant below the run folder. */
export function withTypedFiles(
  { scenarios, workload }: Sweep,
  info: WorkloadInfo,
  locate: Locate,
): Scenario[] {
  return scenarios.map((scenario) => {
    const typed = Object.entries(scenario.params).flatMap(([name, value]) =>
      writtenFile(name, value, info) && isTyped(locate, keyOfParam(name, workload), value)
        ? [[name, resolve(value)] as const]
        : [],
    )
    return typed.length === 0
      ? scenario
      : { ...scenario, params: { ...scenario.params, ...Object.fromEntries(typed) } }
  })
}

/** What a sweep file says leads out of the run folder. */
export function outsideFindings(sweep: Sweep, info: WorkloadInfo, locate: Locate): Finding[] {
  const seen = new Set<string>()
  return sweep.scenarios.flatMap(({ params }) =>
    Object.entries(params).flatMap(([name, value]) => {
      const key = keyOfParam(name, sweep.workload)
      if (!writtenFile(name, value, info) || staysBelow(value) || isTyped(locate, key, value)) return []
      const found = `${name} ${value}`
      if (seen.has(found)) return []
      seen.add(found)
      const what = `got ${shown(value)}, which is no file below the run folder, and a sweep file may write nowhere else`
      const hint = `give a relative path without "..", such as ${shown(staysBelow(basename(value)) ? basename(value) : 'rows.csv')}, or type it: --set ${key}=FILE`
      return [{ ...locate(key, value), what, hint }]
    }),
  )
}

function staysBelow(path: string): boolean {
  if (isAbsolute(path) || path.includes('\0') || path.trim() === '') return false
  const parts = normalize(path).split(sep)
  return parts[0] !== '..' && parts.at(-1) !== '' && parts.at(-1) !== '.'
}

/**
 * Parameters as one trial gets them: every file that it writes by an absolute path.
 * @param folder for relative ones; it and the folders on the way are made where one is needed
 * @throws {UserError} where a link in it leads out of it
 */
export function paramsOfTrial(
  params: Record<string, Scalar>,
  info: WorkloadInfo,
  trial: string,
  folder: string | null,
): Record<string, Scalar> {
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => {
      if (!writtenFile(name, value, info)) return [name, value]
      const path = value.replaceAll(TRIAL, trial)
      return [name, isAbsolute(path) ? path : placeBelow(folder, path)]
    }),
  )
}

function placeBelow(folder: string | null, name: string): string {
  if (folder === null) throw new Error('a session without a folder for the files of its trials')
  const path = resolve(folder, name)
  if (!staysBelow(name)) throw new UserError(`${name}: leads out of the run folder`)
  mkdirSync(dirname(path), { recursive: true })
  const top = realpathSync(dirname(folder))
  const real = realpathSync(dirname(path))
  const inside = join(top, basename(folder))
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
  if (isLink || (real !== inside && !real.startsWith(inside + sep)))
    throw new UserError(`${path}: a link there leads out of the run folder`, 'remove the link')
  return path
}

/** Files elsewhere that the trials of a run would write. */
export function typedFiles(
  { scenarios }: Sweep,
  info: WorkloadInfo,
  trials: readonly { trial: string; scenario: string }[],
): string[] {
  const byId = new Map(scenarios.map((scenario) => [scenario.id, scenario.params]))
  const paths = trials.flatMap(({ trial, scenario }) =>
    Object.entries(byId.get(scenario) ?? {}).flatMap(([name, value]) =>
      writtenFile(name, value, info) && isAbsolute(value) ? [value.replaceAll(TRIAL, trial)] : [],
    ),
  )
  return [...new Set(paths)]
}

/** Where those of a sweep file will be, for whoever looks for them. */
export function fileNotes({ scenarios, workload }: Sweep, info: WorkloadInfo): string[] {
  const names = new Set<string>()
  for (const { params } of scenarios)
    for (const [name, value] of Object.entries(params))
      if (writtenFile(name, value, info) && !isAbsolute(value))
        names.add(
          `${keyOfParam(name, workload)}: ${shown(value)} is written below the run folder, in ${FILES_FOLDER}/`,
        )
  return [...names]
}

/**
 * A gate plays every scenario many times, for both versions.
 * @throws {UserError} where their trials would write one file
 */
export function refuseSharedFiles({ scenarios, workload }: Sweep, info: WorkloadInfo): void {
  for (const { params } of scenarios) {
    for (const [name, value] of Object.entries(params)) {
      if (!writtenFile(name, value, info) || value.includes(TRIAL)) continue
      throw new UserError(
        `${keyOfParam(name, workload)}: every trial of the gate would write ${shown(value)}`,
        `put ${TRIAL} into the name, such as "${TRIAL}-${basename(value)}", or leave it out by --set ${keyOfParam(name, workload)}=null`,
      )
    }
  }
}

/** Of several trials that write one file, only what the last one wrote would be left. */
export function sharedFileFindings(sweep: Sweep, info: WorkloadInfo, locate: Locate): Finding[] {
  const files = new Map<string, { name: string; value: string; trials: number }>()
  for (const { params, runs } of sweep.scenarios) {
    for (const [name, value] of Object.entries(params)) {
      if (!writtenFile(name, value, info) || value.includes(TRIAL)) continue
      const file = files.get(resolve(value)) ?? { name, value, trials: 0 }
      file.trials += runs ?? sweep.benchmark_runs
      files.set(resolve(value), file)
    }
  }
  return [...files.values()].flatMap(({ name, value, trials }) => {
    if (trials < 2) return []
    const what = `${trials} trials would write ${shown(value)}, and each would replace what the last one wrote`
    const hint = `put ${TRIAL} into the name, such as "${TRIAL}-${basename(value)}", or run one scenario with benchmark_runs: 1`
    return [{ ...locate(keyOfParam(name, sweep.workload), value), what, hint }]
  })
}
