/** `stint gate`: is a new version worse than another, by more than matters? */
import { appendFileSync } from 'node:fs'
import {
  type Export,
  explain,
  type Format,
  failureReport,
  type GateBaseline,
  gate,
  loadSweep,
  type Report,
  renderReport,
  UserError,
  writeReport,
} from '../index.ts'
import { type Command, EXIT } from './command.ts'
import { tell } from './console.ts'
import { type FleetWords, fleetOf, fleetOptions } from './fleet.ts'
import {
  listOption,
  type MeasuringWords,
  measuringOf,
  measuringOptions,
  overridesOf,
  quietOption,
  type SeedWords,
  type SetWords,
  seedOption,
  setOption,
  sweepFile,
} from './options.ts'
import {
  answerPlots,
  answerWith,
  type ExportWords,
  exportOption,
  jsonOption,
  type PlotWords,
  parseExports,
  plotsOption,
  tellProblems,
  whereToWrite,
} from './output.ts'
import { watched } from './signals.ts'

interface GateWords extends ExportWords, PlotWords, FleetWords, MeasuringWords, SeedWords, SetWords {
  sweep: string
  against: string | undefined
  'baseline-module': string | undefined
  'candidate-module': string | undefined
  baseline: string[]
  'set-baseline': string[]
  'set-candidate': string[]
  profile: string | undefined
  build: boolean
  'allow-different-machine': boolean
  'bisect-run': boolean
  /** As `--export markdown=FILE` and `--export junit=FILE`. */
  markdown: string | undefined
  junit: string | undefined
  quiet: boolean
}

export const gateCommand: Command<GateWords> = {
  builder: (yargs) =>
    yargs
      .positional('sweep', sweepFile)
      .options({
        against: {
          type: 'string',
          describe: 'git ref to use as the baseline: its version of the sweep and of the workload',
        },
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
        'set-baseline': listOption(
          'as --set, for the baseline only; without --against, two configurations are compared',
        ),
        'set-candidate': listOption('as --set, for the candidate only'),
        ...measuringOptions(
          'how long the gate may take, such as 60s or 3m; builds, and waiting for other gates, come on top',
        ),
        profile: {
          type: 'string',
          describe:
            'folder for a CPU profile of each version, from one further trial of the scenario that looks worst',
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
        ...seedOption,
        ...setOption,
        'bisect-run': {
          type: 'boolean',
          default: false,
          describe: 'exit with 125 where there is no verdict, which "git bisect run" skips',
        },
        ...fleetOptions,
        ...exportOption,
        ...plotsOption('gate'),
        markdown: { type: 'string', describe: 'short for --export markdown=FILE' },
        junit: { type: 'string', describe: 'short for --export junit=FILE' },
        ...jsonOption,
        ...quietOption('no progress'),
      })
      .example('$0 gate sweep.yaml --against main', 'the working copy against a branch, in lock step')
      .example(
        '$0 gate sweep.yaml --set-baseline params.learner=ridge --set-candidate params.learner=mondrian_forest',
        'two configurations of one workload',
      )
      .epilogue(
        'Exit codes: 0 a regression beyond the margin is ruled out, 1 it is proven, 3 neither; 2 bad usage, 4 the harness failed.',
      ),
  handler: gateVersions,
}

async function gateVersions(words: GateWords): Promise<void> {
  if (!words['bisect-run']) return await answerGate(words)
  await answerGate(words).catch(async (error) => {
    tell(`stint: ${(await explain(error)).message}`)
    process.exitCode = EXIT.undecided
  })
  // Git takes every other code above 0 for a bad commit; 130 ends the search.
  const isTold = [undefined, EXIT.ok, EXIT.regression, EXIT.interrupted].includes(process.exitCode as 0)
  if (!isTold) process.exitCode = EXIT.skipped
}

async function answerGate(words: GateWords): Promise<void> {
  // First, so that what goes wrong from here on is written where it was asked for.
  const exports = await gateExports(words)
  const result = await decided(words, exports).catch(async (error) => {
    await tellFailure(error, words, exports)
    throw error
  })
  if (result === null) return
  const { exit_code, report } = result
  process.exitCode = exit_code
  const { problems } = await answerWith(report, { ...words, exports })
  await tellGitHub(report)
  if (problems.length > 0 && process.exitCode === EXIT.ok) process.exitCode = EXIT.failed
}

/** @returns null where it was interrupted */
async function decided(words: GateWords, exports: readonly Export[]) {
  const baseline = baselineOf(words)
  if (words.profile !== undefined && 'fleet' in fleetOf(words))
    throw new UserError('--profile needs both versions to be played here: leave out --on and --server')
  const profiled = words.profile === undefined ? {} : { profileTo: words.profile }
  const measuring = measuringOf(words)
  const plots = await answerPlots(words, 'gate', exports)
  // In a fresh checkout the workload is still to be built.
  const sweep = await loadSweep(words.sweep, overridesOf(words), { isBuiltLater: 'against' in baseline })
  return await watched({ quiet: words.quiet, nothing: '; nothing was decided' }, (hooks) =>
    gate(sweep, {
      ...baseline,
      ...measuring,
      ...profiled,
      overwrite: words.overwrite,
      plots,
      ...fleetOf(words),
      ...hooks,
    }),
  )
}

/** A gate that could not be held is no pass where only files are looked at. */
async function tellFailure(
  error: unknown,
  { sweep, overwrite }: GateWords,
  exports: readonly Export[],
): Promise<void> {
  const report = await failureReport(error, sweep)
  // The others hold numbers, of which there are none.
  const told = exports.filter(({ format, to }) => to !== '-' && FAILURE_FORMATS.includes(format))
  try {
    tellProblems(await writeReport(report, told, { ...whereToWrite(), overwrite, folder: '.' }))
    await tellGitHub(report)
  } catch {
    // What went wrong first is what is told.
  }
}

const FAILURE_FORMATS: readonly Format[] = ['junit', 'annotations', 'markdown', 'text', 'html']

function gateExports({ export: words, overwrite, json, markdown, junit }: GateWords): Promise<Export[]> {
  const aliases = Object.entries({ markdown, junit }).flatMap(([format, file]) =>
    file === undefined ? [] : [`${format}=${file}`],
  )
  return parseExports({ export: [...words, ...aliases], overwrite, json })
}

/** Into the summary and beside the files, where GitHub's runner asks for them. */
async function tellGitHub(report: Report): Promise<void> {
  const { GITHUB_ACTIONS, GITHUB_STEP_SUMMARY } = process.env
  if (GITHUB_STEP_SUMMARY) appendFileSync(GITHUB_STEP_SUMMARY, await renderReport(report, 'markdown'))
  // The runner reads commands from either stream; stdout may hold JSON.
  if (GITHUB_ACTIONS === 'true')
    await writeReport(report, [{ format: 'annotations', to: '-' }], {
      ...whereToWrite(),
      folder: '.',
      print: tell,
    })
}

function baselineOf(words: GateWords): GateBaseline {
  const { against, baseline, build, 'baseline-module': a, 'candidate-module': b } = words
  const sets = { setBaseline: words['set-baseline'], setCandidate: words['set-candidate'] }
  const isSet = sets.setBaseline.length + sets.setCandidate.length > 0
  const files = a !== undefined || b !== undefined
  const given = [against !== undefined, files, baseline.length > 0].filter(Boolean).length
  if (given > 1 || (given === 0 && !isSet)) {
    throw new UserError(
      given === 0
        ? 'the gate needs something to compare with'
        : 'give one thing to compare with, not several',
      'one of --against GIT_REF, --baseline-module FILE --candidate-module FILE, --baseline RUN..., --set-baseline KEY=VALUE --set-candidate KEY=VALUE',
    )
  }
  if (against === '') throw new UserError('--against needs a commit', 'such as --against main')
  if (against !== undefined) return { against, build, ...sets }
  if (a !== undefined && b !== undefined) return { baselineModule: a, candidateModule: b, ...sets }
  if (files) throw new UserError('--baseline-module and --candidate-module go together')
  if (given === 0) return sets
  if (isSet)
    throw new UserError(
      '--set-baseline and --set-candidate do not go with --baseline: what was recorded is what it is',
      '--set lays a value over the sweep that is run now',
    )
  return { baselineRuns: baseline, allowDifferentMachine: words['allow-different-machine'] }
}
