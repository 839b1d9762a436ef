/** `stint schema`: the JSON Schema of a sweep, for editors, or of a report, for programs. */
import { schema } from '../index.ts'
import type { Command } from './command.ts'
import { answer } from './console.ts'
import { watched } from './signals.ts'

export const schemaCommand: Command<{ of: 'sweep' | 'report' }> = {
  builder: (yargs) =>
    yargs.positional('of', {
      choices: ['sweep', 'report'] as const,
      default: 'sweep' as const,
      describe: 'a sweep file, or the JSON of a report',
    }),
  handler: async ({ of }) => {
    const made = await watched({ quiet: true, nothing: '' }, (hooks) => schema(of, hooks))
    if (made !== null) answer(JSON.stringify(made, null, 1))
  },
}
