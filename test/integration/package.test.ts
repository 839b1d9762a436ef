/** The package as users get it: packed, installed in an empty project and run. Needs the npm registry. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { trialsOf } from '../fixtures/cli.ts'

const FULL = process.env['STINT_FULL'] === '1'
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const VERSION = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version

/** @returns what it printed; @throws with its messages where it failed */
function command(cwd: string, words: readonly string[]): string {
  const [file, ...rest] = words
  const { status, stdout, stderr } = spawnSync(file!, rest, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${words.join(' ')} ended with ${status}:\n${stdout}${stderr}`)
  return stdout.trim()
}

describe.runIf(FULL)('installed in an empty project', { timeout: 600_000 }, () => {
  let folder: string
  let tarball: string
  let unreachable: string | null

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'package-'))
    const asked = spawnSync('npm', ['view', 'piscina', 'version'], { encoding: 'utf8' })
    unreachable = asked.status === 0 ? null : `the npm registry has no answer: ${asked.stderr.split('\n')[0]}`
    // Without scripts: they would build anew what other tests run.
    const packed = command(ROOT, [
      'npm',
      'pack',
      '--ignore-scripts',
      '--silent',
      '--pack-destination',
      folder,
    ])
    tarball = join(folder, packed.split('\n').at(-1)!)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const pnpm = () => {
    const home = join(folder, 'pnpm-home')
    if (!existsSync(home)) command(folder, ['npm', 'install', '--silent', '--prefix', home, 'pnpm@10'])
    return [join(home, 'node_modules', '.bin', 'pnpm'), '--store-dir', join(folder, 'pnpm-store'), 'add']
  }

  it.for<[string, () => string[]]>([
    ['npm install', () => ['npm', 'install']],
    ['npm install --ignore-scripts --omit=dev', () => ['npm', 'install', '--ignore-scripts', '--omit=dev']],
    ['pnpm add', pnpm],
  ])('by %s, it tells its version and runs a sweep', ([name, install], { skip }) => {
    if (unreachable !== null) skip(unreachable)
    const project = join(folder, name.replaceAll(' ', '_'))
    mkdirSync(project)
    writeFileSync(join(project, 'package.json'), '{ "name": "empty", "private": true }')
    command(project, [...install(), tarball])
    expect(command(project, ['npx', 'stint', '--version'])).toBe(VERSION)

    const sweep = 'node_modules/stint/scenarios/quickstart.yaml'
    const smaller = ['--set', 'dataset.rows=2000', '--runs', '1', '--quiet']
    const run = command(project, ['npx', 'stint', 'run', sweep, ...smaller])
    expect(trialsOf(run).map(({ outcome }) => outcome)).toEqual(Array(8).fill('ok'))
    for (const file of ['reports/report.html', 'benchmarks/significance.png'])
      expect(existsSync(join(run, file))).toBe(true)
  })
})
