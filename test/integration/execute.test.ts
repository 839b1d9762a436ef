import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LocalExecutor } from '../../harness/execute/local/executor.ts'
import { HARNESS_METRICS } from '../../harness/metrics.ts'
import { describeInThread, prepareInThread } from '../../workers/prepare-worker.ts'
import type { DatasetSpec } from '../../workers/protocol/prepare.ts'
import type { ChunkLogLine, ComputeMechanism, OkTrial } from '../../workers/protocol/trial-result.ts'
import { fixtureResources, trialSpec, workloadFile } from '../fixtures/trial.ts'
import { errorOf, okOf } from '../fixtures/trials.ts'

/** Of programs, and of events that arrive on their own clock. */
const ELSEWHERE =
  /^(command_round_trip_ms|group_\w+|event_\w+|(answered|arrived|shed|untrained|waiting)_\w+|goodput|backlog_\w+|offered_rows_s|achieved_rows_s|sustained)$/

const FULL = process.env['STINT_FULL'] === '1'
const linux = process.platform === 'linux'
let folder: string
let executor: LocalExecutor
const printed: string[] = []

/** One workload is known and not there. */
function resources() {
  const { workloads, ...rest } = fixtureResources({ chunk_logs: join(folder, 'chunks') })
  return { ...rest, workloads: new Map([...workloads, ['absent', workloadFile('absent')]]) }
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
  executor = new LocalExecutor({ temporaryRoot: folder, onOutput: (text) => printed.push(text) })
  executor.provide(resources())
})
afterAll(async () => {
  await executor.close()
  expect(readdirSync(folder).filter((name) => name.startsWith('stint-'))).toEqual([])
  rmSync(folder, { recursive: true })
})

/** Seconds: the same window as that of `wall_s`, the sum of latencies, by what CPU time and share were taken over. */
const windowOf = ({ metrics, caps }: OkTrial) => metrics['cpu_s']! / caps.compute.achieved!

/** Of 1 ms each: a share of less than 200 ms would be unknown. */
const STEPS = 250

describe('an ok trial', () => {
  it('measures every metric of the harness, or says that it is unknown', async () => {
    const chunk_log = join(folder, 'chunks', 'ok.jsonl')
    const result = okOf(
      await executor.run(
        trialSpec(
          'spin',
          { steps: STEPS, wall_ms: 60_000 },
          { trial: 'ok', warmup_chunks: 3, log_chunks: true },
        ),
      ),
    )
    expect(result.info).toEqual({ done: STEPS })
    const { metrics, caps } = result
    const missing = HARNESS_METRICS.map(({ name }) => name).filter((name) => !(name in metrics))
    expect(missing.filter((name) => !ELSEWHERE.test(name))).toEqual([])
    expect(metrics).toMatchObject({ chunks: STEPS, rows: STEPS, sum: STEPS })
    // A step burns 1 ms of wall time: no measured time can be less, whatever the machine does.
    for (const name of ['latency_p50_ms', 'latency_mean_ms', 'service_p50_ms', 'cold_first_chunk_ms']) {
      expect(metrics[name], name).toBeGreaterThanOrEqual(0.99)
    }
    expect(metrics['wall_s']).toBeGreaterThanOrEqual(STEPS / 1000)
    expect(metrics['latency_mean_ms']).toBeGreaterThanOrEqual(metrics['service_mean_ms']!)
    expect(metrics['throughput_rows_s']).toBeCloseTo(STEPS / metrics['wall_s']!, 6)
    expect(metrics['peak_rss_mb']).toBeGreaterThan(20)
    expect(metrics['energy_j']).toBe(result.energy.joules)
    if (linux) expect(metrics['wall_s']! / windowOf(result)).toBeCloseTo(1, 6)
    expect(caps.memory).toMatchObject({ asked_mb: null, mechanisms: [], enforced: true })
    expect(caps.compute).toMatchObject({
      asked: null,
      in_force: null,
      mechanism: 'none',
      throttled_ms: null,
      enforced: true,
    })
    expect(caps.compute.achieved).toBeGreaterThan(0.05)

    const lines = readFileSync(chunk_log, 'utf8')
      .trim()
      .split('\n')
      .map((line): ChunkLogLine => JSON.parse(line))
    expect(lines.map(({ chunk }) => chunk)).toEqual(Array.from({ length: STEPS }, (_, i) => i))
    expect(lines[7]).toMatchObject({ rows: 1, first_row: 7, bytes: 10, operators_ms: { burn: 1 } })
    const total = lines.reduce((sum, line) => sum + line.latency_ms, 0)
    expect(total).toBeCloseTo(metrics['wall_s']! * 1000, 3)
  })

  it.skipIf(!linux)(
    'has latencies that fill its time without a gap, log or not, throttled or not',
    async () => {
      // With a log and not throttled, the trial above has the same.
      for (const log_chunks of FULL ? [false, true] : [false]) {
        const spec = trialSpec(
          'spin',
          { steps: 10_000, step_ms: 0.02, wall_ms: 60_000 },
          { trial: 'tiles', log_chunks, compute: 0.4 },
        )
        const result = okOf(await executor.run(spec))
        expect(result.metrics['wall_s']! / windowOf(result)).toBeCloseTo(1, 6)
      }
    },
  )

  it('has no share in a time too short to tell, and says so; its temporary folder is cleared of what it leaves there', async () => {
    const result = await executor.run(trialSpec('misbehave', { how: 'leaves_files' }))
    const { outcome, caps, noise } = result
    expect([outcome, caps.compute.achieved, noise.others_cores]).toEqual(['ok', null, null])
    expect(caps.compute.note).toContain('too short to tell')
    const left = okOf(result).info['file'] as string
    expect(left.startsWith(folder)).toBe(true)
    expect(existsSync(left)).toBe(false)
  })
})

describe('a memory cap', () => {
  it.skipIf(!linux)('is held by all that this machine permits, and says by what', async () => {
    const { memory } = await executor.capabilities()
    const { outcome, caps } = await executor.run(
      trialSpec('allocate', { how: 'steady', live_mb: 24, steps: 30 }, { memory: 64 }),
    )
    expect(outcome).toBe('ok')
    expect(caps.memory.mechanisms).toEqual(memory)
    expect(caps.memory.peak_mb).toBeLessThanOrEqual(64)
    expect(caps.memory.peak_mb).toBeGreaterThan(20)
    expect(caps.memory.peak_above_idle_mb).toBeGreaterThan(20)
  })

  it.skipIf(!linux)('of the whole process counts all of it', async () => {
    const run = (how: string, memory: number) => {
      const spec = trialSpec('allocate', { how, live_mb: 24, steps: 30 }, { memory })
      spec.caps.memory_scope = 'process'
      return executor.run(spec)
    }
    const roomy = await run('steady', 200)
    expect(errorOf(roomy)).toBeUndefined()
    expect(roomy.caps.memory).toMatchObject({ scope: 'process', asked_mb: 200 })
    // What Node leaves of it.
    expect(roomy.caps.memory.in_force_mb).toBeGreaterThan(100)
    expect(roomy.caps.memory.in_force_mb).toBeLessThan(170)
    // Node alone takes some 40 MB.
    expect(roomy.caps.memory.peak_mb).toBeGreaterThan(60)
    const tight = await run('buffers', 120)
    expect(tight.outcome).toBe('out_of_memory')
    expect(tight.caps.memory.peak_mb).toBeLessThan(160)
  })

  it('sees off-heap memory that was never touched', async () => {
    const result = await executor.run(trialSpec('allocate', { how: 'untouched_buffers' }, { memory: 32 }))
    expect(result).toMatchObject({ outcome: 'out_of_memory', error: { name: 'MemoryCapError' } })
  })

  it.each(['garbage', 'off_heap_garbage'])(
    'spares a workload that makes much %s and holds little',
    async (how) => {
      const result = await executor.run(trialSpec('allocate', { how, steps: FULL ? 60 : 20 }, { memory: 24 }))
      expect(errorOf(result)).toBeUndefined()
      expect(result.caps.memory.peak_mb).toBeLessThanOrEqual(24)
    },
  )
})

it('counts as peak memory what the measured instance holds, and nothing of those that were warmed up', async () => {
  const spec = trialSpec(
    'allocate',
    { how: 'nothing', opened_mb: 20, steps: 50 },
    { held: { warmup_chunks: 20 } },
  )
  const peak = okOf(await executor.run(spec)).metrics['peak_memory_mb']!
  expect(peak).toBeGreaterThan(20)
  expect(peak).toBeLessThan(30)
})

describe('a workload that goes wrong', () => {
  const misbehave = (how: string, changes = {}) => executor.run(trialSpec('misbehave', { how }, changes))

  /** A worker that ends by itself leaves no empty chunk log. */
  const misbehaveLogged = async (how: string) => {
    const chunk_log = join(folder, 'chunks', `${how}.jsonl`)
    const result = await misbehave(how, { trial: how, log_chunks: true })
    expect(existsSync(chunk_log)).toBe(false)
    return result
  }

  it('failed: keeps the name, message and stack of what was thrown', async () => {
    const result = await misbehaveLogged('throws')
    expect(result.outcome).toBe('failed')
    expect(errorOf(result)).toMatchObject({ name: 'DataError', message: 'players.csv:7: not a number' })
    expect(errorOf(result)?.stack).toContain('misbehave.mjs')
  })

  it.each([
    ['throws_later', 'failed', 'thrown outside every step'],
    ['bad_report', 'failed', 'step() must return { rows'],
    ['bad_open', 'failed', 'step() and finish()'],
    ['array_buffer', 'out_of_memory', 'Array buffer allocation failed'],
    ['exits', 'crashed', 'process.exit(7)'],
    ['kills_itself', 'crashed', 'SIGKILL'],
  ])('%s: %s', async (how, outcome, message) => {
    const result = await misbehaveLogged(how)
    expect([result.outcome, errorOf(result)?.message]).toEqual([outcome, expect.stringContaining(message)])
    expect(result).not.toHaveProperty('metrics')
  })

  it('timed_out: a loop without end, and a process that was stopped', async () => {
    const ways = linux ? { loops: 0.5, stops_itself: 0.5 } : { loops: 0.5 }
    const ends = Object.entries(ways).map(([how, deadline_s]) => misbehave(how, { trial: how, deadline_s }))
    for (const { outcome } of await Promise.all(ends)) expect(outcome).toBe('timed_out')
  })

  it('failed: a module that is missing or has no open', async () => {
    const missing = await executor.run(trialSpec('absent'))
    expect([missing.outcome, errorOf(missing)?.message]).toEqual([
      'failed',
      expect.stringContaining('did not load'),
    ])
    const useless = await executor.run(trialSpec('no-open'))
    expect(errorOf(useless)?.message).toContain('default export with an open(context) function')
  })

  // As the coordinator does below.
  it.runIf(FULL)('hears what a workload prints, and keeps it off stdout', async () => {
    printed.length = 0
    await misbehave('prints')
    expect(printed.join('')).toContain('to stdout')
    expect(printed.join('')).toContain('to stderr')
  })
})

describe.skipIf(!linux)('a compute cap', () => {
  // Which of them this machine permits; the duty cycle needs nothing but /proc.
  it.each<ComputeMechanism>(['cgroup_v2', 'cgroup_v1', 'duty_cycle'])(
    '%s holds what was asked',
    async (mechanism) => {
      // It may come from the environment as well.
      const isTold = mechanism === 'duty_cycle'
      if (isTold) process.env['STINT_COMPUTE_MECHANISM'] = mechanism
      const capped = new LocalExecutor({ ...(!isTold && { mechanism }), temporaryRoot: folder })
      delete process.env['STINT_COMPUTE_MECHANISM']
      capped.provide(resources())
      try {
        const { compute, notes } = await capped.capabilities()
        if (compute === 'none') {
          console.warn(`skipped: ${notes.join('; ')}`)
          expect(mechanism).not.toBe('duty_cycle')
          return
        }
        expect(compute).toBe(mechanism)
        // Low shares, both at once: a machine full of others' work would leave no more, and the cap nothing to do.
        const trials = [0.1, 0.2].map(async (units) => {
          const asked = { trial: `at-${units}`, compute: units, warmup_chunks: 2 }
          return { units, result: await capped.run(trialSpec('spin', { wall_ms: 800 }, asked)) }
        })
        for (const { units, result } of await Promise.all(trials)) {
          const { metrics } = okOf(result)
          expect(result.caps.compute).toMatchObject({
            asked: units,
            in_force: units,
            mechanism,
            enforced: true,
          })
          const { achieved, throttled_ms } = result.caps.compute
          // Where others' work filled the machine, the trial may have had less than its share by itself; and who holds
          // it from outside may have come late. Then this is left: it was held back, or did not need to be.
          if (result.noise.disturbed?.length !== 0) {
            expect(throttled_ms! > 0 || achieved! <= units).toBe(true)
            continue
          }
          expect(achieved! / units).toBeLessThan(1.15)
          expect(achieved! / units).toBeGreaterThan(0.4)
          expect(throttled_ms).toBeGreaterThan(0)
          expect(metrics['latency_mean_ms']).toBeGreaterThan(1.5)
        }
      } finally {
        await capped.close()
      }
    },
  )

  it('holds the timed steps, and neither what comes before them nor what comes after', async () => {
    const { info } = okOf(await executor.run(trialSpec('shares', {}, { compute: 0.05, warmup_chunks: 5 })))
    const { warmup, steps, finish } = info as Record<'warmup' | 'steps' | 'finish', number>
    expect(steps).toBeLessThan(0.1)
    // Even where others' work leaves a third of a core.
    expect(warmup).toBeGreaterThan(3 * steps)
    expect(finish).toBeGreaterThan(3 * steps)
  })

  it('pins to one core, or says why not', async () => {
    const spec = (pin_core: number) => trialSpec('spin', { wall_ms: 100 }, { held: { pin_core } })
    const pinned = await executor.run(spec(0))
    if (pinned.outcome === 'ok') expect(pinned.caps.compute).toMatchObject({ pinned_core: 0, enforced: true })
    else expect(errorOf(pinned)?.message).toContain('taskset')
    const absent = await executor.run(spec(4000))
    expect(absent).toMatchObject({
      outcome: 'failed',
      error: { message: expect.stringContaining('pin_core 4000: taskset') },
    })
  })

  it('that cannot be enforced fails a strict trial and marks a lenient one', async () => {
    const helpless = new LocalExecutor({ mechanism: 'none', temporaryRoot: folder })
    helpless.provide(resources())
    try {
      expect((await helpless.capabilities()).compute).toBe('none')
      const strict = await helpless.run(trialSpec('empty', {}, { compute: 0.5 }))
      expect(strict).toMatchObject({
        outcome: 'failed',
        error: {
          name: 'CapError',
          message: expect.stringContaining('max_compute_units 0.5 cannot be enforced'),
        },
      })
      const lenient = trialSpec('empty', {}, { compute: 0.5, held: { caps: 'best_effort' } })
      const result = await helpless.run(lenient)
      expect(result).toMatchObject({
        outcome: 'ok',
        caps: { compute: { enforced: false, mechanism: 'none', note: expect.any(String) } },
      })
    } finally {
      await helpless.close()
    }
  })
})

describe('the prepare job', () => {
  const prepare = (workload: string) =>
    executor.prepare({ workload: workloadFile(workload), datasets: [], data_dir: folder })
  /** What its threads do, without a process. */
  const prepareHere = async (workload: string, datasets: DatasetSpec[] = []) => {
    const spec = { workload: workloadFile(workload), datasets, data_dir: folder }
    const described = await describeInThread(spec)
    return described.ok ? prepareInThread({ spec, info: described.workload }) : described
  }

  it('asks a workload what it is, and takes one that says nothing', async () => {
    expect(await prepare('spin')).toMatchObject({
      ok: true,
      workload: { name: 'spin', dataset: 'none' },
      datasets: [],
    })
    expect(await prepareHere('empty')).toMatchObject({
      ok: true,
      workload: { name: 'empty', params: {}, metrics: {}, dataset: 'optional' },
    })
  })

  it('says what is wrong with a workload or with its dataset before any trial', async () => {
    expect(await prepareHere('no-open')).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('open') },
    })
    expect(await prepare('needs-data')).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('needs a dataset'), hint: expect.any(String) },
    })
    expect(await prepare('exits-at-load')).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('process.exit(5)') },
    })
    const data = { kind: 'generate', preset: 'nba2k', rows: 10, seed: 1 } as const
    expect(await prepareHere('spin', [data])).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('takes no dataset') },
    })
  })
})

describe('the coordinator', () => {
  it('has nothing on stdout and needs no environment of its own', () => {
    const script = fileURLToPath(new URL('../fixtures/coordinator.mjs', import.meta.url))
    const { stdout, stderr, status } = spawnSync(process.execPath, [script, 'prints'], {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '--max-old-space-size=300' },
    })
    expect([status, stdout]).toEqual([0, 'ok\n'])
    for (const text of ['to stdout', 'to stderr', 'NODE_OPTIONS=undefined']) expect(stderr).toContain(text)
  })
})
