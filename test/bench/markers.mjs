/** Replaces what stands between a pair of markers in a document, so that words around a table stay as written. */
import { readFileSync, writeFileSync } from 'node:fs'

/**
 * The document with `text` between the markers of `name`.
 * @param path of the document, for the message
 * @throws where it has no such markers
 */
export function withBlock(document, name, text, path) {
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`]
  const from = document.indexOf(begin)
  const to = document.indexOf(end)
  if (from === -1 || to < from) throw new Error(`${path} has no markers "${begin}" and "${end}"`)
  return `${document.slice(0, from + begin.length)}\n\n${text.trim()}\n\n${document.slice(to)}`
}

/** @throws where the document has no such markers */
export function rewriteBetween(path, name, text) {
  writeFileSync(path, withBlock(readFileSync(path, 'utf8'), name, text, path))
}
