/** One gate, whatever the baseline is: a git ref, another module, or recorded runs. */
import { existsSync, mkdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import type { WorkloadSource } from '../../workers/protocol/trial-spec.ts'
import { type DuetExecutor, fleetOf } from '../execute/executor.ts'
import { holdCores } from '../execute/local/core.ts'
import { removeOwnFolders } from '../ownership/leftovers.ts'
import { STINT_VERSION } from '../package-folder.ts'
import { checkWritable } from '../record/run-folder.ts'
import { refuseForeign, userRecord } from '../record/written.ts'
import { type LoadedSweep, loadSweep } from '../sweep/load.ts'
import { BUILT_IN } from '../sweep/paths.ts'
import { refuse } from '../sweep/problems.ts'
import { UserError } from '../user-error.ts'
import { compareWithBaseline } from './baseline.ts'
import { type Checkout, checkOut, nameOfWorkingCopy } from './checkout.ts'
import { profilesIn } from './profile.ts'
import { type Modules, modulesByName, runGate } from './run-gate.ts'
import type { TimeLimit } from './time-limit.ts'
import type { GateEvent, GateResult } from './types.ts'

/** `KEY=VALUE` each, laid over the sweep of one side only. */
export interface Sets {
  setBaseline?: readonly string[]
  setCandidate?: readonly string[]
}

export type GateBaseline =
  /**
   * A git ref, in the repository of the sweep, whose version of the sweep and of the workload is the baseline.
   * `build: false` where the working copy is built already.
   */
  | ({ against: string; build?: boolean } & Sets)
  /** Two modules. */
  | ({ baselineModule: string; candidateModule: string } & Sets)
  /** Two configurations of one workload. */
  | Required<Sets>
  /** Recorded run folders. */
  | { baselineRuns: readonly string[]; allowDifferentMachine?: boolean }

export interface DecideOptions {
  margin: number | null
  limit: TimeLimit
  /** Folder for a CPU profile of each version; null for none. */
  profileTo: string | null
  /** Replaces profiles there that Stint did not write too. */
  overwrite?: boolean
  signal: AbortSignal
  onEvent(event: GateEvent): void
}

/**
 * @param start starts the executor, once what is compared is there
 * @throws {UserError} where the two cannot be compared
 */
export async function decide(
  loaded: LoadedSweep,
  baseline: GateBaseline,
  start: () => DuetExecutor,
  { margin, limit, profileTo, overwrite = false, signal, onEvent }: DecideOptions,
): Promise<GateResult> {
  const onStep = (text: string) => onEvent({ event: 'step', text })
  refuseRealtime(loaded)
  if (profileTo !== null) {
    if ('baselineRuns' in baseline)
      throw new UserError('recorded runs cannot be profiled', 'give --against GIT_REF or two modules instead')
    checkWritable(profileTo, '--profile')
    if (!overwrite) for (const file of Object.values(profilesIn(profileTo))) refuseForeign(file, userRecord())
    mkdirSync(profileTo, { recursive: true })
  }
  if ('baselineRuns' in baseline) {
    const { baselineRuns, allowDifferentMachine = false } = baseline
    const onTrial = (done: number, planned: number) => onEvent({ event: 'trial', done, planned })
    const options = { margin, allowDifferentMachine, signal, onStep, onTrial }
    return await compareWithBaseline(loaded, baselineRuns, start(), options)
  }
  const { setBaseline = [], setCandidate = [] } = baseline
  const candidate = setCandidate.length === 0 ? loaded : again(loaded, { setCandidate })
  const compare = (modules: Modules) =>
    compareHolding(candidate, modules, start, { margin, limit, profileTo, signal, onEvent })
  if ('baselineModule' in baseline) {
    const modules = modulesByName(baseline.baselineModule, baseline.candidateModule)
    const sweep = again(loaded, { setBaseline })
    return await compare({ ...modules, baseline: { ...modules.baseline, sweep } })
  }
  if (!('against' in baseline)) {
    const sweep = again(loaded, { setBaseline })
    return await compare({
      baseline: { name: nameOf(setBaseline), workload: sweep.sweep.workload, sweep },
      candidate: { name: nameOf(setCandidate), workload: candidate.sweep.workload },
    })
  }
  const { workload, gate: settings, source } = candidate.sweep
  const { against: ref, build: buildCandidate = true } = baseline
  // Where the process ends at once, as by a second Ctrl-C, no `finally` runs.
  const removeFolders = () => removeOwnFolders()
  process.once('exit', removeFolders)
  try {
    const checkout = await checkOut({
      ref,
      sweep: source.path,
      workload,
      settings,
      buildCandidate,
      limit,
      signal,
      onStep,
    })
    try {
      signal.throwIfAborted()
      const name = await nameOfWorkingCopy(checkout.top, signal)
      return await compare({
        ...(await otherVersion(loaded, checkout, setBaseline, workload)),
        candidate: { name: withSets(name, setCandidate), workload },
      })
    } finally {
      checkout.remove()
    }
  } finally {
    process.off('exit', removeFolders)
  }
}

/** Under arrivals a faster version waits longer, and its chunks hold fewer rows: times of chunks say nothing. */
function refuseRealtime({ sweep, locate }: LoadedSweep): void {
  if (!sweep.scenarios.some(({ settings }) => settings.mode === 'realtime')) return
  const what = 'realtime cannot be gated: a gate compares two versions that run as fast as they can'
  const hint =
    'gate the same workload with mode: streaming; run both versions and "stint compare" their event latencies'
  refuse([{ ...locate('mode', 'realtime'), what, hint }])
}

/** One gate side by side, on a core that no other gate has meanwhile. */
export async function compareHolding(
  candidate: LoadedSweep,
  modules: Modules,
  start: () => DuetExecutor,
  { margin, limit, profileTo, signal, onEvent }: DecideOptions,
): Promise<GateResult> {
  const onStep = (text: string) => onEvent({ event: 'step', text })
  const asked = candidate.sweep.scenarios.map(({ settings }) => settings.pin_core)
  const executor = start()
  // Where the duets run on another machine, its agent holds the core.
  const elsewhere = fleetOf(executor) !== null
  const { core, release } = elsewhere
    ? { core: null, release: () => {} }
    : await limit.onTop(() => holdCores({ asked, patienceMs: limit.leftMs(), signal, onStep }))
  try {
    return await runGate(candidate, modules, executor, {
      margin,
      limit,
      profileTo,
      core,
      signal,
      onStep,
      onProgress: (state) => onEvent({ event: 'starts', ...state }),
    })
  } finally {
    release()
  }
}

/** The commit's own sweep and module. */
export async function otherVersion(
  loaded: LoadedSweep,
  { name, root, top, commit, sweep: file, workloadOf }: Checkout,
  setBaseline: readonly string[],
  candidate: WorkloadSource,
): Promise<Pick<Modules, 'baseline' | 'notes'>> {
  const notes: string[] = []
  if (file === null) notes.push(`${name} has no such sweep: both versions run the sweep of the working copy`)
  const sweep =
    file === null || loaded.overrides === null
      ? again(loaded, { setBaseline })
      : inOwnWords(name, root, () => again(loaded, { setBaseline, path: file, dataAt: dataOf(root, top) }))
  const workload = await workloadOf(sweep.sweep.workload)
  if (workload === BUILT_IN && candidate === BUILT_IN)
    notes.push(
      `both versions run the built-in pipeline of Stint ${STINT_VERSION}: what is compared is what their sweeps say`,
    )
  const commits = { folder: top, hashes: [commit] }
  return { baseline: { name: withSets(name, setBaseline), workload, root, commits, sweep }, notes }
}

/** The data is the working copy's, for both versions; the commit's where the working copy has none of that name. */
function dataOf(root: string, top: string): (path: string) => string {
  return (path) => {
    const inside = relative(root, path)
    const here = join(top, inside)
    return !inside.startsWith('..') && existsSync(here) ? here : path
  }
}

/** The sweep as it was read, from another file or with more laid over it. */
function again(
  loaded: LoadedSweep,
  {
    path = loaded.sweep.source.path,
    dataAt,
    ...sets
  }: Sets & { path?: string; dataAt?: (path: string) => string },
): LoadedSweep {
  const { overrides } = loaded
  const further = [
    ...(sets.setBaseline ?? []).map((text) => ({ option: '--set-baseline', text })),
    ...(sets.setCandidate ?? []).map((text) => ({ option: '--set-candidate', text })),
  ]
  if (overrides === null) {
    if (further.length === 0) return loaded
    throw new UserError('nothing can be set for one side of a sweep that no file holds')
  }
  // What the build makes may still be missing; whoever plays it says so.
  return loadSweep(path, { ...overrides, further }, { isBuiltLater: true, ...(dataAt && { dataAt }) })
}

/** Paths as the repository has them: the folder will be gone. */
function inOwnWords<T>(name: string, root: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw new UserError(`the sweep of ${name} cannot be played: ${error.message.replaceAll(root + sep, '')}`)
  }
}

function nameOf(sets: readonly string[]): string {
  return sets.length === 0 ? 'the sweep as it is' : sets.join(' ')
}

function withSets(name: string, sets: readonly string[]): string {
  return sets.length === 0 ? name : `${name} with ${sets.join(' ')}`
}
