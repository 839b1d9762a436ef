/** `stint schema`: the JSON Schema of a sweep, for editors, or of a report, for programs. */
import { answer } from './console.ts'
import type { Command } from './words.ts'

const SCHEMAS = {
  sweep: async () => (await import('../sweep/schema.ts')).sweepJsonSchema(),
  report: async () => (await import('../report/schema.ts')).reportJsonSchema(),
}

export const schemaCommand: Command<{ of: keyof typeof SCHEMAS }> = {
  builder: (yargs) =>
    yargs.positional('of', {
      choices: Object.keys(SCHEMAS) as (keyof typeof SCHEMAS)[],
      default: 'sweep' as const,
      describe: 'a sweep file, or the JSON of a report',
    }),
  handler: async ({ of }) => answer(JSON.stringify(await SCHEMAS[of](), null, 2)),
}
