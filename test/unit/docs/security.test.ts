/** Every line of the threat model names a test that is there. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '../../..')
const page = readFileSync(join(root, 'docs/reference/security.md'), 'utf8')
const lines = page.split('\n')

/** Rows of the tables with a column of tests. */
const rows = lines.filter(
  (line, at) =>
    line.startsWith('|') &&
    line !== headOf(at) &&
    !line.startsWith('| ---') &&
    headOf(at).endsWith('| shown by |'),
)

/** The head of the table that a line is in. */
function headOf(at: number): string {
  let head = at
  while (lines[head - 1]?.startsWith('|')) head--
  return lines[head]!
}

it('the threat model has lines', () => expect(rows.length).toBeGreaterThan(30))

it.each(rows)('is shown by tests that are there: %s', (row) => {
  const shown = row.split(' | ').at(-1)!.replace(/ \|$/, '')
  let file: string | null = null
  let tests = 0
  for (const [, named, title] of shown.matchAll(/`([^`]+\.test\.ts)`|"([^"]+)"/g)) {
    if (named !== undefined) {
      file = readable(named)
      continue
    }
    expect(file, row).not.toBeNull()
    expect(file, `${title} in ${shown}`).toContain(title)
    tests++
  }
  expect(tests, row).toBeGreaterThan(0)
})

function readable(name: string): string {
  const path = join(root, 'test', name)
  expect(existsSync(path), name).toBe(true)
  return readFileSync(path, 'utf8')
}
