/** What the command line loads before it does anything: starting is quick because little is loaded. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { MAIN } from '../fixtures/cli.ts'
import { loadedFiles } from '../fixtures/loaded-files.ts'

const FULL = process.env['STINT_FULL'] === '1'
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const SWEEP = join(ROOT, 'scenarios/quickstart.yaml')
const RUN = join(ROOT, 'test/fixtures/run-folders/format-1/sweep')
/** Packages that draw, and those that talk to brokers. */
const HEAVY = /canvas|vega|arquero|nats|mqtt/

const loaded = (...words: string[]) => loadedFiles([MAIN, ...words]).map((path) => relative(ROOT, path))
const isPackage = (path: string) => /^(?:node_modules|dist\/packages)\//.test(path)

describe('the command line loads', () => {
  it('no package for --version', () => {
    const files = loaded('--version')
    expect(files).toContain('dist/harness/cli/main.js')
    expect(files.filter(isPackage)).toEqual([])
    // Nor the words of a report, which the sentences about errors are made of.
    expect(files.length).toBeLessThan(8)
  })

  it('no package for --help but the one that reads words', () => {
    const files = loaded('--help')
    expect(files.filter(isPackage)).toEqual(['dist/packages/yargs.js'])
  })

  const commands =
    'run init params resume report compare pipeline gate history data publish profiles doctor schema'.split(
      ' ',
    )
  const asked = [['run', SWEEP, '--dry-run'], ...commands.map((name) => [name, '--help'])]

  // One process that loads nothing of that for all of them does so for none.
  it('nothing that draws or talks to a broker for a dry run and the help of each command', () => {
    const each = `for (const [i, words] of ${JSON.stringify(asked)}.entries()) {
      process.argv = [process.execPath, '', ...words]
      await import(${JSON.stringify(pathToFileURL(MAIN))} + '?' + i)
    }`
    const files = loadedFiles(['--input-type=module', '--eval', each]).map((path) => relative(ROOT, path))
    expect(files).toContain('dist/packages/yargs.js')
    expect(files.filter((path) => isPackage(path) && HEAVY.test(path))).toEqual([])
  })

  it.runIf(FULL).each(asked)('nothing of that for %s %s', (...words) => {
    const files = loaded(...words)
    expect(files).toContain('dist/packages/yargs.js')
    expect(files.filter((path) => isPackage(path) && HEAVY.test(path))).toEqual([])
  })

  it.each([
    ['stint', /^$/],
    ['stint/stats', /^dist\/packages\/(?!jstat)|^node_modules/],
    ['stint/workload', /./],
  ])('nothing that draws or talks to a broker for a program that imports %s', (name, unwanted) => {
    const files = loadedFiles(['--input-type=module', '--eval', `await import('${name}')`], ROOT)
    const loaded = files.map((path) => relative(ROOT, path))
    const packages = loaded.filter(isPackage)
    expect(loaded.length).toBeGreaterThan(0)
    expect(packages.filter((path) => HEAVY.test(path) || unwanted.test(path))).toEqual([])
  })

  it('nothing that draws for tables and texts of a report, whatever pictures it has data for', () => {
    const folder = mkdtempSync(join(tmpdir(), 'start-up-'))
    try {
      cpSync(RUN, folder, { recursive: true })
      const files = loaded('report', folder, '--export', 'csv,markdown')
      expect(files.some((path) => isPackage(path) && HEAVY.test(path))).toBe(false)
      expect(readFileSync(join(folder, 'reports/report.md'), 'utf8')).toContain('benchmarks/caps.png: ')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('what draws only for a command that draws, which shows that it would be seen', () => {
    const folder = mkdtempSync(join(tmpdir(), 'start-up-'))
    try {
      cpSync(RUN, folder, { recursive: true })
      const files = loaded('report', folder, '--plots', 'caps', '--export', 'png')
      expect(files).toContain('dist/packages/vega.js')
      expect(files.some((path) => /^node_modules\/@napi-rs\/canvas\//.test(path))).toBe(true)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
