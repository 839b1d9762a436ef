/** Options that several commands have: each is declared, and read, in one place. */
import { existsSync } from 'node:fs'
import { FORMATS, type Overrides, PLOTS, UserError } from '../index.ts'
import { MOST_MARGIN, parseNames, parseSeconds, parseShare } from './command.ts'

/** For yargs: an option that may be repeated, with one value each time. */
export function listOption(describe: string) {
  return { type: 'string', array: true, nargs: 1, default: [] as string[], describe } as const
}

/** For yargs. */
export function quietOption(describe: string) {
  return { quiet: { type: 'boolean', default: false, describe } } as const
}

/** For yargs. */
export const forcedOption = {
  'include-forced': {
    type: 'boolean',
    default: false,
    describe: 'count trials that "stint resume --force" ran under other conditions; they are left out else',
  },
} as const

export interface ForcedWords {
  'include-forced': boolean
}

/** For yargs: the sweep of a command that takes nothing else. */
export const sweepFile = { type: 'string', demandOption: true, describe: 'sweep file (YAML)' } as const

export interface SetWords {
  set: string[]
}

/** For yargs. */
export const setOption = {
  set: listOption('override one key of the sweep, such as params.learner=sgd; may be repeated'),
} as const

export interface SeedWords {
  seed: number | undefined
}

/** For yargs. */
export const seedOption = { seed: { type: 'number', describe: 'overrides random_seed' } } as const

export interface RunningWords extends SetWords, SeedWords {
  out: string
  jobs: number | undefined
}

/** For yargs: of every command that makes a run folder. */
export const runningOptions = {
  out: { type: 'string', default: 'results', describe: 'folder that receives <sweep>/<run>/' },
  jobs: { type: 'number', describe: 'trials at the same time; overrides n_jobs' },
  ...seedOption,
  ...setOption,
} as const

interface OverrideWords extends SetWords {
  target?: string | undefined
  jobs?: number | undefined
  runs?: number | undefined
  seed?: number | undefined
}

export function overridesOf({ target, jobs, runs, seed, set }: OverrideWords): Overrides {
  return {
    ...(target !== undefined && { target }),
    ...(jobs !== undefined && { jobs }),
    ...(runs !== undefined && { runs }),
    ...(seed !== undefined && { seed }),
    set,
  }
}

export interface MeasuringWords {
  margin: string | undefined
  'time-limit': string
}

/** For yargs: of every command that plays two versions in lock step. */
export function measuringOptions(timeLimit: string) {
  return {
    margin: { type: 'string', describe: 'largest slowdown to tolerate, such as 2%' },
    'time-limit': { type: 'string', default: '60s', describe: timeLimit },
  } as const
}

export function measuringOf(words: MeasuringWords): { margin?: number; limitMs: number } {
  return {
    ...(words.margin !== undefined && { margin: parseShare('--margin', words.margin, MOST_MARGIN) }),
    limitMs: 1000 * parseSeconds('--time-limit', words['time-limit']),
  }
}

export interface MetricWords {
  metric: string[]
}

/** For yargs. */
export function metricOption(what: string) {
  return { metric: listOption(`${what}; several as a list, or repeated`) }
}

export function metricsOf({ metric }: MetricWords): string[] {
  return metric.flatMap(parseNames)
}

const isSetting = (word: string) => /^[\w.-]+=/.test(word)
/** Of options that may be repeated: whether a word after a value is one more, and not a file or folder. */
const GOES_ON: ReadonlyMap<string, (word: string) => boolean> = new Map([
  ['--metric', (word) => !/[/\\]/.test(word)],
  ['--set', isSetting],
  ['--set-baseline', isSetting],
  ['--set-candidate', isSetting],
  ['--export', (word) => FORMATS.some((format) => word === format || word.startsWith(`${format}=`))],
  ['--plots', (word) => Object.values(PLOTS).some((plots) => Object.hasOwn(plots, word))],
])

/** For yargs: of all commands. */
export const colourOption = {
  color: { type: 'boolean', describe: 'colors on; off with --no-color' },
} as const

const COLOUR_WORDS: ReadonlyMap<string, readonly string[]> = new Map([
  ['always', ['--color']],
  ['never', ['--no-color']],
  ['auto', []],
])

/**
 * `--color=never` as `--no-color`, and so on, as other programs take it: yargs would read every value as false.
 * @throws {UserError} for another value
 */
export function colourWords(words: readonly string[]): string[] {
  const end = words.indexOf('--')
  return words.flatMap((word, at) => {
    if (!word.startsWith('--color=') || (end >= 0 && at > end)) return [word]
    const value = word.slice('--color='.length)
    const meant = COLOUR_WORDS.get(value)
    if (meant === undefined)
      throw new UserError(
        `--color: expected always, never or auto, not "${value}"`,
        '--no-color is the same as never',
      )
    return meant
  })
}

/** `--metric a b` as `--metric a --metric b`, in every command. */
export function repeatOptions(words: readonly string[]): string[] {
  const repeated: string[] = []
  let option = ''
  let hasValue = false
  for (const [at, word] of words.entries()) {
    if (word === '--') return [...repeated, ...words.slice(at)]
    if (word.startsWith('-') && !(option !== '' && !hasValue)) {
      const [name = ''] = word.split('=')
      option = GOES_ON.has(name) ? name : ''
      hasValue = word !== name
    } else if (option !== '' && !hasValue) hasValue = true
    else if (option !== '' && GOES_ON.get(option)!(word) && !existsSync(word)) repeated.push(option)
    else option = ''
    repeated.push(word)
  }
  return repeated
}
