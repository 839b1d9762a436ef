/** `stint gate`: is a new version worse than another, by more than matters? */
import { LocalExecutor } from '../execute/local/executor.ts'
import { compareWithBaseline } from '../gate/baseline.ts'
import { checkOut, nameOfWorkingCopy } from '../gate/checkout.ts'
import { type Modules, modulesByName, runGate } from '../gate/run-gate.ts'
import type { GateResult } from '../gate/types.ts'
import { removeOwnFolders } from '../ownership/leftovers.ts'
import { type LoadedSweep, loadSweep } from '../sweep/load.ts'
import { UserError } from '../user-error.ts'
import { pass, tell } from './console.ts'
import { EXIT } from './exit.ts'
import { exportOption } from './export.ts'
import { GateProgress } from './gate-progress.ts'
import { type GateForms, gateExports, printGate } from './print-gate.ts'
import { stopOnSignals } from './signals.ts'
import { type Command, parseSeconds, parseShare } from './words.ts'

export interface GateWords extends GateForms {
  sweep: string
  against: string | undefined
  'baseline-module': string | undefined
  'candidate-module': string | undefined
  baseline: string[]
  margin: string | undefined
  'time-limit': string
  build: boolean
  'allow-different-machine': boolean
  seed: number | undefined
  set: string[]
  quiet: boolean
}

export const gateCommand: Command<GateWords> = {
  builder: (yargs) =>
    yargs
      .positional('sweep', { type: 'string', demandOption: true, describe: 'sweep file (YAML)' })
      .options({
        against: { type: 'string', describe: 'git ref to use as the baseline' },
        'baseline-module': {
          type: 'string',
          alias: 'a',
          describe: 'module to use as the baseline, without git; needs --candidate-module',
        },
        'candidate-module': {
          type: 'string',
          alias: 'b',
          describe: 'module to compare with --baseline-module',
        },
        baseline: {
          type: 'string',
          array: true,
          default: [],
          describe: 'recorded run folders to use as the baseline; "stint run --repeat 5" records them',
        },
        margin: { type: 'string', describe: 'largest slowdown to tolerate, such as 2%' },
        'time-limit': {
          type: 'string',
          default: '60s',
          describe: 'for measuring in lock step, such as 60s or 3m',
        },
        build: {
          type: 'boolean',
          default: true,
          describe: "build the working copy by the sweep's gate.build; --no-build where it is built",
        },
        'allow-different-machine': {
          type: 'boolean',
          default: false,
          describe: 'compare with runs of another machine; its speed then counts as the change',
        },
        seed: { type: 'number', describe: 'overrides random_seed' },
        set: { type: 'string', array: true, nargs: 1, default: [], describe: 'path=value' },
        ...exportOption,
        markdown: { type: 'string', describe: 'as --export markdown=FILE' },
        junit: { type: 'string', describe: 'as --export junit=FILE' },
        json: { type: 'boolean', default: false, describe: 'one JSON object on stdout' },
        quiet: { type: 'boolean', default: false, describe: 'no progress' },
      })
      .example('$0 gate sweep.yaml --against main', 'the working copy against a branch, in lock step')
      .epilogue(
        'Exit codes: 0 a regression beyond the margin is ruled out, 1 it is proven, 3 neither; 2 bad usage, 4 the harness failed.',
      ),
  handler: gate,
}

async function gate(words: GateWords): Promise<void> {
  checkWords(words)
  const margin = words.margin === undefined ? null : parseShare('--margin', words.margin)
  const limitMs = 1000 * parseSeconds('--time-limit', words['time-limit'])
  const overrides = { ...(words.seed !== undefined && { seed: words.seed }), set: words.set }
  // In a fresh checkout the workload is still to be built.
  const loaded = loadSweep(words.sweep, overrides, { isBuiltLater: words.against !== undefined })
  const exports = gateExports(words)
  const stop = new AbortController()
  const removeHandlers = stopOnSignals(stop)
  // A second Ctrl-C leaves without a word to anyone else.
  process.once('exit', () => removeOwnFolders())
  const progress = new GateProgress(words.quiet)
  let result: GateResult
  try {
    result = await measured(words, loaded, { margin, limitMs, stop, progress })
  } catch (error) {
    // What was interrupted fails in many ways, none of which is news.
    if (!stop.signal.aborted) throw error
    tell('stint: interrupted; nothing was decided')
    process.exitCode = EXIT.interrupted
    return
  } finally {
    progress.close()
    removeHandlers()
  }
  process.exitCode = { ruled_out: EXIT.ok, regression: EXIT.regression, undecided: EXIT.undecided }[
    result.verdict
  ]
  const isWritten = await printGate(result, { ...words, exports })
  if (!isWritten && process.exitCode === EXIT.ok) process.exitCode = EXIT.failed
}

interface Means {
  margin: number | null
  limitMs: number
  stop: AbortController
  progress: GateProgress
}

async function measured(words: GateWords, loaded: LoadedSweep, means: Means): Promise<GateResult> {
  const { margin, limitMs, stop, progress } = means
  const { signal } = stop
  const onStep = (text: string) => progress.step(text)
  if (words.baseline.length > 0) {
    return await withExecutor(stop, (executor) =>
      compareWithBaseline(loaded, words.baseline, executor, {
        margin,
        allowDifferentMachine: words['allow-different-machine'],
        signal,
        onStep,
        onTrial: (done, planned) => progress.trial(done, planned),
      }),
    )
  }
  const compare = (modules: Modules) =>
    withExecutor(stop, (executor) =>
      runGate(loaded, modules, executor, {
        margin,
        limitMs,
        signal,
        onStep,
        onProgress: (state) => progress.measured(state),
      }),
    )
  if (words.against === undefined)
    return await compare(modulesByName(words['baseline-module']!, words['candidate-module']!))
  const { sweep } = loaded
  const checkout = await checkOut({
    ref: words.against,
    workload: sweep.workload,
    settings: sweep.gate,
    buildCandidate: words.build,
    signal,
    onStep,
  })
  try {
    const name = await nameOfWorkingCopy(sweep.workload, signal)
    return await compare({ baseline: checkout, candidate: { name, workload: sweep.workload } })
  } finally {
    checkout.remove()
  }
}

async function withExecutor<T>(
  stop: AbortController,
  use: (executor: LocalExecutor) => Promise<T>,
): Promise<T> {
  stop.signal.throwIfAborted()
  const executor = new LocalExecutor({ onOutput: pass })
  const close = () => void executor.close()
  stop.signal.addEventListener('abort', close, { once: true })
  try {
    return await use(executor)
  } finally {
    stop.signal.removeEventListener('abort', close)
    await executor.close()
  }
}

function checkWords({ against, baseline, ...words }: GateWords): void {
  const { 'baseline-module': a, 'candidate-module': b } = words
  const files = a !== undefined || b !== undefined
  const given = [against !== undefined, files, baseline.length > 0].filter(Boolean).length
  if (given !== 1) {
    throw new UserError(
      given === 0
        ? 'the gate needs something to compare with'
        : 'give one thing to compare with, not several',
      'one of --against GIT_REF, --baseline-module FILE --candidate-module FILE, --baseline RUN...',
    )
  }
  if (files && (a === undefined || b === undefined))
    throw new UserError('--baseline-module and --candidate-module go together')
}
