/** Finds the command that the words name, and turns whatever goes wrong into one message and an exit code. */
import yargs, { type Argv, type CommandModule } from 'yargs'
import { ENVIRONMENT, explain, STINT_VERSION, UserError } from '../index.ts'
import { type Command, EXIT } from './command.ts'
import { answer, chooseColour, tell } from './console.ts'
import { colourOption, colourWords, repeatOptions } from './options.ts'
import { keepIgnoringHangUp } from './signals.ts'

interface Listed {
  command: string
  describe: string
  /** Loads it, which takes longer than listing all. */
  load: () => Promise<Command<never>>
}

/** In the order in which help lists them. */
export const COMMANDS: readonly Listed[] = [
  {
    command: 'run <sweep>',
    describe: 'run every scenario of a sweep under its caps, then write tables and plots',
    load: async () => (await import('./run.ts')).runCommand,
  },
  {
    command: 'init <data>',
    describe: 'write a first sweep for a data file, with the types of its columns',
    load: async () => (await import('./init.ts')).initCommand,
  },
  {
    command: 'resume <run>',
    describe: 'finish an interrupted run: exactly the trials that are missing',
    load: async () => (await import('./resume.ts')).resumeCommand,
  },
  {
    command: 'report <run>',
    describe: 'make the tables and plots of a run folder again',
    load: async () => (await import('./report.ts')).reportCommand,
  },
  {
    command: 'compare <runs..>',
    describe: 'test what differs between runs, or between the profiles of one run',
    load: async () => (await import('./compare.ts')).compareCommand,
  },
  {
    command: 'pipeline',
    describe: 'run the built-in pipeline on a CSV file, in batch and streaming mode and over a grid of caps',
    load: async () => (await import('./pipeline.ts')).pipelineCommand,
  },
  {
    command: 'gate <sweep>',
    describe: 'for CI: is a new version of a workload worse than another by more than the margin?',
    load: async () => (await import('./gate.ts')).gateCommand,
  },
  {
    command: 'find <sweep>',
    describe: "search an axis for the smallest or largest value that meets the sweep's goal",
    load: async () => (await import('./find.ts')).findCommand,
  },
  {
    command: 'agent',
    describe: 'run trials on this machine for a coordinator elsewhere, over a NATS server',
    load: async () => (await import('./agent.ts')).agentCommand,
  },
  {
    command: 'agents',
    describe: 'list the agents at a server, what they can do and what they run',
    load: async () => (await import('./agents.ts')).agentsCommand,
  },
  {
    command: 'watch <run>',
    describe: 'follow a run on other machines from anywhere',
    load: async () => (await import('./watch.ts')).watchCommand,
  },
  {
    command: 'bisect <sweep>',
    describe: 'find the first commit of a range that is worse than its beginning',
    load: async () => (await import('./bisect.ts')).bisectCommand,
  },
  {
    command: 'history <dir>',
    describe: 'find when a metric changed over many runs, and the first run after it',
    load: async () => (await import('./history.ts')).historyCommand,
  },
  {
    command: 'params [workload]',
    describe: 'list the parameters of the built-in pipeline and its learners, or of a workload of yours',
    load: async () => (await import('./params.ts')).paramsCommand,
  },
  {
    command: 'data <preset>',
    describe: 'write a deterministic data set (preset: nba2k)',
    load: async () => (await import('./data.ts')).dataCommand,
  },
  {
    command: 'publish <source>',
    describe: 'send a data set to a NATS stream or an MQTT topic as events on an arrival clock',
    load: async () => (await import('./publish.ts')).publishCommand,
  },
  {
    command: 'profiles',
    describe: 'list the hardware profiles that a sweep can name',
    load: async () => (await import('./profiles.ts')).profilesCommand,
  },
  {
    command: 'doctor',
    describe: 'try what this machine can enforce and measure, and how noisy it is',
    load: async () => (await import('./doctor.ts')).doctorCommand,
  },
  {
    command: 'schema [of]',
    describe: 'print the JSON Schema of a sweep file, for editors, or of a report, for programs',
    load: async () => (await import('./schema.ts')).schemaCommand,
  },
]

/**
 * Reads the words as `commandLine` does and runs nothing.
 * @throws {UserError} where no command takes them
 */
export async function checkCommandLine(words: readonly string[]): Promise<void> {
  await parser(words, false).parseAsync(yargsWords(words), {}, () => {})
}

/** @param words of the command line, after the name of the program */
export async function commandLine(words: readonly string[]): Promise<void> {
  keepIgnoringHangUp()
  try {
    // With a callback, yargs hands over the text of --help and --version instead of printing it.
    let help = ''
    await parser(words, true).parseAsync(yargsWords(words), {}, (_error, _parsed, output) => {
      help = output
    })
    if (help !== '') answer(help)
  } catch (error) {
    const { message, kind } = await explain(ofTheWords(error))
    tell(`stint: ${message}`)
    process.exitCode = kind === 'input' ? EXIT.usage : EXIT.failed
  }
}

function yargsWords(words: readonly string[]): string[] {
  return repeatOptions(colourWords(words))
}

function parser(words: readonly string[], runs: boolean): Argv {
  return yargs()
    .scriptName('stint')
    .usage('$0 <command>\n\nBenchmarks streaming ML under memory and compute caps that are really enforced.')
    .command(COMMANDS.map((listed) => lazily(listed, runs)))
    .options(colourOption)
    .middleware(({ color }) => chooseColour(color as boolean | undefined))
    .demandCommand(1, 'name a command; "stint --help" lists them')
    .recommendCommands()
    .strict()
    .locale('en')
    .updateStrings({
      'Not enough non-option arguments: got %s, need at least %s': always(
        'a word is missing after the command: got %s, expected %s',
      ),
      'Did you mean %s?': 'no such command; did you mean "%s"?',
      'Not enough arguments following: %s': 'a value is missing after --%s',
      'Unknown argument: %s': always('unknown option or word: %s'),
    })
    .epilogue(
      `Environment: ${ENVIRONMENT.filter(({ from }) => from === 'you')
        .map(({ name }) => name)
        .join(', ')}`,
    )
    .version(STINT_VERSION)
    .help()
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? wrongWords(asTyped(message, words))
    })
}

function wrongWords(what: string): UserError {
  return new UserError(what, '"stint --help" shows the commands and their options')
}

/** Some of what is wrong with the words comes as an error of yargs' own. */
function ofTheWords(error: unknown): unknown {
  return error instanceof Error && error.name === 'YError' ? wrongWords(error.message) : error
}

/** Of `--no-frost`, yargs says that it does not know `frost`. */
function asTyped(message: string, words: readonly string[]): string {
  const [, names] = /^unknown option or word: (.*)$/s.exec(message) ?? []
  if (names === undefined) return message
  const typed = names.split(', ').map((name) => (words.includes(`--no-${name}`) ? `no-${name}` : name))
  return `unknown option or word: ${typed.join(', ')}`
}

/** The command, loaded when its words are to be read. */
function lazily({ command, describe, load }: Listed, runs: boolean): CommandModule {
  return {
    command,
    describe,
    builder: async (argv: Argv) => {
      ;(await load()).builder?.(argv)
      return argv
    },
    handler: async (words) => {
      if (runs) await (await load()).handler(words as never)
    },
  }
}

/** One text for one and for many; the declared type of yargs does not know that it wants both. */
function always(text: string): string {
  return { one: text, other: text } as unknown as string
}
