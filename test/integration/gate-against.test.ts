import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { GateAnswer } from '../../harness/gate/types.ts'
import { command } from '../fixtures/cli.ts'

const FULL = process.env['STINT_FULL'] === '1'

let top: string
beforeEach(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'against-test-')))
  mkdirSync(join(top, 'tmp'))
  const rows = Array.from({ length: 600 }, (_, x) => `${x % 97},${3 * (x % 97) + (x % 5)}`)
  write('data.csv', `x,y\n${rows.join('\n')}\n`)
  write('.gitignore', 'tmp\ndata.csv\n')
  write('my-sweep.yaml', sweep(0.001))
  git('init', '-q', '-b', 'main')
  commit()
})
afterEach(() => rmSync(top, { recursive: true, force: true }))

/** The more its ridge holds back, the worse it scores. */
function sweep(l2: number): string {
  return `name: mine
dataset: { source: data.csv, target: y }
params: { learner: ridge, lambda: ${l2} }
mode: streaming
warmup_chunks: 0
`
}

function write(name: string, text: string): void {
  writeFileSync(join(top, name), text)
}

function git(...words: string[]): void {
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.org', '-c', 'commit.gpgsign=false']
  const done = spawnSync('git', ['-C', top, ...identity, ...words], { encoding: 'utf8' })
  expect(done.status, done.stderr).toBe(0)
}

function commit(): void {
  git('add', '-A')
  git('commit', '-q', '-m', 'change')
}

const environment = () => ({
  ...process.env,
  TMPDIR: join(top, 'tmp'),
  GITHUB_ACTIONS: '',
  GITHUB_STEP_SUMMARY: '',
})

async function gate(...words: string[]): Promise<{ code: number | null; result: GateAnswer }> {
  const all = ['gate', join(top, 'my-sweep.yaml'), '--json', '--time-limit', '60s', ...words]
  // From Stint's own repository, whose branches are not meant.
  const { code, stdout, stderr } = await command(all, process.cwd(), environment())
  expect(stdout, stderr).not.toBe('')
  return { code, result: JSON.parse(stdout) as GateAnswer }
}

it("compares the sweep of a CSV file with the commit's own, whose data git does not keep", async () => {
  git('checkout', '-q', '-b', 'work')
  write('my-sweep.yaml', sweep(1e9))
  const { code, result } = await gate('--against', 'main')
  expect(code).toBe(1)
  expect(result.baseline).toMatch(/^main \([0-9a-f]{7}\)$/)
  expect(result.candidate).toMatch(/and changes\)$/)
  expect(result.notes.join('\n')).toContain('params.lambda 0.001 → 1000000000')
  expect(result.notes.join('\n')).toContain('both versions run the built-in pipeline of Stint')
  const r2 = result.rows.find(({ metric }) => metric === 'r2')!
  expect(r2.verdict).toBe('regression')
  expect(r2.candidate).toBeLessThan(r2.baseline!)
  expect(readFileSync(join(top, 'my-sweep.yaml'), 'utf8')).toBe(sweep(1e9))
}, 120_000)

it('writes what it could not do where its answer was to be, and refuses a share with its reason', async () => {
  const [xml, summary] = [join(top, 'tmp/gate.xml'), join(top, 'tmp/summary.md')]
  const failed = (...words: string[]) =>
    command(['gate', join(top, 'my-sweep.yaml'), '--junit', xml, ...words], process.cwd(), {
      ...environment(),
      ...{ GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary, GITHUB_WORKSPACE: top },
    })
  const unknown = await failed('--against', 'nowhere')
  expect(unknown).toMatchObject({ code: 2, stdout: '' })
  expect(unknown.stderr).toMatch(/^::error file=my-sweep.yaml,.*--against nowhere/m)
  expect(readFileSync(xml, 'utf8')).toMatch(/errors="1".*\n.*\n.*<error type="broken" message="[^"]*nowhere/)
  expect(readFileSync(summary, 'utf8')).toContain('the gate could not be held: --against nowhere')
  const margin = await failed('--against', 'HEAD', '--margin', '2')
  expect(margin).toMatchObject({ code: 2, stderr: expect.stringContaining('2% is written with its sign') })
  expect(readFileSync(xml, 'utf8')).toContain('--margin 2')
  const bisected = await command(
    ['bisect', join(top, 'my-sweep.yaml'), '--good', 'nowhere'],
    top,
    environment(),
  )
  expect(bisected).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^stint: --good nowhere: git knows no/),
  })
  write('my-sweep.yaml', `${sweep(1)}chunk_sise: 3\n`)
  expect((await failed('--against', 'HEAD', '--margin', '100%')).stderr).toMatch(/^::error .*chunk_sise/m)
})

it('compares two configurations of one workload, without git', async () => {
  rmSync(join(top, '.git'), { recursive: true })
  const { code, result } = await gate('--set-candidate', 'params.lambda=1e9')
  expect(code).toBe(1)
  expect(result).toMatchObject({ baseline: 'the sweep as it is', candidate: 'params.lambda=1e9' })
  expect(result.rows.find(({ metric }) => metric === 'r2')!.verdict).toBe('regression')
  expect(result).toMatchObject({
    format: expect.any(Number),
    exit_code: 1,
    load_1m: { end: expect.any(Number) },
  })
  expect(result.machine).toMatchObject({ node: process.versions.node })
}, 120_000)

it.runIf(FULL)(
  'finds the commit after which the gate is red, and gives git the codes that it wants',
  async () => {
    for (const lambda of [0.002, 1e9, 2e9]) {
      write('my-sweep.yaml', sweep(lambda))
      commit()
    }
    const stint = (...words: string[]) => command(words, top, environment())
    const limit = ['--time-limit', '60s']
    const done = await stint('bisect', 'my-sweep.yaml', '--good', 'HEAD~2', '--json', ...limit)
    expect(done.stdout, done.stderr).not.toBe('')
    const { found, steps } = JSON.parse(done.stdout)
    const hash = (ref: string) =>
      spawnSync('git', ['-C', top, 'rev-parse', ref], { encoding: 'utf8' }).stdout.trim()
    expect(steps[0]).toMatchObject({ commit: hash('HEAD'), verdict: 'regression' })
    expect(found, done.stdout + done.stderr).toBe(hash('HEAD~1'))
    expect(done.code).toBe(0)
    expect((await stint('gate', 'my-sweep.yaml', '--against', 'nowhere', '--bisect-run')).code).toBe(125)
    expect((await stint('gate', 'my-sweep.yaml', '--against', 'HEAD~2', '--bisect-run', ...limit)).code).toBe(
      1,
    )
  },
  240_000,
)
