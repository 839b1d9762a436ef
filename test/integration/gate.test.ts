import { spawn, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LocalExecutor } from '../../harness/execute/local/executor.ts'
import type { GateResult, GateRow, OperatorChange } from '../../harness/gate/types.ts'
import type { DriverSpec } from '../../workers/protocol/trial-spec.ts'
import { command, MAIN } from '../fixtures/cli.ts'
import { fixtureResources, trialSpec } from '../fixtures/trial.ts'

const fixture = fileURLToPath(new URL('../fixtures/gate/workload.mjs', import.meta.url))
const ONCE = 'time < 1'
const FULL = process.env['STINT_FULL'] === '1'

let folder: string
let temporary: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gate-test-'))
  temporary = join(folder, 'tmp')
  mkdirSync(temporary)
  copyFileSync(fixture, join(folder, 'workload.mjs'))
  write(
    'sweep.yaml',
    'name: small\nworkload: ./workload.mjs\nparams: { chunks: 60 }\nchunk_size: 256\nmax_memory_mb: 64\nwarmup_chunks: 0\n',
  )
  write('.gitignore', 'tmp\nresults\nbuilt\n')
  git('init', '-q', '-b', 'main')
  commit()
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text)
}

function edit(from: string, to: string, name = 'workload.mjs'): void {
  const text = readFileSync(join(folder, name), 'utf8')
  expect(text).toContain(from)
  write(name, text.replaceAll(from, to))
}

function git(...words: string[]): string {
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.org', '-c', 'commit.gpgsign=false']
  const done = spawnSync('git', ['-C', folder, ...identity, ...words], { encoding: 'utf8' })
  expect(done.status, done.stderr).toBe(0)
  return done.stdout
}

function commit(): void {
  git('add', '-A')
  git('commit', '-q', '-m', 'change')
}

const environment = () => ({ ...process.env, TMPDIR: temporary, GITHUB_ACTIONS: '', GITHUB_STEP_SUMMARY: '' })

const gate = (...words: string[]) => command(['gate', 'sweep.yaml', ...words], folder, environment())

interface Gated {
  code: number | null
  result: GateResult
  row(metric: string): GateRow
}

async function json(...words: string[]): Promise<Gated> {
  const { code, stdout, stderr } = await gate('--json', ...words)
  expect(stdout, stderr).not.toBe('')
  const result = JSON.parse(stdout) as GateResult
  return { code, result, row: (metric) => result.rows.find((row) => row.metric === metric)! }
}

/** Fewest duets that a gate plans with. */
const FEWEST_DUETS = 6

/** As `json` within 30 s, which it takes only where the machine is busy; with more time, step by step, where the machine was too busy for as many duets as the gate needs. */
async function jsonWithEnough(words: string[]): Promise<Gated> {
  // The more time, the more duets it plans with, and the later it first looks at them.
  for (const limit of ['30s', '60s']) {
    const gated = await json(...words, '--time-limit', limit)
    if (gated.code !== 3 || gated.result.duets >= FEWEST_DUETS) return gated
  }
  return await json(...words, '--time-limit', '150s')
}

/** Time in plenty for what the first trials prove: such a gate ends with them. */
const PLENTY = ['--time-limit', '150s']

const FORMS = ['--markdown', 'out.md', '--junit', 'out.xml']

function expectForms(): void {
  expect(readFileSync(join(folder, 'out.md'), 'utf8')).toContain('CPU time')
  expect(readFileSync(join(folder, 'out.xml'), 'utf8')).toContain('<failure type="regression"')
}

function nothingLeft(): void {
  expect(git('worktree', 'list').trim().split('\n')).toHaveLength(1)
  expect(readdirSync(temporary)).toEqual([])
}

describe('stint gate --against', () => {
  it('proves a slowdown that was committed: exit 1, scenario and metric, its size within the interval', async () => {
    // Proven by fewer duets where a false alarm may be likelier, and with no trials between them for other metrics.
    const rules = FULL ? '{}' : '{ alpha: 0.05, metrics: [latency_mean_ms] }'
    edit('name: small', `name: small\ngate: ${rules}`, 'sweep.yaml')
    commit()
    edit(ONCE, 'time < 2')
    edit('return sum', 'return sum / 2')
    commit()
    const { code, result, row } = await jsonWithEnough(['--against', 'HEAD~1', ...FORMS])
    expect(code).toBe(1)
    expectForms()
    expect(result.baseline).toMatch(/^HEAD~1 \([0-9a-f]{7}\)$/)
    // It ends with the first of them that is proven.
    const [cpu, latency] = [row('cpu_s'), row('latency_mean_ms')]
    expect(
      [cpu, latency].filter(({ verdict, label }) => verdict === 'regression' && label === 'small'),
    ).not.toEqual([])
    expect([cpu.verdict, latency.verdict]).not.toContain('ruled_out')
    // Twice the work, and what is no work of the chunk.
    expect(cpu.ratio!.low ?? 0).toBeLessThan(2.02)
    expect(cpu.ratio!.high ?? Number.POSITIVE_INFINITY).toBeGreaterThan(1.8)
    expect(latency.ratio!.value).toBeGreaterThan(1.3)
    expect(row('score').baseline).toBeGreaterThan(0)
    const [{ name, baseline_us, candidate_us }] = result.operators!.operators as [OperatorChange]
    expect(name).toBe('hash')
    expect(candidate_us!).toBeGreaterThan(baseline_us!)
    nothingLeft()
  }, 300_000)

  it('does not cry wolf where nothing changed but names, from a dirty tree, across a renaming of the file', async () => {
    git('mv', 'workload.mjs', 'renamed.mjs')
    edit('./workload.mjs', './renamed.mjs', 'sweep.yaml')
    edit('work', 'addHashes', 'renamed.mjs')
    const words = ['--against', 'main', '--time-limit']
    let gated = await json(...words, FULL ? '10s' : '8s')
    // Where the machine was too busy for one duet.
    for (const limit of ['12s', '60s']) if (gated.result.duets === 0) gated = await json(...words, limit)
    const { code, result, row } = gated
    expect([0, 3]).toContain(code)
    expect(result.candidate).toMatch(/^the working copy \([0-9a-f]{7} and changes\)$/)
    expect(row('score'), JSON.stringify(result.rows)).toMatchObject({ verdict: 'ruled_out' })
    expect(row('score').baseline).toBe(row('score').candidate)
    expect(row('latency_mean_ms').n).toBeLessThanOrEqual(result.duets)
    nothingLeft()
  }, 120_000)

  it('builds both versions, finds a score that fell, writes every form, and names the function that takes longer', async () => {
    edit('./workload.mjs', './built/workload.mjs', 'sweep.yaml')
    edit(
      'name: small',
      'name: small\ngate: { build: "mkdir -p built && cp workload.mjs built" }',
      'sweep.yaml',
    )
    // Long enough for many samples, in a function of its own, which the profiler names, and none of Node's.
    edit('chunks: 60', 'chunks: 200', 'sweep.yaml')
    edit('row < rows; row++) hash.update(BLOCK)', 'row < rows * 1000; row++) sum += Math.sqrt(row)')
    commit()
    edit(ONCE, 'time < 3')
    edit('return sum', 'return sum / 6')
    mkdirSync(join(folder, 'built'))
    copyFileSync(fixture, join(folder, 'built/workload.mjs'))
    const words = ['--against', 'HEAD', '--profile', 'profiles', ...FORMS, '--export', 'text=out.txt']
    const { code, row } = await json(...words, ...PLENTY)
    expect(code).toBe(1)
    expect(row('score')).toMatchObject({ verdict: 'regression' })
    expect(row('score').ratio!.value).toBeCloseTo(0.5, 9)
    const text = readFileSync(join(folder, 'out.txt'), 'utf8')
    expect(text).toContain('REGRESSION: ')
    expect(text).toMatch(/^work +the workload:\d+ +[\d.,]+ m?s +[\d.,]+ m?s$/m)
    for (const side of ['baseline', 'candidate'])
      expect(
        JSON.parse(readFileSync(join(folder, 'profiles', `${side}.cpuprofile`), 'utf8')).nodes,
      ).not.toEqual([])
    expectForms()
    nothingLeft()
  }, 300_000)

  it('refuses what it cannot compare, says what to do, and leaves nothing', async () => {
    const refuses = async (said: string, ...words: string[]) =>
      expect(await gate(...words)).toMatchObject({ code: 2, stderr: expect.stringContaining(said) })
    await refuses('git log', '--against', 'nowhere')
    await refuses('--against needs a commit', '--against')
    await refuses('not several', '--against', 'HEAD', '--a', 'x')
    await refuses('--margin 2x', '--against', 'HEAD', '--margin', '2x')
    await refuses('--time-limit 0s', '--against', 'HEAD', '--time-limit', '0s')
    edit('name: small', 'name: small\ngate: { build: "exit 7" }', 'sweep.yaml')
    await refuses('exit code 7', '--against', 'HEAD')
    nothingLeft()
  })

  it.each([1, 2])('leaves nothing when it is interrupted, %i times', async (times) => {
    const child = spawn(process.execPath, [MAIN, 'gate', 'sweep.yaml', '--against', 'HEAD'], {
      cwd: folder,
      env: environment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes('reading the data')) setTimeout(() => child.kill('SIGINT'), 1000)
      if (text.includes('once more') && times === 2) child.kill('SIGINT')
    })
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect(code).toBe(130)
    // What a second interrupt leaves to the supervisor takes it a moment.
    await vi.waitFor(nothingLeft, { timeout: 5000 })
  })
})

describe('stint gate --a --b', () => {
  it('compares two files, and finds a candidate that no longer runs', async () => {
    copyFileSync(join(folder, 'workload.mjs'), join(folder, 'worse.mjs'))
    edit('let sum = 0', 'throw new Error("no hash today")', 'worse.mjs')
    const files = ['--a', 'workload.mjs', '--b', 'worse.mjs']
    const { code, row } = await json(...files, '--export', 'text=out.txt', ...PLENTY)
    expect(code).toBe(1)
    expect(readFileSync(join(folder, 'out.txt'), 'utf8')).toContain(
      'REGRESSION: worse.mjs against workload.mjs',
    )
    expect(row('outcome').note).toContain('was ok; is failed: no hash today')
    nothingLeft()
  }, 300_000)
})

it('warms a duet up on more than one instance, since functions of a first one are compiled anew for the next', async () => {
  const counting = `let warmed = 0
const metrics = { warmed: { unit: '', direction: 'neutral', kind: 'deterministic', description: 'instances' } }
export default {
  describe: () => ({ name: 'counting', params: {}, dataset: 'none', metrics }),
  open({ warmup }) {
    let left = 10_000
    if (warmup) warmed++
    return {
      step() {
        const end = performance.now() + 1
        while (performance.now() < end);
        return left-- > 0 ? { rows: 1 } : null
      },
      finish: () => ({ metrics: { warmed } }),
    }
  },
}
`
  write('counting.mjs', counting)
  const executor = new LocalExecutor()
  const workloads = new Map([['counting', join(folder, 'counting.mjs')]])
  executor.provide(fixtureResources({ workloads }))
  // Of what is timed, a few steps do.
  const driver: DriverSpec = { kind: 'interleaved', target_ms: 10, most_ms: 10 }
  const side = trialSpec('counting', {}, { driver, held: { warmup_chunks: 20 } })
  const sides = { baseline: side, candidate: side }
  const report = await executor.duet({ duet: 'd1', sides, first: 'baseline' })
  await executor.close()
  expect(report.failure).toBeNull()
  // So many steps are more than a warm-up takes: the first instance did not end by itself.
  expect(report.outputs).toEqual({ baseline: { warmed: 2 }, candidate: { warmed: 2 } })
}, 100_000)

describe('stint gate --baseline', () => {
  it('decides scores and memory from recorded runs, leaves times open with few, and refuses other settings', async () => {
    const words = ['run', 'sweep.yaml', '--runs', '1', '--quiet', '--repeat', '2', '--export', 'csv']
    const recorded = await command(words, folder, environment())
    expect(recorded.code, recorded.stderr).toBe(0)
    const folders = recorded.stdout.trim().split('\n')
    expect(folders).toHaveLength(2)

    const same = await json('--baseline', ...folders)
    expect(same.code).toBe(3)
    expect(same.row('score').verdict).toBe('ruled_out')
    expect(same.row('latency_mean_ms')).toMatchObject({
      verdict: 'undecided',
      note: expect.stringContaining('5 recorded runs are needed'),
    })

    edit('return sum', 'return sum * 0.5')
    expect((await json('--baseline', ...folders)).code).toBe(1)

    edit('chunk_size: 256', 'chunk_size: 128', 'sweep.yaml')
    const other = await gate('--baseline', ...folders)
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('chunk_size') })
  }, 180_000)
})
