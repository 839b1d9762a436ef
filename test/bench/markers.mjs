/** Replaces what stands between a bench's markers in a document, so that words around a table stay as written. */
import { readFileSync, writeFileSync } from 'node:fs'

/** @throws where the document has no such markers */
export function rewriteBetween(path, name, text) {
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`]
  const document = readFileSync(path, 'utf8')
  const from = document.indexOf(begin)
  const to = document.indexOf(end)
  if (from === -1 || to < from) throw new Error(`${path} has no markers "${begin}" and "${end}"`)
  writeFileSync(path, `${document.slice(0, from + begin.length)}\n\n${text.trim()}\n\n${document.slice(to)}`)
}
