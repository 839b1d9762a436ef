import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DataFingerprint } from '../../../workers/contract.ts'
import { type DataTools, readFile, unread, writeGenerated } from '../../../workers/prepare-data.ts'

let folder: string
let generated: number
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
  generated = 0
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Plain files without quotes are enough here. */
function fingerprint(path: string): DataFingerprint {
  const text = readFileSync(path, 'utf8')
  const [header, ...rows] = text.trim().split('\n')
  const sha256 = createHash('sha256').update(text).digest('hex')
  return { sha256, bytes: text.length, rows: rows.length, columns: header!.split(',') }
}

const tools: DataTools = {
  async fingerprintFile({ path }) {
    return fingerprint(path)
  },
  async generateDataset({ preset, rows, seed }, outPath) {
    generated++
    if (preset !== 'simple') throw new Error(`unknown preset "${preset}"; expected simple`)
    writeFileSync(outPath, `x,y\n${Array.from({ length: rows }, (_, i) => `${i},${seed}\n`).join('')}`)
    return { ceiling_r2: 0.9, fingerprint: fingerprint(outPath) }
  },
}
const order = { kind: 'generate', preset: 'simple', rows: 3, seed: 7 } as const

describe('generated data', () => {
  it('is written once and used again', async () => {
    const first = await writeGenerated(order, folder, tools)
    expect(first).toMatchObject({
      path: join(folder, 'simple-3-7.csv'),
      rows: 3,
      ceiling_r2: 0.9,
      preset: 'simple',
    })
    expect(await writeGenerated(order, folder, tools)).toEqual(first)
    expect(generated).toBe(1)
    expect(readdirSync(folder).sort()).toEqual(['simple-3-7.csv', 'simple-3-7.csv.json'])
  })

  it('is written anew where the file is not what its sidecar says, or the sidecar is broken', async () => {
    const first = await writeGenerated(order, folder, tools)
    writeFileSync(first.path, 'x,y\n1,2\n')
    expect(await writeGenerated(order, folder, tools)).toEqual(first)
    writeFileSync(`${first.path}.json`, '{"preset":')
    expect(await writeGenerated(order, folder, tools)).toEqual(first)
    expect(generated).toBe(3)
  })

  it('leaves nothing half written', async () => {
    await expect(writeGenerated({ ...order, preset: 'none' }, folder, tools)).rejects.toThrow(
      'unknown preset "none"',
    )
    const failing: DataTools = {
      ...tools,
      async generateDataset(spec, outPath) {
        await tools.generateDataset(spec, outPath)
        throw new Error('disk')
      },
    }
    await expect(writeGenerated(order, folder, failing)).rejects.toThrow('disk')
    expect(readdirSync(folder)).toEqual([])
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
    const notes: string[] = []
    const { fingerprint, ...first } = await readFile(file({ target: 'price' }), tools, notes)
    expect(first).toMatchObject({ rows: 2, target: 'price' })
    rmSync(join(folder, 'a.csv'))
    expect((await readFile(file({ rows: 1, fingerprint }), tools, notes)).rows).toBe(1)
    expect(notes).toEqual([])
    expect((await readFile(file({ rows: 9, fingerprint }), tools, notes)).rows).toBe(2)
    expect(notes).toEqual([expect.stringContaining('has 2 rows, fewer than the 9')])
  })

  it('without a column that the sweep names is refused, saying which there are', async () => {
    for (const changes of [{ target: 'salary' }, { columns: { salary: 'drop' } }]) {
      const error = await readFile(file(changes), tools, []).catch((thrown) => thrown)
      expect(error.problem).toMatchObject({
        message: expect.stringContaining('has no column "salary"'),
        hint: 'its columns are x, price',
        file: join(folder, 'a.csv'),
      })
    }
  })
})
