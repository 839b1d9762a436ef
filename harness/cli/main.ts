#!/usr/bin/env node
/** Reads the command's words and turns whatever goes wrong into one message and an exit code. */
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { UserError } from '../user-error.ts'
import { STINT_VERSION } from '../version.ts'
import { compareCommand } from './compare.ts'
import { tell } from './console.ts'
import { dataCommand } from './data.ts'
import { doctorCommand } from './doctor.ts'
import { complaintOf, EXIT } from './exit.ts'
import { gateCommand } from './gate.ts'
import { historyCommand } from './history.ts'
import { pipelineCommand } from './pipeline.ts'
import { profilesCommand } from './profiles.ts'
import { reportCommand } from './report.ts'
import { resumeCommand } from './resume.ts'
import { runCommand } from './run.ts'
import { schemaCommand } from './schema.ts'

// A reader that leaves early (`stint run --dry-run | head`) is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok)
  throw error
})

/** One text for one and for many; the declared type of yargs does not know that it wants both. */
function always(text: string): string {
  return { one: text, other: text } as unknown as string
}

const parser = yargs(hideBin(process.argv))
  .scriptName('stint')
  .usage('$0 <command>\n\nBenchmarks streaming ML under memory and compute caps that are really enforced.')
  .command(runCommand)
  .command(resumeCommand)
  .command(reportCommand)
  .command(compareCommand)
  .command(pipelineCommand)
  .command(gateCommand)
  .command(historyCommand)
  .command(dataCommand)
  .command(profilesCommand)
  .command(doctorCommand)
  .command(schemaCommand)
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
  await parser.parseAsync()
} catch (error) {
  const complaint = complaintOf(error)
  tell(`stint: ${complaint.message}`)
  process.exitCode = complaint.code
}
