/** `stint schema`: the JSON Schema of a sweep, for editors, or of a report, for programs. */
import { schema } from '../index.ts'
import type { Command } from './command.ts'
import { answer } from './console.ts'

export const schemaCommand: Command<{ of: 'sweep' | 'report' }> = {
  builder: (yargs) =>
    yargs.positional('of', {
      choices: ['sweep', 'report'] as const,
      default: 'sweep' as const,
      describe: 'a sweep file, or the JSON of a report',
    }),
  handler: async ({ of }) => answer(JSON.stringify(await schema(of), null, 2)),
}
