import type { CsvDialect } from '../types.ts'

/** A dialect as byte values; -1 where it has no such character. */
export interface DialectBytes {
  separator: number
  quote: number
  comment: number
}

export const LF = 10
export const CR = 13

/** @throws {TypeError} where a character is not one ASCII character, is a line end, or stands for two things */
export function dialectBytes(dialect: CsvDialect): DialectBytes {
  const separator = asciiByte('separator', dialect.separator ?? ',')
  const quote = dialect.quote === null ? -1 : asciiByte('quote', dialect.quote ?? '"')
  const comment = dialect.comment == null ? -1 : asciiByte('comment', dialect.comment)
  const used = [separator, quote, comment].filter((byte) => byte >= 0)
  if (new Set(used).size < used.length) {
    throw new TypeError('separator, quote and comment must be different characters')
  }
  return { separator, quote, comment }
}

function asciiByte(name: string, text: string): number {
  const code = text.length === 1 ? text.charCodeAt(0) : -1
  if (code < 1 || code > 127 || code === LF || code === CR) {
    throw new TypeError(
      `${name} must be one ASCII character other than a line end, not ${JSON.stringify(text)}`,
    )
  }
  return code
}
