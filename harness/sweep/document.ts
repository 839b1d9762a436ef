/** Reads a YAML file into plain data and remembers where every key and value stands. */
import { readFileSync, statSync } from 'node:fs'
import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
} from 'yaml'
import type { Finding, Path, Place } from './problems.ts'

/** Aliases may expand to at most this many nodes: a sweep needs few, a bomb needs many. */
const MAX_ALIASES = 100
/** A sweep is written by hand; whatever is larger is some other file. */
const MAX_BYTES = 1 << 20
/** A sweep needs six levels; what follows a tree of values goes down a call for each. */
const MAX_DEPTH = 64

export interface Positions {
  /** The key's own place. */
  key: Place
  /** The place of its value. */
  value: Place
}

export interface YamlFile {
  /** Undefined where the text could not be read as data; then `findings` says why. */
  data: unknown
  /** By `pathKey`. */
  positions: Map<string, Positions>
  findings: Finding[]
}

export type Mapping = Record<string, unknown>

/** True for what a YAML mapping becomes. */
export const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const pathKey = (path: Path): string => JSON.stringify(path)

const KEEP_ONE = 'keep one of them; a list of values goes in square brackets under `grid`'
const SYNTAX_HINTS: Record<string, string> = {
  TAB_AS_INDENT: 'indent with spaces',
}

/** Reads and parses `file`; never throws for what the user can mend. */
export function readYamlFile(file: string): YamlFile {
  const start: Place = { file, line: 1, column: 1 }
  const unreadable = (what: string, hint: string): YamlFile => ({
    data: undefined,
    positions: new Map(),
    findings: [{ place: start, key: null, what, hint }],
  })
  try {
    const size = statSync(file).size
    if (size > MAX_BYTES)
      return unreadable(
        `the file has ${size} bytes, expected a sweep of at most ${MAX_BYTES}`,
        'check the path',
      )
    return parseYaml(readFileSync(file, 'utf8'), (line, column) => ({ file, line, column }))
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT')
      return unreadable('no such file', 'check the path; it is taken from the current folder')
    if (code === 'EISDIR') return unreadable('this is a folder, expected a YAML file', 'name the file in it')
    if (code === 'EACCES') return unreadable('the file may not be read', 'check its permissions')
    throw error
  }
}

/** A lone dash where YAML wants a value. It stands for standard input, and YAML wants it quoted. */
const BARE_DASH = /-(?<=(?:\S:[ \t]+|[,[{][ \t]*)-)(?=[ \t]*(?:[,\]}]|(?:[ \t]#.*)?\r?$))/gm
/** Takes its place while YAML is read: as long, and in no text of a person's. */
const DASH = '\uf8ff'

/** Parses one YAML document; `placeAt` says how a line and column (from 1) are named to the user. */
export function parseYaml(written: string, placeAt: (line: number, column: number) => Place): YamlFile {
  const text = written.trim() === '-' ? DASH : written.replace(BARE_DASH, DASH)
  const lines = new LineCounter()
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return placeAt(Math.max(1, line), Math.max(1, col))
  }
  const tokens = tokensOf(text, lines)
  if (typeof tokens === 'number') {
    const what = `values are nested more than ${MAX_DEPTH} levels deep here`
    const hint = 'check that this is what was meant: a sweep needs six levels'
    const findings = [{ place: at(tokens), key: null, what, hint }]
    return { data: undefined, positions: new Map(), findings }
  }
  // yaml compares each key with all before it, which the walk below does faster.
  const composer = new Composer({ uniqueKeys: false, logLevel: 'error' })
  const documents = composer.compose(tokens, true, text.length)
  // There is one also where the text is empty.
  const document = documents.next().value as Document.Parsed
  const another = documents.next().value as Document.Parsed | undefined
  const findings: Finding[] = [...document.errors, ...document.warnings].map(({ code, pos, message }) => {
    const hint = SYNTAX_HINTS[code] ?? 'mend the YAML here; quote a text that holds special characters'
    return { place: at(pos[0]), key: null, what: withDashes(message), hint }
  })
  if (another !== undefined) {
    const hint = 'a file holds one sweep: put the others into files of their own'
    findings.push({ place: at(another.range[0]), key: null, what: 'a second document starts here', hint })
  }
  const positions = new Map<string, Positions>()
  if (findings.length > 0) return { data: undefined, positions, findings }
  const walk = new Walk(document, at, positions, findings)
  walk.visit(document.contents, [], [])
  if (findings.length > 0) return { data: undefined, positions, findings }
  try {
    return { data: document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown, positions, findings }
  } catch (error) {
    // yaml reports a resource exhaustion attack by aliases as a ReferenceError without a position
    if (!(error instanceof ReferenceError)) throw error
    const what = `aliases expand to more than ${MAX_ALIASES} nodes`
    return {
      data: undefined,
      positions,
      findings: [{ place: at(0), key: null, what, hint: 'write the values out instead of using & and *' }],
    }
  }
}

/**
 * The text's tokens; where a value lies too deep its offset, found as it opens: what reads on goes down a call for each
 * level.
 */
function tokensOf(text: string, lines: LineCounter): CST.Token[] | number {
  const parser = new Parser(lines.addNewLine)
  const tokens: CST.Token[] = []
  lines.addNewLine(0)
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token)
    // The document lies at the bottom.
    if (parser.stack.length - 1 > MAX_DEPTH) return parser.stack.at(-1)!.offset
  }
  return [...tokens, ...parser.end()]
}

function withDashes(text: string): string {
  return text.replaceAll(DASH, '-')
}

class Walk {
  private readonly document: Document
  private readonly at: (offset: number) => Place
  private readonly positions: Map<string, Positions>
  private readonly findings: Finding[]
  constructor(
    document: Document,
    at: (offset: number) => Place,
    positions: Map<string, Positions>,
    findings: Finding[],
  ) {
    this.document = document
    this.at = at
    this.positions = positions
    this.findings = findings
  }

  private report(node: Node, what: string, hint: string): void {
    this.findings.push({ place: this.at(node.range?.[0] ?? 0), key: null, what, hint })
  }

  /** Does not descend into aliases: what they stand for has its place where it is written. */
  visit(node: unknown, path: Path, ancestors: readonly unknown[]): void {
    if (isScalar(node) && typeof node.value === 'string') node.value = withDashes(node.value)
    else if (isAlias(node)) {
      const target = node.resolve(this.document)
      const what = `alias *${node.source}`
      if (target === undefined)
        this.report(node, `${what} has no anchor before it`, `define &${node.source} above`)
      else if (ancestors.includes(target)) this.report(node, `${what} contains itself`, 'write the value out')
    } else if (isMap(node)) {
      for (const { key, value } of node.items) this.visitPair(node, key, value, path, ancestors)
    } else if (isSeq(node)) {
      node.items.forEach((item, index) => {
        const place = this.at((item as Node | null)?.range?.[0] ?? node.range?.[0] ?? 0)
        this.positions.set(pathKey([...path, index]), { key: place, value: place })
        this.visit(item, [...path, index], [...ancestors, node])
      })
    }
  }

  private visitPair(
    map: Node,
    key: unknown,
    value: unknown,
    path: Path,
    ancestors: readonly unknown[],
  ): void {
    if (!isScalar(key)) {
      this.report((key as Node | null) ?? map, 'a key must be plain text', 'write `name: value`')
      return
    }
    key.value = withDashes(String(key.value))
    const name = String(key.value)
    const keyPlace = this.at(key.range?.[0] ?? 0)
    const valueOffset = (value as Node | null)?.range?.[0]
    const here = [...path, name]
    const valuePlace = valueOffset === undefined ? keyPlace : this.at(valueOffset)
    if (this.positions.has(pathKey(here))) this.report(key, 'this key is given twice', KEEP_ONE)
    this.positions.set(pathKey(here), { key: keyPlace, value: valuePlace })
    this.visit(value, here, [...ancestors, map])
  }
}
