/** One sweep on this machine: progress on stderr, and signals that end it cleanly. */
import type { Executor } from '../execute/executor.ts'
import { LocalExecutor } from '../execute/local/executor.ts'
import type { PipelineRequest } from '../record/types.ts'
import { runSweep, type SweepRun } from '../session/run.ts'
import type { LoadedSweep } from '../sweep/load.ts'
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
