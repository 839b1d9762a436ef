/** One gate in lock step, from the sweep to the result. Prints nothing: what happens is told through events. */
import { existsSync, rmSync } from 'node:fs'
import { join, resolve, sep } from 'node:path'
import type { InputProblem } from '../../workers/protocol/prepare.ts'
import type { WorkloadSource } from '../../workers/protocol/trial-spec.ts'
import type { WorkloadInfo } from '../../workers/workload.ts'
import type { DuetExecutor } from '../execute/executor.ts'
import { metricTable } from '../metrics.ts'
import { makeOwnedFolder } from '../ownership/leftovers.ts'
import { type PreparedWorkload, prepareSession, type Session } from '../session/session.ts'
import type { LoadedSweep } from '../sweep/load.ts'
import type { Sweep } from '../sweep/types.ts'
import { refuseSharedFiles } from '../sweep/written-files.ts'
import { UserError } from '../user-error.ts'
import { type BaselineCommits, stillAccepted } from './accepted.ts'
import { compareInLockStep, type LockStep, paramsFor, trialSpecOf } from './lock-step.ts'
import { refuseUntestable } from './margins.ts'
import { operatorTimes } from './operators.ts'
import { partnerNotes, partnersOf, playAlike } from './partners.ts'
import { LOGGED_ROUND } from './plan.ts'
import { lookInside } from './profile.ts'
import type { TimeLimit } from './time-limit.ts'
import type { GateResult, GateScenario, Untested, Versions } from './types.ts'

/** The modules that are compared and what people call them. */
export interface Modules {
  baseline: {
    name: string
    workload: WorkloadSource
    /** A folder that will be gone. */
    root?: string
    /** Which commit it is, and in which working copy's repository. */
    commits?: BaselineCommits
    /** What it plays, where that may differ from what the candidate plays. */
    sweep?: LoadedSweep
  }
  candidate: { name: string; workload: WorkloadSource }
  /** What the user should know of the two. */
  notes?: readonly string[]
}

export interface GateOptions {
  /** From the command line; null for each metric's own. */
  margin: number | null
  limit: TimeLimit
  /** For the duets of scenarios that name none; null for any. */
  core?: number | null
  /** Folder for a CPU profile of each version; null for none. */
  profileTo?: string | null
  signal: AbortSignal
  onStep(text: string): void
  onProgress: NonNullable<LockStep['onProgress']>
}

/** Two files given by name. */
export function modulesByName(baseline: string, candidate: string): Modules {
  const module = (option: string, path: string) => {
    const workload = resolve(path)
    if (!existsSync(workload)) throw new UserError(`--${option} ${path}: no such file`)
    return { name: path, workload }
  }
  return {
    baseline: module('baseline-module', baseline),
    candidate: module('candidate-module', candidate),
  }
}

/** @throws {UserError} where a module cannot be used or a cap cannot be enforced */
export async function runGate(
  { sweep, locate }: LoadedSweep,
  modules: Modules,
  executor: DuetExecutor,
  options: GateOptions,
): Promise<GateResult> {
  const dataFolder = makeOwnedFolder()
  try {
    options.onStep('reading the data, asking both versions what they are')
    const candidate: Sweep = { ...sweep, workload: modules.candidate.workload }
    const prepared = await prepareSession({
      sweep: candidate,
      locate,
      executor,
      dataFolder,
      signal: options.signal,
    })
    if (!prepared.ok) throw unusable(prepared.problem, modules.candidate.name)
    const { session } = prepared
    const {
      other,
      scenarios,
      notes: differences,
    } = await baselineFor(session, sweep, modules, executor, {
      dataFolder,
      signal: options.signal,
    })
    const { profileTo = null } = options
    session.provide(join(dataFolder, 'chunks'), [other], profileTo)
    session.keepFilesIn(dataFolder)
    const fitted = session.sweep
    const table = metricTable(session.workload.info.metrics)
    refuseUntestable(table, fitted.gate)
    refuseSharedFiles(fitted, session.workload.info)
    refuseSharedFiles(modules.baseline.sweep?.sweep ?? fitted, other.info)
    const { signal, limit, margin, onProgress } = options
    const accept = await stillAccepted(fitted.gate.accept, modules.baseline.commits ?? null, signal)
    const versions: Versions = {
      baseline: { ...other, name: modules.baseline.name },
      candidate: { ...session.workload, name: modules.candidate.name },
    }
    const comparison = await compareInLockStep({
      executor,
      session,
      scenarios,
      versions,
      rules: { table, settings: { ...fitted.gate, accept }, margin },
      limitMs: limit.forMeasuringMs(),
      keptPairs: profileTo === null ? 0 : 1,
      logsChunks: fitted.chunk_log !== 'none',
      core: options.core ?? null,
      now: () => performance.now(),
      signal,
      onProgress,
    })
    const inspected =
      profileTo === null
        ? { functions: null, notes: [] }
        : await lookInside(
            { executor, session, scenarios, versions, folder: profileTo, limit },
            comparison.rows,
          )
    const notes = [
      ...(modules.notes ?? []),
      ...differences,
      ...session.notes,
      ...capsNote(fitted),
      ...comparison.notes,
      ...inspected.notes,
    ]
    const rows = comparison.rows.map((row) => ({
      ...row,
      note: row.note === null ? null : inside(row.note, modules.baseline.root),
    }))
    return {
      name: sweep.name,
      baseline: modules.baseline.name,
      candidate: modules.candidate.name,
      ...comparison,
      functions: inspected.functions,
      operators: operatorTimes(
        dataFolder,
        scenarios,
        comparison.rows,
        (entry, side) => trialSpecOf(session, entry, side, LOGGED_ROUND, versions, 0).trial,
      ),
      untested: [...comparison.untested, ...dropped(other.info, session.workload.info)],
      rows,
      notes,
    }
  } finally {
    rmSync(dataFolder, { recursive: true, force: true })
  }
}

const NOTHING_DIFFERS =
  'both sides play one workload with the same settings: nothing was changed that could be found'

/** Metrics that would be gated if the candidate still declared them. */
function dropped(baseline: WorkloadInfo, candidate: WorkloadInfo): Untested[] {
  return Object.entries(baseline.metrics)
    .filter(([name, { direction }]) => direction !== 'neutral' && !Object.hasOwn(candidate.metrics, name))
    .map(([metric]) => ({ metric, why: 'the candidate declares it no more' }))
}

/** The baseline as it says itself what it is, and which of its scenarios is played against which of the candidate's. */
async function baselineFor(
  session: Session,
  asked: Sweep,
  { baseline, candidate }: Modules,
  executor: DuetExecutor,
  { dataFolder, signal }: { dataFolder: string; signal: AbortSignal },
): Promise<{ other: PreparedWorkload; scenarios: GateScenario[]; notes: string[] }> {
  const { name, workload, root, sweep: own } = baseline
  if (own === undefined || playAlike(own.sweep, asked)) {
    const other = await session.askOther(workload, dataFolder)
    if ('problem' in other) throw unusable(other.problem, name, root)
    return {
      other,
      scenarios: session.sweep.scenarios.map((scenario) => ({
        scenario,
        baseline: scenario,
        params: { baseline: paramsFor(scenario, other.info), candidate: scenario.params },
      })),
      notes: [
        ...(workload === candidate.workload ? [NOTHING_DIFFERS] : []),
        ...unknownParams(session.sweep, other.info, name),
      ],
    }
  }
  const prepared = await prepareSession({
    sweep: { ...own.sweep, workload },
    locate: own.locate,
    executor,
    dataFolder,
    // One unit of compute for both.
    calibration: session.calibration,
    signal,
  }).catch((error) => {
    throw error instanceof UserError ? unusable(error, name, root) : error
  })
  if (!prepared.ok) throw unusable(prepared.problem, name, root)
  const theirs = prepared.session
  session.include(theirs)
  const partners = partnersOf(theirs.sweep, session.sweep)
  const names = { baseline: name, candidate: candidate.name }
  const notes = partnerNotes(partners, names)
  if (partners.pairs.length === 0)
    throw new UserError(
      `no scenario of ${candidate.name} has a partner in ${name}: ${notes.join('; ')}`,
      'scenarios are partners where their axes have the same values: keep one value of each axis, such as --set batch_size=64',
    )
  return {
    other: theirs.workload,
    scenarios: partners.pairs.map(({ baseline, candidate: scenario }) => ({
      scenario,
      baseline,
      params: { baseline: baseline.params, candidate: scenario.params },
    })),
    notes: [...notes, ...theirs.notes.filter((note) => !session.notes.includes(note))],
  }
}

function unusable(
  { message, hint }: Pick<InputProblem, 'message' | 'hint'>,
  name: string,
  root?: string,
): UserError {
  if (root === undefined) return new UserError(`${name}: ${message}`, hint)
  return new UserError(
    `${name}: ${inside(message, root)}`,
    hint ??
      'files that git ignores are not in its work tree; what it needs beside its code is committed, or made by gate: { build: COMMAND }',
  )
}

/** Paths as the repository has them. */
function inside(text: string, root: string | undefined): string {
  return root === undefined ? text : text.replaceAll(root + sep, '')
}

/** Parameters that the sweep sets and the other version does not take. */
function unknownParams({ scenarios }: Sweep, info: WorkloadInfo, name: string): string[] {
  const known = info.params
  if (known === null) return []
  const given = new Set(
    scenarios.flatMap(({ point }) =>
      Object.keys(point)
        .filter((key) => key.startsWith('params.'))
        .map((key) => key.slice('params.'.length)),
    ),
  )
  return [...given]
    .filter((param) => !Object.hasOwn(known, param))
    .map((param) => `${name} takes no params.${param}: it ran without`)
}

function capsNote({ scenarios }: Sweep): string[] {
  if (scenarios.every(({ settings }) => settings.max_compute_units === null)) return []
  return [
    'duets run without the compute cap, whose pauses would fall on either side by chance; the trials of one worker run under it',
  ]
}
