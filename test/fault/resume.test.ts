/** Whatever is killed, and whenever: `stint resume` completes the run, with the results of one that was not. */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { STINT_VERSION } from '../../harness/package-folder.ts'
import { readMachine } from '../../harness/record/machine.ts'
import { openRun } from '../../harness/record/open-run.ts'
import { checksumsOf, journalOf, Sandbox, trialsOf } from '../fixtures/cli.ts'
import { groups } from '../fixtures/running.ts'
import { errorOf, okOf } from '../fixtures/trials.ts'

const FULL = process.env['STINT_FULL'] === '1'
const SALTS = [1, 2]
const RUNS = 2
const TRIALS = SALTS.length * RUNS
/** Of a run that something stops after a few trials. */
const LONG_RUNS = FULL ? 12 : 7
const SWEEP = {
  grid: { 'params.salt': SALTS },
  benchmark_runs: RUNS,
  n_jobs: 2,
  max_compute_units: 0.9,
  chunk_log: 'all',
}

let box: Sandbox
beforeEach(() => {
  box = new Sandbox()
})
afterEach(() => box.remove())

/** Groups, anywhere below the mounts, of any of these processes. */
function groupsOf(pids: ReadonlySet<number>): string[] {
  return groups().filter((path) => pids.has(Number(/\/stint-(\d+)-\d+-\d+$/.exec(path)?.[1])))
}

function only(command: string): number[] {
  return box
    .processes()
    .filter((found) => found.command.includes(command))
    .map(({ pid }) => pid)
}

function kill(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended first.
    }
  }
}

/** Nothing of a finished run is left: no process, no temporary file, no lock, no unfinished file. */
function expectClean(run: string): void {
  expect(box.processes()).toEqual([])
  expect(box.temporaryFiles()).toEqual([])
  expect(
    readdirSync(box.results, { recursive: true }).filter((name) => /lock|tmp/.test(String(name))),
  ).toEqual([])
  expect(existsSync(join(run, 'benchmarks', 'constraint_experiment.csv'))).toBe(true)
}

async function uninterrupted(sweep: string): Promise<Record<string, number | null>> {
  const reference = await box.stint('run', sweep, '--out', join(box.folder, 'reference'), '--quiet')
  expect(reference).toMatchObject({ code: 0 })
  const checksums = checksumsOf(reference.stdout.trim())
  expect(Object.keys(checksums).length).toBe(TRIALS)
  return checksums
}

const VICTIMS = ['the coordinator', 'hosts', 'both', 'everything'] as const

describe.skipIf(process.platform !== 'linux')('a run whose processes are killed at random moments', () => {
  it('is completed by resume with the same results, and leaves nothing', { timeout: 1_800_000 }, async () => {
    const sweep = box.sweep(SWEEP)
    const reference = await uninterrupted(sweep)
    const kills = FULL ? 25 : 4
    const story: string[] = []
    const supervisors = new Set<number>()
    let ended = 0
    for (let n = 0; n < kills; n++) {
      const victims = VICTIMS[n % VICTIMS.length]!
      const delay = Math.round(100 + Math.random() * 1900)
      const open = box.runs().at(-1)
      const words =
        open === undefined || ended === n ? ['run', sweep, '--out', box.results] : ['resume', open]
      const { child, end } = box.start([...words, '--quiet'])
      await sleep(delay)
      for (const pid of only('supervisor.js')) supervisors.add(pid)
      const hosts = only('tinypool')
      const all = box.processes().map(({ pid }) => pid)
      story.push(`${words[0]}, ${victims} after ${delay} ms`)
      if (victims === 'everything') kill(all)
      else {
        if (victims !== 'hosts') kill([child.pid!])
        if (victims !== 'the coordinator') kill(hosts)
      }
      const { code, stderr } = await end
      // One that was not killed, or too late, has ended well, unless it lost the trial process that reads the data:
      // nothing is written then. The next begins anew.
      if (code === 2 && victims === 'hosts') expect(stderr).toContain('its process ended with SIGKILL')
      else if (code !== null) expect([code, stderr, story]).toEqual([0, '', story])
      if (code === 0) ended = n + 1
    }
    if (box.runs().length === 0) await box.stint('run', sweep, '--out', box.results, '--quiet')
    for (const run of box.runs()) {
      const { code, stdout, stderr } = await box.stint('resume', run, '--quiet')
      expect([code, stdout, stderr, story]).toEqual([0, `${run}\n`, '', story])
      const trials = trialsOf(run)
      // Exactly once each; a trial process that was killed is an outcome as well.
      expect(new Set(trials.map(({ trial }) => trial)).size).toBe(trials.length)
      expect(trials.map(({ trial }) => trial).sort()).toEqual(Object.keys(reference).sort())
      const lost = trials.filter(({ outcome }) => outcome !== 'ok')
      for (const trial of lost) expect([trial.outcome, errorOf(trial)?.exit]).toEqual(['crashed', 'SIGKILL'])
      expect(reference).toMatchObject(checksumsOf(run))
    }
    // Only now: a run that was not resumed yet may still hold the lock of its killed coordinator.
    for (const run of box.runs()) expectClean(run)
    // Where nothing was missing no supervisor started, which is what clears groups.
    if (groupsOf(supervisors).length > 0) await box.stint('run', sweep, '--out', box.results, '--quiet')
    expect(groupsOf(supervisors)).toEqual([])
  })

  it('ends a trial process that was stopped when coordinator and supervisor were killed', async () => {
    // Of one trial, so that no process is started for a later one.
    const grid = { 'params.salt': SALTS.slice(0, 1) }
    const sweep = box.sweep({ ...SWEEP, grid, benchmark_runs: 1, params: { ms: 1500 }, n_jobs: 1 })
    const { end } = box.start(['run', sweep, '--out', box.results, '--quiet'])
    const started = () => box.runs().some((run) => existsSync(join(run, 'started.jsonl')))
    await box.until(() => started() && only('tinypool').length === 1, 'a host of a trial')
    const [host] = only('tinypool')
    const others = box
      .processes()
      .map(({ pid }) => pid)
      .filter((pid) => pid !== host)
    // Stopped first: the one that is killed second would see the end of the other, and kill the trial process. And
    // before the trial process is: a process that was started ahead is held stopped, and they make it go on.
    for (const pid of others) process.kill(pid, 'SIGSTOP')
    process.kill(host!, 'SIGSTOP')
    kill(others)
    await end
    expect(box.processes().map(({ pid }) => pid)).toEqual([host])
    expect(box.temporaryFiles()).not.toEqual([])
    const [run] = box.runs()
    // Any next run clears up, whichever folder it works on.
    expect(
      await box.stint('run', box.sweep({ benchmark_runs: 1 }), '--out', join(box.folder, 'other')),
    ).toMatchObject({ code: 0 })
    expect(box.processes()).toEqual([])
    expect(box.temporaryFiles()).toEqual([])
    expect(trialsOf(run!)).toEqual([])
  })
})

describe('resume', () => {
  let finished: Sandbox
  beforeAll(async () => {
    finished = new Sandbox()
    const sweep = finished.sweep({ ...SWEEP, max_compute_units: null })
    await finished.stint('run', sweep, '--out', finished.results, '--quiet')
  })
  afterAll(() => finished.remove())

  /** A run that was cut off after its first trials, as a power cut leaves it. */
  function cutRun(trials: number, extra = ''): { run: string; whole: string } {
    cpSync(finished.results, box.results, { recursive: true, verbatimSymlinks: true })
    const run = box.runs()[0]!
    const whole = journalOf(run)
    writeFileSync(join(run, 'trials.jsonl'), `${whole.split('\n').slice(0, trials).join('\n')}\n${extra}`)
    const manifest = JSON.parse(readFileSync(join(run, 'run.json'), 'utf8'))
    writeFileSync(join(run, 'run.json'), JSON.stringify({ ...manifest, finished_at: null, elapsed_s: null }))
    return { run, whole }
  }

  it('mends a torn journal, runs what is missing in the planned order, and says so', async () => {
    const { run, whole } = cutRun(2, '{"trial":"torn')
    writeFileSync(join(run, 'run.json.99999999.tmp'), 'half')
    const { code, stderr } = await box.stint('resume', run)
    expect(code).toBe(0)
    expect(stderr).toContain('the journal ended in 14 bytes of a line cut short')
    expect(stderr).toContain('2 trials are there; the other 2 follow')
    expect(journalOf(run).split('\n').slice(0, 2)).toEqual(whole.split('\n').slice(0, 2))
    expect(
      trialsOf(run)
        .map(({ trial }) => trial)
        .sort(),
    ).toEqual(
      whole
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).trial)
        .sort(),
    )
    expectClean(run)
    const manifest = JSON.parse(readFileSync(join(run, 'run.json'), 'utf8'))
    expect(manifest).toMatchObject({ elapsed_s: null, resumed: [{ finished_trials: 2, changes: [] }] })
    expect(manifest.finished_at).not.toBeNull()

    const again = await box.stint('resume', run)
    expect(again).toMatchObject({ code: 0, stdout: `${run}\n` })
    expect(again.stderr).toContain('no trial is missing; nothing to run')
  })

  it('refuses after a change, naming all, and with --force marks the trials that follow', async () => {
    const { run } = cutRun(2)
    const path = join(run, 'run.json')
    const manifest = JSON.parse(readFileSync(path, 'utf8'))
    manifest.machine.cpu_model = 'Another CPU'
    manifest.machine.node = '18.0.0'
    manifest.machine.load_at_start = [99, 99, 99]
    manifest.workload_hash = '0'.repeat(64)
    writeFileSync(path, JSON.stringify(manifest))
    const before = readFileSync(path, 'utf8')
    const refused = await box.stint('resume', run)
    expect([refused.code, refused.stdout]).toEqual([2, ''])
    expect(refused.stderr).toContain('the processor was Another CPU and is ')
    expect(refused.stderr).toContain('the version of Node was 18.0.0 and is ')
    expect(refused.stderr).toMatch(/the code of workload .*tiny\.mjs was sha256 0{12}\.\.\. and is sha256 /)
    expect(refused.stderr).not.toContain('99')
    expect(readFileSync(path, 'utf8')).toBe(before)
    expect(trialsOf(run).length).toBe(2)

    const forced = await box.stint('resume', run, '--force')
    expect(forced.code).toBe(0)
    expect(forced.stderr).toContain('forced: the processor was Another CPU and is ')
    const marks = trialsOf(run).map(({ resumed_under }) => resumed_under.map(({ kind }) => kind))
    const passed = ['machine', 'node', 'workload']
    expect(marks).toEqual([[], [], passed, passed])
    const report = readFileSync(join(run, 'reports', 'report.md'), 'utf8')
    expect(report).toMatch(/2 trials \(round.*\) ran after the run was resumed with --force/)
    expect(report).toContain('Another CPU')
  })

  it('leaves a folder alone that another coordinator works on', async () => {
    const sweep = box.sweep({ ...SWEEP, params: { ms: 3000 } })
    const { child, end } = box.start(['run', sweep, '--out', box.results, '--quiet'])
    await box.until(() => box.runs().length === 1, 'a run folder')
    const [run] = box.runs()
    const second = await box.stint('resume', run!)
    expect([second.code, second.stdout]).toEqual([2, ''])
    expect(second.stderr).toContain(`another stint works on this run (process ${child.pid} on this machine)`)
    expect(child.exitCode).toBeNull()
    child.kill('SIGINT')
    expect((await end).code).toBe(130)
    expect(readdirSync(run!).filter((name) => name.startsWith('.lock'))).toEqual([])
  })

  it.each(['journal', 'folder'] as const)(
    'a run whose %s is removed stops at the next trial',
    async (what) => {
      const sweep = box.sweep({ ...SWEEP, n_jobs: 1, max_compute_units: null, benchmark_runs: 20 })
      const { end } = box.start(['run', sweep, '--out', box.results, '--quiet'])
      await box.until(() => box.runs().length === 1 && trialsOf(box.runs()[0]!).length >= 2, 'two trials')
      const [run] = box.runs()
      rmSync(what === 'journal' ? join(run!, 'trials.jsonl') : run!, { recursive: true })
      const { code, stdout, stderr } = await end
      expect([code, stdout]).toEqual([4, ''])
      expect(stderr).toContain(
        `the ${what === 'journal' ? 'journal' : 'run folder'} was removed while the run went on`,
      )
      expect(stderr.trim().split('\n')).toHaveLength(2)
      expect(box.processes()).toEqual([])
      if (what === 'folder') return expect(existsSync(join(run!, 'trials.jsonl'))).toBe(false)
      // What was measured was put back, and the run can go on.
      const kept = trialsOf(run!).length
      expect(kept).toBeGreaterThanOrEqual(3)
      expect(kept).toBeLessThan(40)
      expect(openRun(run!).trials).toHaveLength(kept)
    },
  )

  it.each(['data', 'code'] as const)(
    'a run whose %s is changed stops, keeps what was measured, and goes on once that is undone',
    async (what) => {
      const helper = box.write('helper.mjs', 'export const one = 1\n')
      box.write(
        'own.mjs',
        `import { setTimeout as sleep } from 'node:timers/promises'
import { one } from './helper.mjs'
export default { open: () => { let left = 2; return { step: async () => (await sleep(20), left-- > 0 ? { rows: one } : null), finish: () => ({ metrics: {} }) } } }\n`,
      )
      const data = box.write('data.csv', 'a,b\n1,2\n')
      const sweep = box.write(
        'own.yaml',
        `name: swept\nworkload: ./own.mjs\ndataset: { source: data.csv }\nbenchmark_runs: ${LONG_RUNS}\n`,
      )
      const { end } = box.start(['run', sweep, '--out', box.results, '--quiet'])
      const ended = () => (box.runs().length === 1 ? trialsOf(box.runs()[0]!).length : 0)
      await box.until(() => ended() >= 1, 'a trial')
      // The same content at another time is no change.
      utimesSync(data, new Date(), new Date())
      utimesSync(helper, new Date(), new Date())
      const before = ended()
      await box.until(() => ended() >= before + 2, 'two trials more')
      const file = what === 'data' ? data : helper
      const was = readFileSync(file, 'utf8')
      writeFileSync(file, what === 'data' ? 'a,b\n5,6\n7,8\n' : 'export const one = 2\n')
      const { code, stdout, stderr } = await end
      expect([code, stdout]).toEqual([4, ''])
      expect(stderr).toMatch(
        what === 'data'
          ? /stint: \S+data\.csv changed while the run went on, which stops here/
          : /stint: the code of workload \S+own\.mjs changed while the run went on, which stops here/,
      )
      const run = box.runs()[0]!
      const kept = trialsOf(run).length
      expect(kept).toBeGreaterThanOrEqual(before + 2)
      expect(kept).toBeLessThan(LONG_RUNS)
      const refused = await box.stint('resume', run, '--quiet')
      expect(refused.code).toBe(2)
      expect(refused.stderr).toMatch(
        what === 'data'
          ? /the content of .*data\.csv was sha256 [0-9a-f]{12}\.\.\. \(1 row\) and is sha256 [0-9a-f]{12}\.\.\. \(2 rows\)/
          : /the code of workload .*own\.mjs was sha256 .* and is sha256 /,
      )
      writeFileSync(file, was)
      expect((await box.stint('resume', run, '--quiet')).code).toBe(0)
      expect(trialsOf(run).map((trial) => okOf(trial).metrics['rows'])).toEqual(Array(LONG_RUNS).fill(2))
    },
  )

  it('completes a run that a stint of format 1 left interrupted', async () => {
    const format1 = fileURLToPath(new URL('../fixtures/run-folders/format-1/', import.meta.url))
    for (const name of ['readings.mjs', 'readings.csv', 'interrupted'])
      cpSync(join(format1, name), join(box.folder, name), { recursive: true })
    const run = join(box.folder, 'interrupted')
    const path = join(run, 'run.json')
    const manifest = JSON.parse(readFileSync(path, 'utf8').replaceAll('/data/format-1', box.folder))
    // As if it had been made on this machine.
    const here = { ...manifest, machine: readMachine(), stint: STINT_VERSION }
    writeFileSync(path, JSON.stringify(here))
    const before = journalOf(run)
    const old = trialsOf(run).length
    expect([manifest.format, old, manifest.planned_trials]).toEqual([1, 2, 6])

    const { code, stdout, stderr } = await box.stint('resume', run)
    expect([code, stdout]).toEqual([0, `${run}\n`])
    expect(stderr).toContain('2 trials are there; the other 4 follow')
    expect(journalOf(run).startsWith(before)).toBe(true)
    const resumed = openRun(run)
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({
      format: 3,
      skipped_trials: null,
      finished_at: expect.any(String),
    })
    expect(resumed.notes).toEqual([])
    expect(resumed.trials).toHaveLength(6)
    const factors = new Map(resumed.manifest.sweep.scenarios.map(({ id, params }) => [id, params['factor']]))
    const READINGS = Array.from({ length: 40 }, (_, i) => (i * 7) % 11).reduce((a, b) => a + b)
    for (const trial of resumed.trials)
      expect(okOf(trial).metrics['total']).toBe(READINGS * Number(factors.get(trial.scenario)))
  })
})
