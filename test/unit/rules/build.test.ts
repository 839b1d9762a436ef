/** A build is left out only where what it would make is there, whole and as it was made. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { isBuilt, markBuilt, sourcesOf } from '../../../scripts/build-stamp.mjs'

const LOCK = 'node_modules/.package-lock.json'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'build-stamp-'))
  for (const name of ['package.json', 'tsconfig.json', LOCK]) write(name, '{}')
  for (const name of ['harness/cli/main.ts', 'workers/worker.ts', 'scripts/build.mjs']) write(name, 'source')
  for (const name of ['build/harness/cli/main.js', 'dist/harness/cli/main.js', 'dist/assets/page.js'])
    write(name, 'made')
  markBuilt(root, sourcesOf(root))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function write(name: string, text: string): void {
  mkdirSync(join(root, dirname(name)), { recursive: true })
  writeFileSync(join(root, name), text)
}

const built = () => isBuilt(root, sourcesOf(root))

it('knows what it made, also where a file was written again as it was', () => {
  expect(built()).toBe(true)
  write('harness/cli/main.ts', 'source')
  expect(built()).toBe(true)
})

it.each([
  ['harness/cli/main.ts', 'other'],
  ['workers/new.ts', ''],
  ['scripts/build.mjs', 'other'],
  ['package.json', '{ }'],
  [LOCK, '{ }'],
  ['build/harness/cli/main.js', 'edited'],
  ['dist/assets/page.js', 'edited'],
  ['dist/stray.js', ''],
])('builds again where %s was written', (name, text) => {
  write(name, text)
  expect(built()).toBe(false)
})

it.each([['workers/worker.ts'], ['dist/assets/page.js'], ['dist'], ['build'], ['build/.stamp'], [LOCK]])(
  'builds again where %s was removed',
  (name) => {
    rmSync(join(root, name), { recursive: true })
    expect(built()).toBe(false)
  },
)

it('takes no build for that of a source that changed while it ran', () => {
  const before = sourcesOf(root)
  write('harness/cli/main.ts', 'changed meanwhile')
  markBuilt(root, before)
  expect(built()).toBe(false)
})
