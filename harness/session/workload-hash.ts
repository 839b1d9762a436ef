/** The workload's own code as one hash, so that a run is not resumed with other code than it began with. */
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { entryFile } from '../execute/local/entries.ts'

/** `import x from './x.js'`, `export * from`, `import('./x.js')`, `require('./x')`, `new URL('./x', ...)`. */
const LOCAL_REFERENCE = /(?:\bfrom|\bimport|\brequire|\bURL)\s*\(?\s*(['"`])(\.{1,2}\/[^'"`\n]+)\1/g
const SOURCE = /\.(?:[cm]?[jt]s|json)$/
const ENDINGS = ['', '.js', '.mjs', '.cjs', '.ts', '.mts', '.json', '/index.js', '/index.mjs', '/index.ts']

/**
 * SHA-256, hex, of a workload's module and all files that it names by a relative path, directly or through one another.
 * Packages are not followed.
 * @param workload `pipeline` or the absolute path of a module
 * @throws the file system's error where the module cannot be read
 */
export function hashWorkload(workload: string): string {
  const entry = workload === 'pipeline' ? entryFile('pipeline/workload') : workload
  const root = dirname(entry)
  const hash = createHash('sha256')
  const named = modulesFrom(entry).map((path) => ({ path, name: relative(root, path).replaceAll('\\', '/') }))
  for (const { path, name } of named.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const content = readFileSync(path)
    // The lengths keep what belongs to the name, and what to the content, apart.
    hash.update(JSON.stringify([name, content.length])).update(content)
  }
  return hash.digest('hex')
}

function modulesFrom(entry: string): string[] {
  const found = new Set([entry])
  for (const path of found) {
    if (path.endsWith('.json') || !SOURCE.test(path)) continue
    for (const [, , name] of readFileSync(path, 'utf8').matchAll(LOCAL_REFERENCE)) {
      const base = resolve(dirname(path), name!)
      const file = ENDINGS.map((ending) => base + ending).find(isFile)
      if (file !== undefined) found.add(file)
    }
  }
  return [...found]
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}
