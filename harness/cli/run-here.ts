/** One sweep on this machine: progress on stderr, and signals that end it cleanly. */
import { rmSync } from 'node:fs'
import type { Executor } from '../execute/executor.ts'
import { LocalExecutor } from '../execute/local/executor.ts'
import { makeOwnedFolder } from '../ownership/leftovers.ts'
import type { PipelineRequest } from '../record/types.ts'
import { runSweep, type SweepRun } from '../session/run.ts'
import { checkSession } from '../session/session.ts'
import type { LoadedSweep } from '../sweep/load.ts'
import { userErrorFrom } from './complaint.ts'
import { pass } from './console.ts'
import { RunProgress } from './run-progress.ts'
import { stopOnSignals } from './signals.ts'

export interface RunHereOptions {
  /** Where `<sweep>/<run>/` lands. */
  root: string
  quiet: boolean
  /** For the manifest, where the run is one of `stint pipeline`. */
  pipeline?: PipelineRequest
  /** What else is to happen around the executor's calls. */
  wrap?: (executor: Executor) => Executor
}

/**
 * Asks the workload and looks at the data as a run does, and runs nothing.
 * @throws {UserError} or {SweepError} where `stint run` would refuse the sweep
 * @returns false where it was interrupted
 */
export async function checkHere({ sweep, locate }: LoadedSweep): Promise<boolean> {
  const stop = new AbortController()
  const { signal } = stop
  const executor = new LocalExecutor({ onOutput: pass })
  const removeHandlers = stopOnSignals(stop)
  signal.addEventListener('abort', () => void executor.close(), { once: true })
  const dataFolder = makeOwnedFolder()
  try {
    const problem = await checkSession({ sweep, locate, executor, dataFolder, signal })
    if (problem !== null) throw userErrorFrom(problem)
    return true
  } catch (error) {
    if (!signal.aborted) throw error
    return false
  } finally {
    await executor.close()
    rmSync(dataFolder, { recursive: true, force: true })
    removeHandlers()
  }
}

export async function runHere(loaded: LoadedSweep, options: RunHereOptions): Promise<SweepRun> {
  const { root, quiet, pipeline, wrap = (executor: Executor) => executor } = options
  const stop = new AbortController()
  const executor = new LocalExecutor({ onOutput: pass })
  const removeHandlers = stopOnSignals(stop)
  const progress = new RunProgress(loaded.sweep, quiet)
  try {
    return await runSweep(loaded, wrap(executor), {
      root,
      command: ['stint', ...process.argv.slice(2)],
      ...(pipeline && { pipeline }),
      signal: stop.signal,
      listener: progress.hear,
    })
  } finally {
    progress.close()
    await executor.close()
    removeHandlers()
  }
}
