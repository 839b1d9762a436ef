/** Readers that go away, streams that are full, and hang-ups: through the built command line. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CliEnd, MAIN, Sandbox, trialsOf } from '../fixtures/cli.ts'

const FULL = process.env['STINT_FULL'] === '1'
const HASHES = fileURLToPath(new URL('../fixtures/gate/workload.mjs', import.meta.url))

let box: Sandbox
beforeEach(() => {
  box = new Sandbox()
})
afterEach(() => box.remove())

interface ShellOptions {
  /** Closes both pipes as soon as one of them has brought something. */
  leave?: boolean
  /** Called with the process id of the shell, or of what took its place. */
  onStart?(pid: number): void
  detached?: boolean
}

/** Runs a line of `sh`, in which "$@" is `stint` with the words given. */
function shell(line: string, words: readonly string[], options: ShellOptions = {}): Promise<CliEnd> {
  const child = spawn('sh', ['-c', line, 'sh', process.execPath, MAIN, ...words], {
    cwd: box.folder,
    env: {
      ...process.env,
      // As of a shell that no nohup started, whatever started these tests.
      _: '/bin/sh',
      TMPDIR: box.temporary,
      NO_COLOR: '1',
      GITHUB_ACTIONS: '',
      GITHUB_STEP_SUMMARY: '',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: options.detached ?? false,
  })
  options.onStart?.(child.pid!)
  const read = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      read[name] += text
      if (!options.leave) return
      child.stdout.destroy()
      child.stderr.destroy()
    })
  }
  return new Promise((resolve) => child.once('close', (code) => resolve({ ...read, code })))
}

/** Pictures and pages take a second of every run. */
const NO_PAGES = ['--export', 'csv']
/** More than it takes to see three times that a candidate fails, which ends a gate. */
const ENOUGH = '60s'
const failing = (text: string) => text.replace('let sum = 0', 'throw new Error("no hash today")')
const SMALL = 'name: small\nworkload: ./a.mjs\nchunk_size: 8\nparams: { chunks: 50 }\n'
const BOTH_IN_ONE = 'exec "$@" 2>&1'
const hasFull = existsSync('/dev/full')

describe('a reader who goes away', () => {
  it('ends no run and takes no trial from it, whatever the workload prints', async () => {
    box.write(
      'loud.mjs',
      `export default {
  describe: () => ({ name: 'loud', dataset: 'none', params: {}, metrics: {} }),
  open() {
    let left = 20
    return {
      step() {
        console.log('x'.repeat(20000))
        console.error('y'.repeat(20000))
        return left-- > 0 ? { rows: 1 } : null
      },
      finish: () => ({ metrics: {} }),
    }
  },
}\n`,
    )
    const runs = FULL ? 2 : 1
    const sweep = box.write('s.yaml', `name: swept\nworkload: ./loud.mjs\nbenchmark_runs: ${runs}\n`)
    const { code } = await shell(BOTH_IN_ONE, ['run', sweep, '--out', box.results, '--export', 'markdown'], {
      leave: true,
    })
    const run = box.runs()[0]!
    expect(trialsOf(run).map(({ outcome }) => outcome)).toEqual(Array(runs).fill('ok'))
    expect(existsSync(join(run, 'reports', 'report.md'))).toBe(true)
    expect(code).toBe(0)
    expect(box.temporaryFiles()).toEqual([])
  })

  it('of the progress leaves the answer whole', async () => {
    const sweep = box.sweep({ benchmark_runs: 1 })
    const line = '{ "$@" 2>&1 >&3 | true; } 3>&1'
    const { stdout } = await shell(line, ['run', sweep, '--out', box.results, ...NO_PAGES])
    expect(stdout).toBe(`${box.runs()[0]}\n`)
    expect(trialsOf(box.runs()[0]!)).toHaveLength(1)
  })

  const same = (text: string) => text
  it.each([
    ['where the candidate fails', failing, ENOUGH, ['❌']],
    ...(FULL
      ? ([
          ['where nothing changed', same, '12s', ['✅', '❔']],
          ['where nothing could be measured', same, '0.1s', ['❔']],
        ] as const)
      : []),
  ] as const)('changes no verdict %s', async (_where, change, limit, possible) => {
    const text = readFileSync(HASHES, 'utf8')
    const sides = ['--a', box.write('a.mjs', text), '--b', box.write('b.mjs', change(text))]
    const sweep = box.write('s.yaml', SMALL)
    const page = join(box.folder, 'out.md')
    const words = ['gate', sweep, ...sides, '--margin', '95%', '--time-limit', limit, '--markdown', page]
    // One gate that meets both where time is short: its answer cannot be written, and nobody hears of that.
    const line = FULL || !hasFull ? BOTH_IN_ONE : 'exec "$@" > /dev/full'
    const { code } = await shell(line, words, { leave: true })
    const mark = /[✅❌❔]/u.exec(readFileSync(page, 'utf8'))![0]
    expect(code).toBe({ '✅': 0, '❌': 1, '❔': 3 }[mark])
    expect(possible).toContain(mark)
  })

  it.each([['profiles'], ...(FULL ? [['--help'], ['run', '--help'], ['schema']] : [])])(
    'is no error of %s',
    async (...words) => {
      const { code, stderr } = await shell('{ "$@"; echo $? >&2; } | true', words)
      expect([code, stderr]).toEqual([0, '0\n'])
    },
  )

  it('leaves the exit code of a refusal alone', async () => {
    const { stdout } = await shell('{ { "$@" 2>&1; echo $? >&3; } | true; } 3>&1', ['run', 'nowhere.yaml'])
    expect(stdout).toBe('2\n')
  })
})

describe('an answer that cannot be written', () => {
  const lost =
    /^stint: the answer could not be written to standard output: the disk is full; free some space\n$/

  it.skipIf(!hasFull).each([[['--help']], ...(FULL ? [[['--version']]] : [])])(
    'of %s is one line on stderr and 4',
    async (words) => {
      const { code, stderr } = await shell('"$@" > /dev/full', words)
      expect(stderr).toMatch(lost)
      expect(code).toBe(4)
    },
  )

  it.skipIf(!hasFull)('leaves the run whole', async () => {
    const sweep = box.sweep({ benchmark_runs: 1 })
    const words = ['run', sweep, '--out', box.results, '--quiet', ...NO_PAGES]
    const run = await shell('"$@" > /dev/full', words)
    expect(run.stderr).toMatch(lost)
    expect([run.code, trialsOf(box.runs()[0]!).length]).toEqual([4, 1])
  })

  // That of a reader who goes away shows it above.
  it.skipIf(!hasFull || !FULL)('leaves a regression proven', async () => {
    const text = readFileSync(HASHES, 'utf8')
    const b = box.write('b.mjs', failing(text))
    const small = box.write('r.yaml', SMALL)
    const sides = ['--a', box.write('a.mjs', text), '--b', b]
    const gated = ['gate', small, ...sides, '--time-limit', ENOUGH, '--quiet']
    const gate = await shell('"$@" > /dev/full', gated)
    expect(gate.stderr).toMatch(lost)
    expect(gate.code).toBe(1)
  })

  it('is told also where the first part of it still fitted', async () => {
    // One block: less than the schema takes.
    const { code, stderr } = await shell('ulimit -f 1; "$@" > part.json', ['schema'])
    expect(stderr).toMatch(/^stint: the answer could not be written to standard output: .*\n$/)
    expect(code).toBe(4)
  })

  it.skipIf(!hasFull)('does not count where it was no answer', async () => {
    const sweep = box.sweep({ benchmark_runs: 1 })
    const words = ['run', sweep, '--out', box.results, ...NO_PAGES]
    const { code, stdout } = await shell('"$@" 2> /dev/full', words)
    expect([code, stdout]).toEqual([0, `${box.runs()[0]}\n`])
  })
})

describe('a hang-up', () => {
  const hangUps = FULL ? 10 : 2
  const runs = FULL ? hangUps + 1 : hangUps
  const words = (benchmark_runs: number) => [
    'run',
    box.sweep({ params: { ms: 60 }, benchmark_runs }),
    '--out',
    box.results,
    '--quiet',
    ...NO_PAGES,
  ]

  /** Hangs up on the whole group after every trial, while the next one starts or runs. */
  async function hungUp(line: string): Promise<CliEnd> {
    let ended = false
    let pid = 0
    const end = shell(line, words(runs), { detached: true, onStart: (id) => (pid = id) })
    void end.then(() => (ended = true))
    for (let trials = 0; trials < hangUps; trials += 1) {
      const isThere = () => box.runs().length === 1 && trialsOf(box.runs()[0]!).length >= trials
      await box.until(() => ended || isThere(), `${trials} trials`)
      await sleep(trials * 30)
      hangUp(pid)
    }
    return await end
  }

  function hangUp(group: number): void {
    try {
      process.kill(-group, 'SIGHUP')
    } catch {
      // It has just ended.
    }
  }

  const ignoring = [
    ['by the shell as of nohup', '_=/usr/bin/nohup; export _; exec "$@"'],
    ['by the shell that ignores it', `trap '' HUP; "$@"; exit $?`],
    ['by standard input as nohup leaves it', 'exec "$@" 0> /dev/null'],
  ] as const

  it.each(FULL ? ignoring : ignoring.slice(0, 1))(
    'that is ignored stays ignored, as seen %s',
    async (_how, line) => {
      const { code, stdout } = await hungUp(line)
      expect([code, stdout]).toEqual([0, `${box.runs()[0]}\n`])
      expect(trialsOf(box.runs()[0]!).map(({ outcome }) => outcome)).toEqual(Array(runs).fill('ok'))
    },
  )

  // A signal to the command only is in cli.test.ts.
  it.each(FULL ? (['SIGHUP', 'SIGTERM', 'SIGINT'] as const) : (['SIGHUP'] as const))(
    'or other end of the group, by %s, stops a run and loses no trial',
    async (signal) => {
      let pid = 0
      const end = shell('exec "$@"', words(12), { detached: true, onStart: (id) => (pid = id) })
      await box.until(() => box.runs().length === 1 && trialsOf(box.runs()[0]!).length > 0, 'a trial')
      process.kill(-pid, signal)
      const { code, stdout } = await end
      expect([code, stdout]).toEqual([130, ''])
      expect(new Set(trialsOf(box.runs()[0]!).map(({ outcome }) => outcome))).toEqual(new Set(['ok']))
      expect(box.processes()).toEqual([])
      expect(box.temporaryFiles()).toEqual([])
    },
  )
})
