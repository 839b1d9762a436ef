/** A file of far more columns than rows is looked at in little memory. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, it } from 'vitest'

const COLUMNS = process.env['STINT_FULL'] === '1' ? 30_000 : 1500
const ROWS = 30
/** Node itself takes some 50 MB; a tenth of a MB for each column would be far more than its values. */
const MOST_MB = 110 + 0.02 * COLUMNS

const folder = mkdtempSync(join(tmpdir(), 'many-columns-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('many columns take little memory before any trial', () => {
  const columns = Array.from({ length: COLUMNS }, (_, index) => index)
  const row = (at: number) => columns.map((column) => ((column * 7 + at * 13) % 101) / 8).join(',')
  const lines = Array.from({ length: ROWS }, (_, at) => `${row(at)},${at}`)
  const path = join(folder, 'wide.csv')
  writeFileSync(path, `${columns.map((column) => `c${column}`).join(',')},y\n${lines.join('\n')}\n`)
  const asked = {
    path,
    preset: null,
    target: 'y',
    columns: {},
    rows: null,
    fingerprint: null,
    ceiling_r2: null,
  }
  const module = pathToFileURL(
    join(import.meta.dirname, '../../build/workers/pipeline/check-dataset.js'),
  ).href
  const script = `
    const { checkDataset } = await import(${JSON.stringify(module)})
    const { dataset } = await checkDataset(${JSON.stringify(asked)})
    console.log(JSON.stringify([Object.keys(dataset.schema).length, process.resourceUsage().maxRSS / 1024]))`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
  const [read, mb] = JSON.parse(stdout)
  expect(read).toBe(COLUMNS + 1)
  expect(mb).toBeLessThan(MOST_MB)
  expect(mb).toBeGreaterThan(40)
})
