// Whether build/ and dist/ are of the sources as they stand: by the content of all that a build reads and of all that it
// wrote, so that nothing that is changed, added, removed or half done passes for built.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Packages count by the versions that npm installed. */
const READ = [
  'harness',
  'workers',
  'scripts',
  'package.json',
  'tsconfig.json',
  'node_modules/.package-lock.json',
]
const WRITTEN = ['build', 'dist']
const STAMP = join('build', '.stamp')

/** @returns a hash of all that a build reads, and of the Node that it runs on; null where something of it is missing */
export function sourcesOf(root) {
  return READ.every((name) => existsSync(join(root, name))) ? hashOf(root, READ) : null
}

/** @param sources of before the build: what changed meanwhile may not be in it */
export function markBuilt(root, sources) {
  if (sources !== null) writeFileSync(join(root, STAMP), `${sources} ${hashOf(root, WRITTEN)}`)
}

export function isBuilt(root, sources) {
  if (sources === null || !existsSync(join(root, STAMP))) return false
  return readFileSync(join(root, STAMP), 'utf8') === `${sources} ${hashOf(root, WRITTEN)}`
}

function hashOf(root, names) {
  const hash = createHash('sha256').update(process.version)
  const add = (name) => {
    const path = join(root, name)
    const content = readFileSync(path)
    const isExecutable = (statSync(path).mode & 0o100) !== 0
    hash.update(JSON.stringify([name, isExecutable, content.length])).update(content)
  }
  const files = (folder) =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const name = join(folder, entry.name)
      return entry.isDirectory() ? files(name) : [name]
    })
  for (const name of names) {
    if (/\.json$/.test(name)) add(name)
    else if (existsSync(join(root, name)))
      for (const file of files(name).sort()) if (file !== STAMP) add(file)
  }
  return hash.digest('hex')
}
