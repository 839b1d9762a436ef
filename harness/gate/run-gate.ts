/** One gate in lock step, from the sweep to the result. Prints nothing: what happens is told through events. */
import { existsSync, rmSync } from 'node:fs'
import { resolve, sep } from 'node:path'
import type { InputProblem } from '../../workers/protocol.ts'
import type { WorkloadInfo } from '../../workers/workload.ts'
import type { DuetExecutor } from '../execute/executor.ts'

import { metricTable } from '../metrics.ts'
import { makeOwnedFolder } from '../ownership/leftovers.ts'
import { prepareSession } from '../session/session.ts'
import type { LoadedSweep } from '../sweep/load.ts'
import type { Sweep } from '../sweep/types.ts'
import { UserError } from '../user-error.ts'
import { compareInLockStep, type LockStep, paramsFor } from './lock-step.ts'
import { refuseUntestable } from './margins.ts'
import type { GateResult, GateScenario } from './types.ts'

/** The modules that are compared, `a` with the candidate `b`, and what people call them; `root` is a folder that will be gone. */
export interface Modules {
  baseline: { name: string; workload: string; root?: string }
  candidate: { name: string; workload: string }
}

export interface GateOptions {
  /** From the command line; null for each metric's own. */
  margin: number | null
  limitMs: number
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
  const began = performance.now()
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
    const other = await session.askOther(modules.baseline.workload, dataFolder)
    if ('problem' in other) throw unusable(other.problem, modules.baseline.name, modules.baseline.root)
    session.provide(null, [other])
    const fitted = session.sweep
    const table = metricTable(session.workload.info.metrics)
    refuseUntestable(table, fitted.gate)
    const { signal, limitMs, margin, onProgress } = options
    const comparison = await compareInLockStep({
      executor,
      session,
      scenarios: fitted.scenarios.map(
        (scenario): GateScenario => ({
          scenario,
          params: { baseline: paramsFor(scenario, other.info), candidate: scenario.params },
        }),
      ),
      versions: {
        baseline: { ...other, name: modules.baseline.name },
        candidate: { ...session.workload, name: modules.candidate.name },
      },
      rules: { table, settings: fitted.gate, margin, today: new Date().toISOString().slice(0, 10) },
      // What reading the data took is a part of it.
      limitMs: Math.max(limitMs / 2, limitMs - (performance.now() - began)),
      now: () => performance.now(),
      signal,
      onProgress,
    })
    const notes = [
      ...session.notes,
      ...unknownParams(fitted, other.info, modules.baseline.name),
      ...capsNote(fitted),
      ...comparison.notes,
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
      rows,
      notes,
    }
  } finally {
    rmSync(dataFolder, { recursive: true, force: true })
  }
}

function unusable({ message, hint }: InputProblem, name: string, root?: string): UserError {
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
