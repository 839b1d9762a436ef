/** `stint find`: which value of an axis just meets the goal? */
import { find, loadSearch, UserError } from '../index.ts'
import { type Command, parseShare } from './command.ts'
import { overridesOf, quietOption, type RunningWords, runningOptions } from './options.ts'
import { exportOption, jsonOption, runExports } from './output.ts'
import { conclude, interrupted, NOTHING_RUN } from './run.ts'
import { watched } from './signals.ts'

interface FindWords extends RunningWords {
  sweep: string
  min: string | undefined
  max: string | undefined
  over: string | undefined
  range: string | undefined
  resolution: string
  trials: number
  json: boolean
  quiet: boolean
  export: string[]
  overwrite: boolean
}

const MOST_RESOLUTION = 100

export const findCommand: Command<FindWords> = {
  builder: (yargs) =>
    yargs
      .positional('sweep', { type: 'string', demandOption: true, describe: 'sweep file (YAML) with a goal' })
      .options({
        min: {
          type: 'string',
          requiresArg: true,
          describe: 'axis whose smallest value that meets the goal is wanted',
        },
        max: {
          type: 'string',
          requiresArg: true,
          describe: 'axis whose largest value that meets the goal is wanted',
        },
        over: {
          type: 'string',
          requiresArg: true,
          describe: 'axis of the grid along which the search is repeated',
        },
        range: {
          type: 'string',
          requiresArg: true,
          describe: 'where to search, such as 16..512; else the values of the grid',
        },
        resolution: {
          type: 'string',
          default: '5%',
          describe: 'largest step from one value to the next, as a share',
        },
        trials: { type: 'number', default: 20, describe: 'most trials of one value' },
        ...runningOptions,
        ...exportOption,
        ...jsonOption,
        ...quietOption('no progress and no summary'),
      })
      .example('$0 find sweep.yaml --min max_memory_mb --range 8..256', 'how little memory meets the goal?')
      .example(
        '$0 find sweep.yaml --max arrival.rate --range 100..50000 --over max_compute_units',
        'how many events a second does each share of a core carry?',
      )
      .epilogue(
        'Exit codes: 0 found, 3 not within the range; 2 bad usage or input, 4 the harness failed, 130 interrupted.',
      ),
  handler: findValues,
}

async function findValues(words: FindWords): Promise<void> {
  const { min, max, over = null, trials } = words
  const axis = min ?? max
  if (axis === undefined || (min !== undefined && max !== undefined))
    throw new UserError('give one axis to search', 'such as --min max_memory_mb, or --max arrival.rate')
  const resolution = parseShare('--resolution', words.resolution, MOST_RESOLUTION)
  const best = min === undefined ? ('max' as const) : ('min' as const)
  const request = { axis, best, over, resolution, range: rangeOf(words.range), trials }
  const sweep = await loadSearch(words.sweep, request, overridesOf(words))
  const exports = await runExports(words)
  const command = ['stint', ...process.argv.slice(2)]
  const found = await watched({ quiet: words.quiet, nothing: NOTHING_RUN }, (hooks) =>
    find(sweep, { out: words.out, command, ...hooks }),
  )
  if (found === null) return
  if (found.done === 'finished') return await conclude(found, { ...words, exports, chosen: undefined })
  interrupted(found.folder, [`"stint resume ${found.folder}" goes on with the search`])
}

function rangeOf(text: string | undefined): { low: number; high: number } | null {
  if (text === undefined) return null
  const [, low, high] = /^\s*([\d.e+-]+?)\.\.([\d.e+-]+)\s*$/.exec(text) ?? []
  const range = { low: Number(low), high: Number(high) }
  if (Number.isFinite(range.low) && Number.isFinite(range.high)) return range
  throw new UserError(`--range ${text}: expected two numbers, such as 16..512`)
}
