/** The page on environment variables has every variable that the code reads. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ENVIRONMENT } from '../../../harness/environment.ts'
import { root } from './pages.ts'

it('lists every environment variable that the code reads, and no other', () => {
  const sources = ['harness', 'workers']
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) =>
        join(folder, path),
      ),
    )
    .filter((path) => path.endsWith('.ts') && path !== join('harness', 'environment.ts'))
    .map((path) => readFileSync(join(root, path), 'utf8'))
  const read = sources.flatMap((text) => [
    ...[...text.matchAll(/process\.env\[['"](\w+)['"]\]/g)].map(([, name]) => name!),
    ...[...text.matchAll(/process\.env\.(\w+)/g)].map(([, name]) => name!),
    ...[...text.matchAll(/\{([\w\s,]+)\} = process\.env\b/g)].flatMap(
      ([, names = '']) => names.match(/\w+/g) ?? [],
    ),
  ])
  const listed = new Set(ENVIRONMENT.map(({ name }) => name))
  expect(read.length).toBeGreaterThan(8)
  expect(read.filter((name) => !listed.has(name))).toEqual([])
  const text = sources.join('\n')
  expect([...listed].filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([])
})
