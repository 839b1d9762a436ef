/** `stint find`: which value of an axis just meets the goal? */
import { type FoundValue, find, formatNumber, loadSearch, safeJson, UserError } from '../index.ts'
import { type Command, EXIT, parseShare } from './command.ts'
import { answer, tell } from './console.ts'
import { overridesOf, quietOption, type RunningWords, runningOptions } from './options.ts'
import { jsonOption } from './output.ts'
import { interrupted, NOTHING_RUN } from './run.ts'
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
}

const FORMAT = 1
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
        resolution: { type: 'string', default: '5%', describe: 'largest step from one value to the next' },
        trials: { type: 'number', default: 20, describe: 'most trials of one value' },
        ...runningOptions,
        ...jsonOption,
        ...quietOption('no progress and no summary'),
      })
      .example('$0 find sweep.yaml --min max_memory_mb --range 8..256', 'how little memory meets the goal?')
      .epilogue(
        'Exit codes: 0 found, 3 not within the range; 2 bad usage or input, 4 the harness failed, 130 interrupted.',
      ),
  handler: findValues,
}

async function findValues(words: FindWords): Promise<void> {
  const { min, max, over = null } = words
  const axis = min ?? max
  if (axis === undefined || (min !== undefined && max !== undefined))
    throw new UserError('give one axis to search', 'such as --min max_memory_mb, or --max arrival.rate')
  if (!Number.isSafeInteger(words.trials) || words.trials < 1)
    throw new UserError(`--trials ${words.trials}: expected a whole number of at least 1`)
  const resolution = parseShare('--resolution', words.resolution, MOST_RESOLUTION)
  if (resolution === 0) throw new UserError('--resolution 0: expected a share above 0, such as 5%')
  const request = {
    ...{ axis, over, resolution, range: rangeOf(words.range), trials: words.trials, param: null },
    best: min === undefined ? ('max' as const) : ('min' as const),
  }
  const sweep = await loadSearch(words.sweep, request, overridesOf(words))
  const command = ['stint', ...process.argv.slice(2)]
  const found = await watched({ quiet: words.quiet, nothing: NOTHING_RUN }, (hooks) =>
    find(sweep, { out: words.out, command, ...hooks }),
  )
  if (found === null) return
  const { done, folder, goal, results } = found
  if (done === 'interrupted') return interrupted(folder, [`"stint resume ${folder}" goes on with the search`])
  if (results.some(({ meets }) => meets === null)) process.exitCode = EXIT.undecided
  if (words.json) return answer(safeJson({ format: FORMAT, axis, goal, results, run_folder: folder }))
  if (!words.quiet) {
    tell(`\ngoal: ${goal}`)
    for (const result of results) tell(sentence(result, axis, request.best))
  }
  answer(folder)
}

function rangeOf(text: string | undefined): { low: number; high: number } | null {
  if (text === undefined) return null
  const [, low, high] = /^\s*([\d.e+-]+?)\.\.([\d.e+-]+)\s*$/.exec(text) ?? []
  const range = { low: Number(low), high: Number(high) }
  if (Number.isFinite(range.low) && Number.isFinite(range.high)) return range
  throw new UserError(`--range ${text}: expected two numbers, such as 16..512`)
}

function sentence(
  { at, meets, fails, confidence, trials, undecided, violations }: FoundValue,
  axis: string,
  best: 'min' | 'max',
): string {
  const where = Object.entries(at).map(([name, value]) => `${name} ${value}: `)
  const most = best === 'min' ? 'smallest' : 'largest'
  const head =
    meets === null
      ? `no ${axis} in the range was shown to meet the goal`
      : `${axis} ${formatNumber(meets)} is the ${most} that meets the goal`
  const parts = [
    head,
    ...(fails === null ? [] : [`${formatNumber(fails)} fails it`]),
    ...(undecided.length === 0 ? [] : [`${undecided.map(formatNumber).join(', ')} could not be decided`]),
    ...(violations.length === 0
      ? []
      : [
          `yet ${violations.map(formatNumber).join(', ')} fails too: ${axis} is not monotone, or a verdict is wrong`,
        ]),
    ...(confidence === null ? [] : [`every verdict right with at least ${(100 * confidence).toFixed(1)}%`]),
    `${trials} trials`,
  ]
  return where.join('') + parts.join('; ')
}
