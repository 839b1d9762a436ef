#!/usr/bin/env node
/** Reads the command's words and turns whatever goes wrong into one message and an exit code. */
import yargs, { type CommandModule } from 'yargs'
import { hideBin } from 'yargs/helpers'
import { UserError } from '../user-error.ts'
import { STINT_VERSION } from '../version.ts'
import { answer, surviveLostReaders, tell } from './console.ts'
import { complaintOf } from './exit.ts'
import { keepIgnoringHangUp } from './signals.ts'

surviveLostReaders()
keepIgnoringHangUp()

/** In the order in which help lists them. */
const COMMANDS: Readonly<Record<string, () => Promise<CommandModule>>> = {
  run: async () => (await import('./run.ts')).runCommand as CommandModule,
  resume: async () => (await import('./resume.ts')).resumeCommand as CommandModule,
  report: async () => (await import('./report.ts')).reportCommand as CommandModule,
  compare: async () => (await import('./compare.ts')).compareCommand as CommandModule,
  pipeline: async () => (await import('./pipeline.ts')).pipelineCommand as CommandModule,
  gate: async () => (await import('./gate.ts')).gateCommand as CommandModule,
  history: async () => (await import('./history.ts')).historyCommand as CommandModule,
  data: async () => (await import('./data.ts')).dataCommand as CommandModule,
  profiles: async () => (await import('./profiles.ts')).profilesCommand as CommandModule,
  doctor: async () => (await import('./doctor.ts')).doctorCommand as CommandModule,
  schema: async () => (await import('./schema.ts')).schemaCommand as CommandModule,
}

/** The command that the first word names, or all where it names none: loading those not asked for takes time. */
function commands([first]: readonly string[]): Promise<CommandModule[]> {
  const asked = first !== undefined && Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined
  return Promise.all((asked === undefined ? Object.values(COMMANDS) : [asked]).map((load) => load()))
}

/** One text for one and for many; the declared type of yargs does not know that it wants both. */
function always(text: string): string {
  return { one: text, other: text } as unknown as string
}

const parser = yargs(hideBin(process.argv))
  .scriptName('stint')
  .usage('$0 <command>\n\nBenchmarks streaming ML under memory and compute caps that are really enforced.')
  .command(await commands(hideBin(process.argv)))
  .demandCommand(1, 'name a command; "stint --help" lists them')
  .recommendCommands()
  .strict()
  .updateStrings({
    'Not enough non-option arguments: got %s, need at least %s': always(
      'a word is missing after the command: got %s, expected %s',
    ),
    'Did you mean %s?': 'no such command; did you mean "%s"?',
    'Unknown argument: %s': always('unknown option or word: %s'),
  })
  .version(STINT_VERSION)
  .help()
  .exitProcess(false)
  .fail((message, error) => {
    throw error ?? new UserError(message, '"stint --help" shows the commands and their options')
  })

try {
  // With a callback, yargs hands over the text of --help and --version instead of printing it.
  let help = ''
  await parser.parseAsync(hideBin(process.argv), {}, (_error, _parsed, output) => {
    help = output
  })
  if (help !== '') answer(help)
} catch (error) {
  const complaint = complaintOf(error)
  tell(`stint: ${complaint.message}`)
  process.exitCode = complaint.code
}
