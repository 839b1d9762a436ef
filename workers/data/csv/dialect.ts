/** How a file's bytes form rows and fields. Line ends are LF or CRLF in every dialect, and may be mixed. */
export interface Dialect {
  /** One ASCII character; `,` by default. */
  separator?: string
  /** One ASCII character, doubled inside a quoted field; `"` by default, null for a file without quoting. */
  quote?: string | null
  /** Lines that start with this ASCII character are skipped; null, the default, for none. */
  comment?: string | null
}

/** A dialect as byte values; -1 where it has no such character. */
export interface DialectBytes {
  separator: number
  quote: number
  comment: number
}

export const LF = 10
export const CR = 13

/** @throws {TypeError} where a character is not one ASCII character, is a line end, or stands for two things */
export function dialectBytes(dialect: Dialect): DialectBytes {
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
