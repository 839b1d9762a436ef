/** Notes that follow a table in its file, as offices and spreadsheets write them: `Source: ...` below the last row. */
import { dialectBytes, LF } from './csv/dialect.ts'
import { openSource } from './sources/bytes.ts'
import type { CsvDialect } from './types.ts'

/** Longer than this, what follows is no footer. */
const MOST_LINES = 20
const MOST_BYTES = 8 * 1024
const SHOWN = 40
const READ_BYTES = 1 << 18

/** Lines after the last row that are no rows. */
export interface Footer {
  /** Records that they are to a reader, blank lines not counted. */
  rows: number
  /** `what follows the table from line 152 on, such as "Source: census"`. */
  said: string
}

/**
 * What stands from a line to the end of the file, where it is notes and no rows: all lines are narrower than the
 * table, and a blank line is before them, or each is one text of several words.
 * @param line the first that has not the table's width, from 1
 * @param width fields of the header
 * @returns null where it may be rows that are damaged or cut short
 */
export async function footerFrom(
  file: { path: string; dialect?: CsvDialect },
  line: number,
  width: number,
): Promise<Footer | null> {
  const end = await textFrom(file, line)
  if (end === null) return null
  const lines = end.text.split('\n').map((text) => text.trim())
  const isEnded = lines.at(-1) === ''
  const notes = lines.filter((text) => text !== '')
  if (notes.length > MOST_LINES) return null
  const fields = notes.map((text) => fieldsIn(text, file.dialect ?? {}))
  if (fields.some((count) => count >= width)) return null
  // A download that broke off ends within a row, and without a line end.
  const isNote = (text: string, at: number) =>
    width > 2 && fields[at] === 1 && /\p{L}.*[\s:]/su.test(text) && (isEnded || text.includes(': '))
  if (!end.afterBlank && !notes.every(isNote)) return null
  const text = notes[0]!.replace(/^"(.*)"$/s, '$1')
  const first = text.length > SHOWN ? `${text.slice(0, SHOWN - 3)}...` : text
  return {
    rows: notes.length,
    said: `what follows the table from line ${line} on, such as ${JSON.stringify(first)}`,
  }
}

/** Null where it is too long for a footer. */
async function textFrom(
  { path, dialect }: { path: string; dialect?: CsvDialect },
  line: number,
): Promise<{ text: string; afterBlank: boolean } | null> {
  const source = openSource(path, dialect?.encoding)
  const buffer = Buffer.allocUnsafe(READ_BYTES)
  const parts: Buffer[] = []
  let size = 0
  let left = line - 1
  /** Bytes of the line before. */
  let before = ''
  try {
    for (;;) {
      const count = await source.read(buffer, 0)
      if (count === 0) break
      let rest = buffer.subarray(0, count)
      while (left > 0) {
        const at = rest.indexOf(LF)
        if (left === 1) before += rest.toString('latin1', 0, at < 0 ? rest.length : Math.min(at, MOST_BYTES))
        if (at < 0) break
        rest = rest.subarray(at + 1)
        left -= 1
      }
      if (left > 0) continue
      size += rest.length
      if (size > MOST_BYTES) return null
      parts.push(Buffer.from(rest))
    }
  } finally {
    source.close()
  }
  return { text: Buffer.concat(parts).toString(), afterBlank: before.trim() === '' }
}

/** Fields of a line, as far as separators within quotes tell. */
function fieldsIn(text: string, dialect: CsvDialect): number {
  const { separator, quote } = dialectBytes(dialect)
  let fields = 1
  let quoted = false
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    if (code === quote) quoted = !quoted
    else if (code === separator && !quoted) fields += 1
  }
  return fields
}
