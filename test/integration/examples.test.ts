/** The examples as a user would have them: in a folder of their own, beside an installed package. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadSweep } from '../../harness/index.ts'
import { freePort, isInstalled } from '../fixtures/brokers.ts'
import { memoryFolder } from '../fixtures/memory-folder.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
/** No pages and pictures, which take a second of every run. */
const QUIET = ['--quiet', '--export', 'csv']
const stint = join(root, 'dist/harness/cli/main.js')
const FULL = process.env['STINT_FULL'] === '1'
/** Trials of a scenario, where a test says nothing else. */
const RUNS = FULL ? 3 : 1
let folder: string

beforeAll(() => {
  folder = memoryFolder('examples-')
  mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true })
  symlinkSync(root, join(folder, 'node_modules', 'stint'))
  symlinkSync(join(root, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'))
  cpSync(join(root, 'examples'), join(folder, 'examples'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }')
  for (const name of ['moving-average', 'typed-workload'])
    edit(`${name}/sweep.yaml`, ['benchmark_runs: 3', `benchmark_runs: ${RUNS}`])
  if (FULL) return
  edit('moving-average/sweep.yaml', ['[4, 16, 64]', '[4, 64]'])
  edit('typed-workload/sweep.yaml', ['[16, 64]', '[16]'], ['[mixed, sorted]', '[mixed]'])
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Changes an example where it stands, by its path below examples/. */
function edit(file: string, ...changes: [string, string][]): void {
  const path = join(folder, 'examples', file)
  const text = readFileSync(path, 'utf8')
  for (const [was] of changes) expect(text).toContain(was)
  writeFileSync(
    path,
    changes.reduce((text, [was, is]) => text.replaceAll(was, is), text),
  )
}

function node(words: readonly string[]) {
  const done = spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8' })
  return { code: done.status, out: done.stdout, err: done.stderr }
}

/** All of them are meant to be ok. */
function trialsOf(run: string): { outcome: string; metrics: Record<string, number> }[] {
  const lines = readFileSync(join(run, 'trials.jsonl'), 'utf8').trim().split('\n')
  return lines.map((line) => JSON.parse(line))
}

/** Type-checks the examples and compiles them beside their sources, as Node 20 needs it. */
function compile(): void {
  // That the declarations which ship are right in themselves is tested with the package.
  const own = FULL ? [] : ['--skipLibCheck']
  const done = node([tsc, '-p', 'examples', '--noEmit', 'false', ...own])
  expect(done.out + done.err).toBe('')
}

describe('examples', () => {
  const python = spawnSync('python3', ['--version']).status === 0
  it.skipIf(!python)('runs the workload in Python', () => {
    const words = [...QUIET, '--runs', '1', ...(FULL ? [] : ['--set', 'grid.params.weight=[0.1]'])]
    const { code, out, err } = node([stint, 'run', 'examples/python/sweep.yaml', ...words])
    expect([code, err]).toEqual([0, ''])
    const trials = trialsOf(out.trim())
    expect(trials.map(({ outcome }) => outcome)).toEqual(FULL ? ['ok', 'ok'] : ['ok'])
    for (const { metrics } of trials) expect(metrics['command_round_trip_ms']).toBeGreaterThan(0)
  })

  const hasSklearn = spawnSync('python3', ['-c', 'import sklearn']).status === 0
  it.skipIf(!hasSklearn)(
    hasSklearn
      ? "runs scikit-learn's"
      : "runs scikit-learn's: python3 has no sklearn (Debian: python3-sklearn)",
    { timeout: 180_000 },
    () => {
      const words = [...QUIET, '--runs', '1', '--set', 'max_memory_mb=128']
      const { code, out, err } = node([stint, 'run', 'examples/sklearn/sklearn.yaml', ...words])
      expect([code, err]).toEqual([0, ''])
      const [trial] = trialsOf(out.trim())
      expect(trial!.outcome).toBe('ok')
      expect(trial!.metrics['rows']).toBe(20_000)
      expect(trial!.metrics['r2']).toBeGreaterThan(0.4)
    },
  )

  it.each([
    ['mqtt-gateway/gateway', 4],
    ['sklearn/sklearn', 2],
    ['sklearn/pipeline', 2],
  ])('has a sweep that can be read: %s', async (name, scenarios) => {
    const { sweep } = await loadSweep(join(root, 'examples', `${name}.yaml`))
    expect(sweep.scenarios).toHaveLength(scenarios)
  })

  const hasMosquitto = isInstalled('mosquitto')
  it.skipIf(!FULL || !hasMosquitto)(
    hasMosquitto ? 'reads events from an MQTT gateway' : 'reads events from an MQTT gateway: no mosquitto',
    { timeout: 180_000 },
    async () => {
      const port = String(await freePort())
      edit('mqtt-gateway/mosquitto.conf', ['1883', port])
      edit(
        'mqtt-gateway/gateway.yaml',
        ['1883', port],
        ['[500, 4000]', '[500]'],
        ['duration_s: 3', 'duration_s: 0.3'],
      )
      edit('mqtt-gateway/run.sh', ['--rows 20000', '--rows 1000'])
      const env = { ...process.env, STINT: `${process.execPath} ${stint}` }
      const done = spawnSync('sh', ['examples/mqtt-gateway/run.sh'], { cwd: folder, encoding: 'utf8', env })
      expect(done.status, done.stderr).toBe(0)
      expect(done.stdout).toMatch(/^1,001 messages acknowledged$/m)
      expect(done.stdout.match(/^arrival\.rate.*: p99 [\d.]+ ms, in time [\d.]+%, /gm)).toHaveLength(2)
    },
  )

  it('type-checks those in TypeScript against the types that ship, and runs them and that in JavaScript', {
    timeout: 180_000,
  }, () => {
    compile()
    edit('typed-workload/sweep.yaml', ['./workload.ts', './workload.js'])
    const { code, out, err } = node([stint, 'run', 'examples/typed-workload/sweep.yaml', ...QUIET])
    expect([code, err]).toEqual([0, ''])
    const trials = trialsOf(out.trim())
    expect(trials.map(({ outcome }) => outcome)).toEqual(Array((FULL ? 4 : 1) * RUNS).fill('ok'))
    for (const { metrics } of trials) expect(metrics['share_found']).toBeGreaterThan(0)

    // Twice the values to average: slower by far more than the margin.
    const module = readFileSync(join(folder, 'examples/moving-average/workload.mjs'), 'utf8')
    const slower = module.replace('recent.reduce(', 'recent.map((x) => Math.sqrt(x * x)).reduce(')
    expect(slower).not.toBe(module)
    writeFileSync(join(folder, 'slower.mjs'), slower.replace('forecast = recent', 'forecast = recent'))
    // Whatever the verdict, it is told.
    if (!FULL) edit('api/run-and-gate.js', ['limitMs: 20_000', 'limitMs: 1_000'])
    const gated = node([
      'examples/api/run-and-gate.js',
      'examples/moving-average/sweep.yaml',
      'examples/moving-average/workload.mjs',
      'slower.mjs',
      'by-program',
    ])
    expect(gated.err).toMatch(/-r001: ok/)
    expect(gated.out).toMatch(/^params\.window=4 \d/m)
    expect(gated.out).toMatch(/^verdict: (regression|ruled_out|undecided)$/m)
    expect([0, 1]).toContain(gated.code)
    const ran = trialsOf(join(folder, 'by-program', 'moving-average', 'latest'))
    expect(ran.map(({ outcome }) => outcome)).toEqual(Array((FULL ? 3 : 2) * RUNS).fill('ok'))
    expect(new Set(ran.map(({ metrics }) => metrics['mae'])).size).toBe(FULL ? 3 : 2)
  })

  it('is told what is wrong by an error of the API', () => {
    const { code, err } = node(['examples/api/run-and-gate.js', 'absent.yaml', 'a.mjs', 'b.mjs'])
    expect([code, err]).toEqual([2, expect.stringContaining('no such file')])
  })
})
