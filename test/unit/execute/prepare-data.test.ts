import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readFile, unread, writeGenerated } from '../../../workers/prepare-data.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('generated data', () => {
  it('lies in the folder as told, counted and hashed', async () => {
    const made = await writeGenerated({ kind: 'generate', preset: 'nba2k', rows: 30, seed: 7 }, folder)
    const text = readFileSync(join(folder, 'nba2k-30-7.csv'))
    expect(made).toMatchObject({
      path: join(folder, 'nba2k-30-7.csv'),
      rows: 30,
      preset: 'nba2k',
      target: null,
    })
    expect(made.fingerprint).toMatchObject({
      sha256: createHash('sha256').update(text).digest('hex'),
      bytes: text.length,
      rows: 30,
    })
    expect(made.ceiling_r2).toBeGreaterThan(0)
  })

  it('of an unknown preset is refused', async () => {
    const order = { kind: 'generate', preset: 'none', rows: 3, seed: 7 } as const
    await expect(writeGenerated(order, folder)).rejects.toThrow('preset')
  })
})

describe('a file', () => {
  const file = (changes = {}) => ({
    ...unread({
      kind: 'file' as const,
      path: join(folder, 'a.csv'),
      preset: null,
      target: null,
      columns: {},
      rows: null,
    }),
    ...changes,
  })
  beforeEach(() => writeFileSync(join(folder, 'a.csv'), 'x,price\n1,2\n3,4\n'))

  it('is counted, and not read again where its fingerprint is known', async () => {
    const { dataset } = await readFile(file({ target: 'price' }))
    const { fingerprint, ...first } = dataset
    expect(first).toMatchObject({ rows: 2, target: 'price' })
    rmSync(join(folder, 'a.csv'))
    expect(await readFile(file({ rows: 1, fingerprint }))).toMatchObject({ dataset: { rows: 1 }, notes: [] })
    expect(await readFile(file({ rows: 9, fingerprint }))).toMatchObject({
      dataset: { rows: 2 },
      notes: [expect.stringContaining('has 2 rows, fewer than the 9')],
    })
  })

  it('without a column that the sweep names is refused, saying which there are', async () => {
    for (const changes of [{ target: 'salary' }, { columns: { salary: 'drop' } }]) {
      const error = await readFile(file(changes)).catch((thrown) => thrown)
      expect(error.problem).toMatchObject({
        message: expect.stringContaining('has no column "salary"'),
        hint: 'its columns are x, price',
        file: join(folder, 'a.csv'),
      })
    }
  })
})
