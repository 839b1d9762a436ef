/** The package as users get it: packed, installed in an empty project and run. Needs the npm registry. */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { trialsOf } from '../fixtures/cli.ts'

const FULL = process.env['STINT_FULL'] === '1'
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const VERSION = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version

const STRICT = {
  module: 'NodeNext',
  target: 'ES2022',
  lib: ['ES2023'],
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  preserveSymlinks: true,
}

const COMPARISON = `
import { type MeanComparison, holm, sequentialDecision, sequentialPlan, welchTest } from 'stint/stats'

const { ratio, p, caveats }: MeanComparison = welchTest([1, 2, null], new Float64Array([2, 3]), { scale: 'log' })
const adjusted: (number | null)[] = holm([p, 0.5])
const low: number | null = ratio?.low ?? adjusted[0] ?? null
for (const caveat of caveats) if (caveat.kind === 'missing_values') throw caveat.missing satisfies number
if (sequentialDecision(sequentialPlan(3), 0, [1, 1.1], { margin: 0.02 }).verdict === 'regression') throw low
// @ts-expect-error: a seed is required
import('stint/stats').then(({ bootstrapMedianRatio }) => bootstrapMedianRatio([1], [2], {}))
`

const PROGRAM = `
import { loadSweep, openRun, report, run, type RunEvent } from 'stint'

const { folder } = await run(loadSweep('sweep.yaml'), { out: 'results', onEvent: (event: RunEvent) => void event })
const { model } = await report(folder)
for (const { label, metrics } of model.scenarios) console.log(label, metrics['latency_mean_ms']?.value.toFixed(1))
const { chunk_size, pin_core } = (await openRun(folder)).manifest.sweep.scenarios[0]!.settings
export const size: number = chunk_size
export const core: number | null = pin_core
// @ts-expect-error: it is a number, and known to be one
export const wrong: string = chunk_size
`

/** Uses what a workload's author does. */
const WORKLOAD = `
import type { TrialContext, Workload } from 'stint/workload'

const workload: Workload = {
  describe: () => ({ name: 'sums', params: {}, metrics: {}, dataset: 'none' }),
  open({ settings }: TrialContext) {
    let left = 10
    return {
      step: () => (left-- > 0 ? { rows: settings.chunk_size } : null),
      finish: () => ({ metrics: {} }),
    }
  },
}
export default workload
`

/** How a page shows a gate, and the sweep that it is for. */
const README = readFileSync(join(ROOT, 'README.md'), 'utf8')
const GATES = [...README.matchAll(/^npx stint (gate .*)$/gm)].map(([, words]) => words!.split(' '))
const SWEEP = /```yaml\n(# my-sweep\.yaml\n[\s\S]*?)```/.exec(README)![1]!

/** A repository as its user has it: the page's sweep and a data file committed, the package ignored. */
function repository(folder: string, rows: number): { git(...words: string[]): string } {
  const lines = Array.from({ length: rows }, (_, x) => `${x % 97},${x % 7},${3 * (x % 97) + (x % 5)}`)
  writeFileSync(join(folder, 'prices.csv'), `area,rooms,price\n${lines.join('\n')}\n`)
  writeFileSync(join(folder, 'my-sweep.yaml'), SWEEP)
  writeFileSync(join(folder, '.gitignore'), 'node_modules\n')
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.org', '-c', 'commit.gpgsign=false']
  const git = (...words: string[]) => command(folder, ['git', ...identity, ...words])
  git('init', '-q', '-b', 'main')
  git('add', '-A')
  git('commit', '-q', '-m', 'a sweep')
  return { git }
}

/** The learner of a sweep is made so stiff that it predicts little more than the mean. */
const STIFFER = SWEEP.replace('batch_size: 64', 'batch_size: 64\nparams: { learner: ridge, lambda: 1e9 }')

function stint(project: string, words: readonly string[]) {
  const quiet = { GITHUB_ACTIONS: '', GITHUB_STEP_SUMMARY: '' }
  const main = join(project, 'node_modules/stint/dist/harness/cli/main.js')
  const run = spawnSync(process.execPath, [main, ...words], {
    cwd: project,
    encoding: 'utf8',
    env: { ...process.env, ...quiet },
  })
  return { code: run.status, out: run.stdout, err: run.stderr }
}

const twice = (texts: string[]) => texts.filter((text, index) => texts.indexOf(text) !== index)

/** @returns what it printed; @throws with its messages where it failed */
function command(cwd: string, words: readonly string[]): string {
  const [file, ...rest] = words
  const { status, stdout, stderr } = spawnSync(file!, rest, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${words.join(' ')} ended with ${status}:\n${stdout}${stderr}`)
  return stdout.trim()
}

describe('packed', () => {
  let packed: { unpackedSize: number; files: { path: string }[] }
  let paths: string[]
  beforeAll(() => {
    packed = JSON.parse(command(ROOT, ['npm', 'pack', '--dry-run', '--json', '--ignore-scripts']))[0]
    paths = packed.files.map(({ path }) => path)
  }, 300_000)

  it.runIf(FULL)(
    'gates a changed sweep of the built-in pipeline against a branch, as the page says it',
    () => {
      const project = mkdtempSync(join(tmpdir(), 'gated-'))
      try {
        // What an installation leaves, without a registry.
        const installed = join(project, 'node_modules/stint')
        for (const path of paths) cpSync(join(ROOT, path), join(installed, path))
        symlinkSync(join(ROOT, 'node_modules'), join(installed, 'node_modules'))
        const { git } = repository(project, 150)
        git('checkout', '-q', '-b', 'work')
        writeFileSync(join(project, 'my-sweep.yaml'), STIFFER)
        const against = GATES.find((words) => words.includes('--against'))!
        const { code, out, err } = stint(project, against)
        expect([code, err], out).toEqual([1, expect.not.stringContaining('stint:')])
        expect(out).toMatch(
          /^REGRESSION: the working copy \(\w{7} and changes\) against main \(\w{7}\): .*R²/,
        )
        expect(out).toContain('the two sweeps differ in params.learner none → ridge')
        expect(git('worktree', 'list').split('\n')).toHaveLength(1)
      } finally {
        rmSync(project, { recursive: true, force: true })
      }
    },
    120_000,
  )

  it('holds what runs, its types and its documents, nothing twice, in less than 5 MB', () => {
    expect(paths).toEqual(expect.arrayContaining(['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE']))
    expect(
      paths.filter((path) =>
        /^(?:build|test|node_modules)\/|\.map$|^(?!examples\/).*(?<!\.d)\.ts$/.test(path),
      ),
    ).toEqual([])
    expect(packed.unpackedSize).toBeLessThan(5_000_000)
    const texts = paths.map((path) => readFileSync(join(ROOT, path), 'latin1'))
    // That no module is in two of them, the build sees to.
    expect(twice(texts)).toEqual([])
  })

  it('has every file that its exports and its command name', () => {
    const { exports, bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    const named = [exports, bin].flatMap(function leaves(value: unknown): unknown[] {
      return typeof value === 'string' ? [value] : Object.values(value as object).flatMap(leaves)
    })
    expect(named.length).toBeGreaterThan(2)
    expect(named.filter((path) => !existsSync(join(ROOT, path as string)))).toEqual([])
  })

  it.each<[string, string[], Record<string, string>]>([
    ['without types of Node: stint/workload and stint/stats', [], { WORKLOAD, COMPARISON }],
    ['with types of Node: stint', ['node'], { PROGRAM }],
  ])('has types that compile in an empty TypeScript project %s', (_, types, sources) => {
    const project = mkdtempSync(join(tmpdir(), 'types-'))
    try {
      mkdirSync(join(project, 'node_modules'))
      symlinkSync(ROOT, join(project, 'node_modules/stint'))
      for (const name of types.length > 0 ? ['@types', 'undici-types'] : [])
        symlinkSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name))
      writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
      writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...STRICT, types } }))
      for (const [name, text] of Object.entries(sources)) writeFileSync(join(project, `${name}.ts`), text)
      command(project, [process.execPath, join(ROOT, 'node_modules/typescript/bin/tsc'), '--noEmit'])
    } finally {
      rmSync(project, { recursive: true, force: true })
    }
  })

  it('has types that need no package which users do not install', () => {
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    const files = readdirSync(join(ROOT, 'dist'), { recursive: true, encoding: 'utf8' })
    const declarations = files.filter((name) => name.endsWith('.d.ts'))
    const named = declarations.flatMap((name) => {
      const text = readFileSync(join(ROOT, 'dist', name), 'utf8')
      return [...text.matchAll(/^(?:import|export) .*from '([^.'][^']*)'/gm)].map(([, from]) => from!)
    })
    expect(declarations.length).toBeGreaterThan(3)
    expect(named.filter((from) => !from.startsWith('node:') && !(from in dependencies))).toEqual([])
  })
})

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
  }, 300_000)
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

  it('by npm install, it gates as the page says', ({ skip }) => {
    if (unreachable !== null) skip(unreachable)
    const project = join(folder, 'gated')
    mkdirSync(project)
    writeFileSync(join(project, 'package.json'), '{ "name": "gated", "private": true }')
    command(project, ['npm', 'install', tarball])
    const { git } = repository(project, 2000)
    expect(GATES).toHaveLength(2)
    for (const words of GATES) {
      // Equal, or ridge for sgd, which differ in time: whatever the machine does, it is a verdict.
      const { code, out, err } = stint(project, [...words, '--json'])
      expect([0, 1, 3], err).toContain(code)
      const same = words.includes('--against')
      if (same) expect(code, out).not.toBe(1)
      const { verdict, rows, notes } = JSON.parse(out)
      expect({ ruled_out: 0, regression: 1, undecided: 3 }[verdict as 'regression']).toBe(code)
      expect(new Set(rows.map(({ scenario }: { scenario: string }) => scenario)).size).toBe(2)
      expect(notes.join('\n').includes('nothing was changed that could be found')).toBe(same)
    }
    writeFileSync(join(project, 'my-sweep.yaml'), STIFFER)
    git('commit', '-q', '-a', '-m', 'stiffer')
    const { code, out } = stint(
      project,
      GATES[0]!.map((word) => (word === 'main' ? 'HEAD~1' : word)),
    )
    expect(code, out).toBe(1)
  })
})
