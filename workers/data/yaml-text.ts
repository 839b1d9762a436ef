/** What a note advises, as YAML that can be pasted into a sweep. */
import type { ColumnDeclaration } from './types.ts'

const PLAIN = /^[A-Za-z_][A-Za-z0-9_.-]*$/
/** Words that YAML reads as something else than text. */
const TAKEN = /^(?:true|false|null|yes|no|on|off|y|n|nan)$/i

/** A schema as one line of YAML that a sweep takes under `dataset.columns`. */
export function schemaText(schema: Iterable<readonly [string, ColumnDeclaration]>): string {
  const columns = [...schema].map(([name, declaration]) => {
    const { kind, ...rest } = declaration
    const said = Object.keys(rest).length === 0 ? kind : flow(declaration)
    return `${key(name)}: ${said}`
  })
  return `{ ${columns.join(', ')} }`
}

/** A value in one line. */
export function flow(value: unknown): string {
  if (typeof value === 'string') return key(value)
  // JSON is YAML.
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value)
  return `{ ${Object.entries(value)
    .map(([name, inner]) => `${key(name)}: ${flow(inner)}`)
    .join(', ')} }`
}

/** A text, quoted where YAML would take it for something else. */
export function key(text: string): string {
  return PLAIN.test(text) && !TAKEN.test(text) ? text : JSON.stringify(text)
}
