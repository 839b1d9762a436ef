/** `stint schema`: the JSON Schema of a sweep, for editors. */
import { sweepJsonSchema } from '../sweep/schema.ts'
import { answer } from './console.ts'
import type { Command } from './words.ts'

export const schemaCommand: Command<object> = {
  handler: () => answer(JSON.stringify(sweepJsonSchema(), null, 2)),
}
