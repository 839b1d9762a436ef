/** `stint schema`: the JSON Schema of a sweep, for editors. */
import type { CommandModule } from 'yargs'
import { sweepJsonSchema } from '../sweep/schema.ts'
import { answer } from './console.ts'

export const schemaCommand: CommandModule = {
  command: 'schema',
  describe: 'print the JSON Schema of a sweep file, for editors',
  handler: () => answer(JSON.stringify(sweepJsonSchema(), null, 2)),
}
