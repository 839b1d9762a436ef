/** What a run takes in besides the sweep: the workload's code and data, by hash, and standard input, as a file. */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, readFileSync, renameSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { DatasetSpec, InputProblem, WorkloadSource } from '../../workers/protocol.ts'
import { entryFile } from '../execute/local/entries.ts'
import { STDIN } from '../sweep/dataset.ts'
import { workloadName } from '../sweep/paths.ts'

// ---------------------------------------------------------------- the workload's code: a run is not resumed with other code

/** `import x from './x.js'`, `export * from`, `import('./x.js')`, `require('./x')`, `new URL('./x', ...)`. */
const LOCAL_REFERENCE = /(?:\bfrom|\bimport|\brequire|\bURL)\s*\(?\s*(['"`])(\.{1,2}\/[^'"`\n]+)\1/g
const SOURCE = /\.(?:[cm]?[jt]s|json)$/
const ENDINGS = ['', '.js', '.mjs', '.cjs', '.ts', '.mts', '.json', '/index.js', '/index.mjs', '/index.ts']
/** `import a.b, c as d` and `from .a import b` at the start of a line. */
const PYTHON_IMPORT = /^[ \t]*(?:from[ \t]+(\.*)([\w.]*)[ \t]+)?import[ \t]+\(?([\w.,* \t]+)/gm

/**
 * SHA-256, hex, of a workload's code. Of a module: it and all files that it names by a relative path, directly or
 * through one another. Of a program: its words, the files among them, and what those name in the same way, in Python by
 * an import of what lies beside them. Packages are not followed.
 * @throws the file system's error where a file cannot be read
 */
export function hashWorkload(workload: WorkloadSource): string {
  const root = typeof workload === 'string' ? dirname(entryOf(workload)) : workload.folder
  const hash = createHash('sha256')
  if (typeof workload === 'object') hash.update(JSON.stringify(workload.command))
  const named = codeFiles(workload).map((path) => ({
    path,
    name: relative(root, path).replaceAll('\\', '/'),
  }))
  for (const { path, name } of named.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const content = readFileSync(path)
    // The lengths keep what belongs to the name, and what to the content, apart.
    hash.update(JSON.stringify([name, content.length])).update(content)
  }
  return hash.digest('hex')
}

function entryOf(workload: string): string {
  return workload === 'pipeline' ? entryFile('pipeline/workload') : workload
}

/** A program that is looked for on the PATH is no file of the workload. */
function codeFiles(workload: WorkloadSource): string[] {
  if (typeof workload === 'string') return filesFrom([entryOf(workload)])
  const { command, folder } = workload
  const words = command.filter((word, index) => index > 0 || word.includes('/'))
  return filesFrom(words.map((word) => resolve(folder, word)).filter(isFile))
}

function filesFrom(entries: readonly string[]): string[] {
  const found = new Set(entries)
  for (const path of found) for (const file of namedIn(path)) found.add(file)
  return [...found]
}

/** Files that a file of code names. */
function namedIn(path: string): string[] {
  if (path.endsWith('.py')) return pythonModules(path)
  if (path.endsWith('.json') || !SOURCE.test(path)) return []
  return [...readFileSync(path, 'utf8').matchAll(LOCAL_REFERENCE)].flatMap(([, , name]) => {
    const base = resolve(dirname(path), name!)
    return ENDINGS.map((ending) => base + ending).find(isFile) ?? []
  })
}

/** Of those imported, the modules that lie beside the file; `from a import b` may mean `a/b.py`. */
function pythonModules(path: string): string[] {
  const imports = [...readFileSync(path, 'utf8').matchAll(PYTHON_IMPORT)]
  return imports.flatMap(([, dots = '', from = '', list = '']) => {
    const base = resolve(dirname(path), '../'.repeat(Math.max(0, dots.length - 1)), from.replaceAll('.', '/'))
    const names = list.split(',').map((name) => name.trim().split(/\s/)[0]!.replaceAll('.', '/'))
    return [base, ...names.map((name) => join(base, name))]
      .flatMap((module) => [`${module}.py`, join(module, '__init__.py')])
      .filter(isFile)
  })
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}

// ---------------------------------------------------------------- what must stay as it was while a run goes on

interface Watched {
  /** In words. */
  what: string
  files: { path: string; stamp: string | null }[]
  sha256: string
  hash(): Promise<string>
}

/** The files that a run's trials depend on. A file is read again only where its time or size is another. */
export class WatchedInputs {
  private readonly watched: readonly Watched[]

  /**
   * @param workload with the hash of its code, and `data` with that of each file, as they were read
   * @param since when reading began, ms since 1970: what was written later may be other than what was read
   */
  constructor(
    workload: { source: WorkloadSource; sha256: string },
    data: readonly { path: string; sha256: string }[],
    since: number,
  ) {
    const files = (paths: readonly string[]) =>
      paths.map((path) => ({ path, stamp: stampOf(path, since - CLOCK_STEP_MS) }))
    this.watched = [
      {
        what: `the code of workload ${workloadName(workload.source)}`,
        files: files(codeFiles(workload.source)),
        sha256: workload.sha256,
        hash: async () => hashWorkload(workload.source),
      },
      ...data.map(({ path, sha256 }) => ({
        what: path,
        files: files([path]),
        sha256,
        hash: () => hashFile(path),
      })),
    ]
  }

  /**
   * What is not as it was, in words; null for nothing. A file that is gone does not count: a trial that needs it fails
   * and says so.
   */
  async changed(): Promise<string | null> {
    for (const { what, files, sha256, hash } of this.watched) {
      const stamps = files.map(({ path }) => stampOf(path))
      if (stamps.includes(GONE) || files.every(({ stamp }, i) => stamp === stamps[i])) continue
      if ((await hash()) !== sha256) return what
      for (const [i, file] of files.entries()) file.stamp = stamps[i]!
    }
    return null
  }
}

const GONE = 'gone'
/** Times of files come from a clock that steps. */
const CLOCK_STEP_MS = 20

/** Tells two states of a file apart without reading it; null where it was written after `before`, ms since 1970. */
function stampOf(path: string, before = Number.POSITIVE_INFINITY): string | null {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return GONE
  return stat.ctimeMs > before ? null : `${stat.ino} ${stat.size} ${stat.mtimeMs}`
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const part of createReadStream(path)) hash.update(part as Buffer)
  return hash.digest('hex')
}

// ---------------------------------------------------------------- standard input: several processes read it

const GZIP_MARK = [0x1f, 0x8b]
const JSON_STARTS = [...'{['].map((c) => c.charCodeAt(0))
const WHITE_SPACE = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf])

/** The datasets, with standard input written to `folder`, in constant memory, where one of them asks for it. */
export async function withStdinAsFile(
  datasets: readonly DatasetSpec[],
  folder: string,
  stdin: Readable & { isTTY?: boolean } = process.stdin,
): Promise<DatasetSpec[] | InputProblem> {
  const asks = (dataset: DatasetSpec) => dataset.kind === 'file' && dataset.path === STDIN
  if (!datasets.some(asks)) return [...datasets]
  if (stdin.isTTY === true) {
    return {
      message: 'dataset.source is -, and standard input is a terminal',
      hint: 'pipe the data in, such as: zcat data.csv.gz | stint run sweep.yaml',
    }
  }
  const path = await written(stdin, folder)
  return datasets.map((dataset) => (asks(dataset) ? { ...dataset, path } : dataset))
}

/** The file's name says what its first bytes do: packed, events, or CSV. */
async function written(stdin: Readable, folder: string): Promise<string> {
  const unnamed = join(folder, 'stdin')
  let ending: string | null = null
  async function* looked(parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const part of parts) {
      ending ??= endingOf(part)
      yield part
    }
  }
  await pipeline(stdin, looked, createWriteStream(unnamed))
  const path = unnamed + (ending ?? '.csv')
  renameSync(unnamed, path)
  return path
}

/** Null where white space alone came so far. */
function endingOf(part: Buffer): string | null {
  if (GZIP_MARK.every((byte, i) => part[i] === byte)) return '.gz'
  const first = part.find((byte) => !WHITE_SPACE.has(byte))
  if (first === undefined) return null
  return JSON_STARTS.includes(first) ? '.ndjson' : '.csv'
}
