/** One gate, whatever the baseline is: a git ref, another module, or recorded runs. */
import type { DuetExecutor } from '../execute/executor.ts'
import { removeOwnFolders } from '../ownership/leftovers.ts'
import type { LoadedSweep } from '../sweep/load.ts'
import { compareWithBaseline } from './baseline.ts'
import { checkOut, nameOfWorkingCopy } from './checkout.ts'
import { type Modules, modulesByName, runGate } from './run-gate.ts'
import type { GateEvent, GateResult } from './types.ts'

export type GateBaseline =
  /** A git ref whose version of the workload is the baseline. `build: false` where the working copy is built already. */
  | { against: string; build?: boolean }
  /** Two modules. */
  | { baselineModule: string; candidateModule: string }
  /** Recorded run folders. */
  | { baselineRuns: readonly string[]; allowDifferentMachine?: boolean }

interface DecideOptions {
  margin: number | null
  limitMs: number
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
  { margin, limitMs, signal, onEvent }: DecideOptions,
): Promise<GateResult> {
  const onStep = (text: string) => onEvent({ event: 'step', text })
  if ('baselineRuns' in baseline) {
    const { baselineRuns, allowDifferentMachine = false } = baseline
    const onTrial = (done: number, planned: number) => onEvent({ event: 'trial', done, planned })
    const options = { margin, allowDifferentMachine, signal, onStep, onTrial }
    return await compareWithBaseline(loaded, baselineRuns, start(), options)
  }
  const compare = (modules: Modules) =>
    runGate(loaded, modules, start(), {
      margin,
      limitMs,
      signal,
      onStep,
      onProgress: (state) => onEvent({ event: 'starts', ...state }),
    })
  if (!('against' in baseline))
    return await compare(modulesByName(baseline.baselineModule, baseline.candidateModule))
  const { workload, gate: settings } = loaded.sweep
  const { against: ref, build: buildCandidate = true } = baseline
  // Where the process ends at once, as by a second Ctrl-C, no `finally` runs.
  const removeFolders = () => removeOwnFolders()
  process.once('exit', removeFolders)
  try {
    const checkout = await checkOut({ ref, workload, settings, buildCandidate, signal, onStep })
    try {
      signal.throwIfAborted()
      const candidate = { name: await nameOfWorkingCopy(workload, signal), workload }
      return await compare({ baseline: checkout, candidate })
    } finally {
      checkout.remove()
    }
  } finally {
    process.off('exit', removeFolders)
  }
}
