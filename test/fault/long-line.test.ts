/** A CSV line that is longer than memory should hold: refused, by either reader, without holding it. */
import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { command } from '../fixtures/cli.ts'

const FULL = process.env['STINT_FULL'] === '1'
const LINE_BYTES = FULL ? 2 ** 30 : 2 ** 28
const PART_BYTES = 2 ** 22
const MOST_MB = 200
/** The fingerprint reads a file to its end, and takes no more than Node itself. */
const WHOLE_BYTES = FULL ? LINE_BYTES : 2 ** 26
const MOST_WHOLE_MB = 90

const folder = mkdtempSync(join(tmpdir(), 'long-line-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function longLine(name: string, start: string, bytes = LINE_BYTES): string {
  const path = join(folder, name)
  writeFileSync(path, `a,target\n1,2\n${start}`)
  const part = Buffer.alloc(PART_BYTES, 'x')
  for (let written = 0; written < bytes; written += PART_BYTES) appendFileSync(path, part)
  appendFileSync(path, '\n3,4\n')
  return path
}

interface Read {
  error: string | null
  value: unknown
  /** The most that its process has held until then. */
  rss_mb: number
}

/** Runs expressions one after another over the compiled readers, in a process of their own. */
function measure(expressions: readonly string[]): Read[] {
  const module = (name: string) =>
    JSON.stringify(pathToFileURL(join(import.meta.dirname, '../../build/workers/data', name)).href)
  const script = `
    const { fingerprintFile } = await import(${module('fingerprint.js')})
    const { openCsvParse } = await import(${module('csv/csv-parse.js')})
    const { profileFile } = await import(${module('profile-file.js')})
    const { openBytes } = await import(${module('csv/reader.js')})
    const specs = [{ kind: 'number', name: 'target' }]
    const readAll = async (reader) => { while ((await reader.read(100)) !== null); }
    const results = []
    for (const read of [${expressions.map((text) => `async () => ${text}`)}]) {
      let value = null, error = null
      try { value = await read() } catch (e) { error = e.message }
      results.push({ value, error, rss_mb: process.resourceUsage().maxRSS / 1024 })
    }
    console.log(JSON.stringify(results))`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

it('is one clear error of the command, which leaves nothing', async () => {
  // Over the limit is enough where no memory is measured.
  longLine('whole.csv', '5,', FULL ? LINE_BYTES : 2 ** 25)
  const sweep = join(folder, 'sweep.yaml')
  writeFileSync(sweep, 'name: long\ndataset: { source: whole.csv, target: target }\nbenchmark_runs: 1\n')
  const results = join(folder, 'results')
  const words = ['run', sweep, '--out', results, '--quiet']
  const { code, stdout, stderr } = await command(words, folder, process.env)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(
    /^stint: .*whole\.csv:3: a row of more than 16777216 bytes; is a quote not closed.*\n$/,
  )
  expect(existsSync(results)).toBe(false)
})

const FIELDS = [
  ['in a quoted field', '5,"'],
  ['in a plain field', '5,'],
] as const

describe.each(FULL ? FIELDS : FIELDS.slice(0, 1))('a line of many megabytes %s', (name, start) => {
  const path = JSON.stringify(longLine(`${name}.csv`, start))
  const whole = JSON.stringify(longLine(`${name}, whole.csv`, start, WHOLE_BYTES))

  const readers = [
    ['the reader from bytes', `readAll(await openBytes(${path}, specs))`],
    ['the search for types', `profileFile({ path: ${path}, columns: {}, target: null })`],
    ['csv-parse', `openCsvParse(${path}, specs).then(readAll)`],
  ] as const
  let reads: Read[]
  beforeAll(() => {
    reads = measure(readers.map(([, read]) => read))
  })

  it.each(readers.map(([reader], index) => [reader, index] as const))('is refused by %s', (_, index) => {
    const { error, rss_mb } = reads[index]!
    expect(error).toMatch(/\.csv:3: a row of more than 16777216 bytes; is a quote not closed/)
    expect(rss_mb).toBeLessThan(MOST_MB)
  })

  it('is not held by the fingerprint', () => {
    const { value, error, rss_mb } = measure([`fingerprintFile({ path: ${whole} })`])[0]!
    if (start.endsWith('"')) expect(error).toMatch(/:3: a quoted field is never closed/)
    else expect(value).toMatchObject({ rows: 3 })
    expect(rss_mb).toBeLessThan(MOST_WHOLE_MB)
  })
})
