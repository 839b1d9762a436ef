/** `stint run`: the main job. */

import { count, wholeNumber } from '../format.ts'
import type { Export } from '../report/export.ts'
import { safeJson } from '../report/render/json.ts'
import { plain, runsText } from '../report/words.ts'
import type { SweepRun } from '../session/run.ts'
import { loadSweep } from '../sweep/load.ts'
import type { Sweep } from '../sweep/types.ts'
import { UserError } from '../user-error.ts'
import { userErrorFrom } from './complaint.ts'
import { answer } from './console.ts'
import { EXIT } from './exit.ts'
import { exportOption, runExports } from './export.ts'
import { finishedFolder } from './finished-folder.ts'
import { checkHere, runHere } from './run-here.ts'
import type { Command } from './words.ts'

interface RunWords {
  sweep: string
  out: string
  jobs: number | undefined
  runs: number | undefined
  seed: number | undefined
  set: string[]
  repeat: number
  'dry-run': boolean
  json: boolean
  quiet: boolean
  export: string[]
}

export const runCommand: Command<RunWords> = {
  builder: (yargs) =>
    yargs
      .positional('sweep', { type: 'string', demandOption: true, describe: 'sweep file (YAML)' })
      .options({
        out: { type: 'string', default: 'results', describe: 'folder that receives <sweep>/<run>/' },
        jobs: { type: 'number', describe: 'trials at the same time, instead of n_jobs' },
        runs: { type: 'number', describe: 'trials a scenario, a number instead of what benchmark_runs says' },
        seed: { type: 'number', describe: 'instead of random_seed' },
        set: {
          type: 'string',
          array: true,
          nargs: 1,
          default: [],
          describe: 'path=value, such as params.learner=sgd',
        },
        repeat: {
          type: 'number',
          default: 1,
          describe: 'whole runs one after the other, such as 5 for a baseline',
        },
        'dry-run': {
          type: 'boolean',
          default: false,
          describe: 'check the sweep, its workload and data, list the scenarios, and run nothing',
        },
        ...exportOption,
        json: { type: 'boolean', default: false, describe: 'one JSON object on stdout' },
        quiet: { type: 'boolean', default: false, describe: 'no progress and no summary' },
      })
      .example('$0 run scenarios/quickstart.yaml', 'the shipped sweep on generated data')
      .example('$0 run my.yaml --set dataset.source=my.csv --runs 3', 'your own data'),
  handler: run,
}

async function run(words: RunWords): Promise<void> {
  if (!Number.isSafeInteger(words.repeat) || words.repeat < 1)
    throw new UserError(`--repeat ${words.repeat}: expected a whole number of at least 1`)
  // A run that was interrupted, or in which trials failed, is followed by none.
  const times = words['dry-run'] ? 1 : words.repeat
  for (let left = times; left > 0 && !process.exitCode; left--) await runOnce(words)
}

async function runOnce(words: RunWords): Promise<void> {
  const loaded = loadSweep(words.sweep, {
    ...(words.jobs !== undefined && { jobs: words.jobs }),
    ...(words.runs !== undefined && { runs: words.runs }),
    ...(words.seed !== undefined && { seed: words.seed }),
    set: words.set,
  })
  const { sweep } = loaded
  if (words['dry-run']) {
    if (await checkHere(loaded)) listScenarios(sweep, words.json)
    else process.exitCode = EXIT.interrupted
    return
  }

  const exports = runExports(words)
  await conclude(await runHere(loaded, { root: words.out, quiet: words.quiet }), { ...words, exports })
}

/** What a run that ended, or could not begin, says and which exit code it leaves. */
export async function conclude(
  end: SweepRun,
  words: { json: boolean; quiet: boolean; exports: readonly Export[] },
): Promise<void> {
  if (end.done === 'refused') throw userErrorFrom(end.problem)
  const folder = finishedFolder(end, (run) => [
    `"stint resume ${run}" runs the trials that are missing`,
    `"stint report ${run}" makes tables and plots of what is there`,
  ])
  if (folder === null) return
  // Loaded when there is something to draw: what draws would take the coordinator's memory during the trials.
  const { printRun, renderRun } = await import('./render-run.ts')
  const rendered = await renderRun(folder, words.exports)
  const failed = rendered.trials.some((trial) => trial.outcome === 'failed')
  const { planned, finished } = rendered.model.trials
  if (failed || finished < planned) process.exitCode = EXIT.failed
  printRun(rendered, words)
}

function listScenarios(sweep: Sweep, json: boolean): void {
  const { name, scenarios, benchmark_runs, until } = sweep
  const trials = scenarios.length * benchmark_runs
  const fewest = scenarios.length * (until?.min ?? benchmark_runs)
  if (json) {
    const listed = scenarios.map(({ id, point }) => ({ id, params: point }))
    const stopping = until ? { fewest_trials: fewest, until } : {}
    answer(safeJson({ name, benchmark_runs, trials, ...stopping, scenarios: listed }))
    return
  }
  const lines = scenarios.map(({ id, label }) => `${id}  ${label}`)
  const total = `${until ? `${wholeNumber(fewest)} to ` : ''}${count(trials, 'trial')}`
  const size = `${count(scenarios.length, 'scenario')} x ${runsText(sweep)} = ${total}`
  // Labels hold values of the user's.
  answer([...lines, size].map(plain).join('\n'))
}
