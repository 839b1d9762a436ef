/** A file that Stint did not write is replaced by no command, unless it is told to. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import os, { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { commandLine } from '../../../harness/cli/command-line.ts'
import { defaultAgentFolder } from '../../../harness/execute/fleet/disk.ts'
import { recordWritten, userRecord } from '../../../harness/record/written.ts'
import { type Heard, heard } from '../../fixtures/heard.ts'
import { writeRun } from '../../fixtures/write-run.ts'
import { syntheticRun } from '../report/synthetic.ts'

const FOREIGN = 'metric,a,b\nmine,1,2\n'

let folder: string
let said: Heard
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'overwrite-test-'))
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'))
  said = heard()
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  process.exitCode = undefined
  rmSync(folder, { recursive: true, force: true })
})

function run(name = 'run', runs = 2): string {
  const { manifest, trials } = syntheticRun({
    ...{ chunk_size: [64, 256], batch_size: [8], max_compute_units: [0.25, 1], max_memory_mb: [256] },
    runs,
  })
  writeRun(join(folder, name), { ...manifest, id: name }, trials)
  return join(folder, name)
}

/** @returns exit code and what stderr said */
async function stint(...words: string[]): Promise<[number, string]> {
  Object.assign(said, { out: '', err: '' })
  process.exitCode = undefined
  await commandLine(words)
  return [Number(process.exitCode ?? 0), said.err.replaceAll(/\n +/g, '; ')]
}

const inFolder = (name: string) => join(folder, name)
const foreign = (name: string) => {
  mkdirSync(join(inFolder(name), '..'), { recursive: true })
  writeFileSync(inFolder(name), FOREIGN)
  return inFolder(name)
}

describe('a file that Stint did not write', () => {
  it.each([
    ['report', (run: string) => ['report', run, '--quiet']],
    ['compare', (run: string) => ['compare', run, run]],
    ['history', () => ['history', folder]],
    ['params', () => ['params']],
    ['profiles', () => ['profiles']],
    ['gate', () => ['gate', join(folder, 'absent.yaml'), '--against', 'main']],
    ['doctor', () => ['doctor', '--runs', '0']],
  ])('stays where %s is to write there, and the message says what to do', async (name, words) => {
    const path = foreign('page.md')
    const [code, text] = await stint(...words(run()), '--export', path)
    expect([name, code]).toEqual([name, 2])
    expect(text).toBe(
      `stint: ${path}: is there, and is not as Stint wrote it; name another file, remove it, or say --overwrite\n`,
    )
    expect(readFileSync(path, 'utf8')).toBe(FOREIGN)
  })

  it('stays in a folder of tables, beside those that are written, and so does a picture', async () => {
    const path = foreign('tables/constraint_experiment.csv')
    const picture = foreign('tables/sensitivity.png')
    const words = ['report', run(), '--quiet', '--export', `csv=${inFolder('tables')}`]
    const [code, text] = await stint(...words)
    expect(code).toBe(4)
    expect(text).toContain('--overwrite')
    expect(readFileSync(path, 'utf8')).toBe(FOREIGN)
    expect(existsSync(inFolder('tables/significance_tests.csv'))).toBe(true)
    expect((await stint(...words, '--overwrite'))[0]).toBe(0)
    expect(readFileSync(path, 'utf8')).toMatch(/^scenario,label,/)
    expect(readFileSync(picture, 'utf8')).toBe(FOREIGN)
  })

  it('stays where compare --out is to write, and is replaced by --overwrite', async () => {
    const path = foreign('out/compare.md')
    const words = ['compare', run('a'), run('b'), '--out', inFolder('out')]
    expect((await stint(...words))[0]).toBe(4)
    expect(readFileSync(path, 'utf8')).toBe(FOREIGN)
    expect(await stint(...words, '--overwrite')).toEqual([0, expect.stringContaining('written to')])
    expect(readFileSync(path, 'utf8')).toContain('# ')
  })

  it('is a link, a folder or a device too, and an empty file is none', async () => {
    foreign('target.md')
    symlinkSync(inFolder('target.md'), inFolder('link.md'))
    const where = run()
    expect((await stint('report', where, '--quiet', '--export', inFolder('link.md')))[0]).toBe(2)
    expect(await stint('report', where, '--quiet', '--export', 'markdown=/dev/null')).toEqual([
      2,
      'stint: /dev/null: is there, and is no file that Stint wrote; name another file; - is stdout\n',
    ])
    writeFileSync(inFolder('empty.md'), '')
    expect((await stint('report', where, '--quiet', '--export', inFolder('empty.md')))[0]).toBe(0)
    expect(readFileSync(inFolder('empty.md'), 'utf8')).not.toBe('')
    expect(readFileSync(inFolder('target.md'), 'utf8')).toBe(FOREIGN)
  })
})

describe('a file that Stint wrote', () => {
  it('is renewed by another run, in every form, and not once it was changed', async () => {
    const [a, b] = [run('a'), run('b', 3)]
    const names = ['x.md', 'x.html', 'x.json', 'x.xml', 'x.txt']
    const formats = ['markdown', 'html', 'json', 'junit', 'text']
    const exports = [
      ...formats.map((format, i) => `${format}=${inFolder(names[i]!)}`),
      `csv=${inFolder('t')}`,
    ]
    const all = (run: string) => ['report', run, '--quiet', ...exports.flatMap((one) => ['--export', one])]
    expect(await stint(...all(a))).toEqual([0, ''])
    const before = names.map((name) => readFileSync(inFolder(name), 'utf8'))
    expect(await stint(...all(b))).toEqual([0, ''])
    for (const [i, name] of names.entries()) expect(readFileSync(inFolder(name), 'utf8')).not.toBe(before[i])
    writeFileSync(inFolder('x.md'), `${readFileSync(inFolder('x.md'), 'utf8')}My own note.\n`)
    expect((await stint(...all(a)))[0]).toBe(2)
    expect(readFileSync(inFolder('x.md'), 'utf8')).toContain('My own note.')
  })

  it('is known after ever so many', () => {
    const record = inFolder('cache/stint/written')
    mkdirSync(join(record, '..'), { recursive: true })
    writeFileSync(record, `${'0'.repeat(64)}\n`.repeat(100_000))
    recordWritten('the last', record)
    const lines = readFileSync(record, 'utf8').trimEnd().split('\n')
    expect(lines).toHaveLength(50_000)
    expect(lines.at(-1)).toMatch(/^[1-9a-f]/)
  })

  it('is not known again by a user without a home', async () => {
    vi.stubEnv('XDG_CACHE_HOME', '')
    vi.spyOn(os, 'homedir').mockImplementation(() => {
      throw new Error('uv_os_homedir returned ENOENT (no such file or directory)')
    })
    syncBuiltinESMExports()
    try {
      expect(userRecord()).toBe('/dev/null/written')
      const words = ['report', run(), '--quiet', '--export', `text=${inFolder('x.txt')}`]
      expect(await stint(...words)).toEqual([0, ''])
      expect((await stint(...words))[0]).toBe(2)
      expect(await stint(...words, '--overwrite')).toEqual([0, ''])
      expect(defaultAgentFolder).toThrow('this user has no home folder in which the agent could keep data')
    } finally {
      vi.restoreAllMocks()
      syncBuiltinESMExports()
    }
  })
})
