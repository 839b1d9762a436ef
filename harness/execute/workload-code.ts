/** Which files are a workload's code, and the hash of them: a run is not resumed with other code. */
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import type { WorkloadSource } from '../../workers/protocol/trial-spec.ts'
import { entryFile } from './local/entries.ts'

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
  const named = workloadFiles(workload).map((path) => ({
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

/** All files of a workload's code, absolute. A program that is looked for on the PATH is no file of it. */
export function workloadFiles(workload: WorkloadSource): string[] {
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
