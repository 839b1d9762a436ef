import { describe, expect, it } from 'vitest'
import { MemoryCheck, readWorkerMemory } from '../../../workers/caps/memory.ts'
import { Random } from '../../../workers/data/presets/random.ts'
import { ClosedLoop } from '../../../workers/drive/closed.ts'
import { OpenLoop } from '../../../workers/drive/open.ts'
import { MeasuredRun } from '../../../workers/measured-run.ts'
import type { OpenLoopSpec } from '../../../workers/protocol/trial-spec.ts'
import type { OpenWorkload } from '../../../workers/workload.ts'
import { driveVirtually, VirtualClock, type Work } from '../../fixtures/virtual-time.ts'

const spec = (changes: Partial<OpenLoopSpec> = {}): OpenLoopSpec => ({
  kind: 'open',
  through: null,
  arrival: { pattern: 'constant', rate: 1000 },
  seed: 1,
  duration_s: 0.1,
  max_wait_ms: 0,
  deadline_ms: null,
  queue: { limit_rows: null, when_full: 'block' },
  label_delay_ms: 0,
  ...changes,
})

function play(
  changes: Partial<OpenLoopSpec>,
  work: (step: number, rows: number, at: number) => Work,
  { chunkSize = 64, rows = null as number | null } = {},
) {
  const clock = new VirtualClock()
  const loop = new OpenLoop({ spec: spec(changes), chunkSize, rows, clock })
  return { steps: driveVirtually(loop, clock, work), told: loop.result() }
}

describe('the open loop', () => {
  it('shows a stall of 200 ms a second in every event that it delays, and the closed loop in one chunk', () => {
    const service = 0.2
    const stalls = (at: number) => (Math.floor(at / 1000) !== Math.floor((at - service) / 1000) ? 200 : 0)
    const { told } = play(
      { duration_s: 20 },
      (_, rows, at) => ({ ms: rows * service + (at >= 500 ? stalls(at - 500) : 0) }),
      { chunkSize: 1 },
    )
    // 1,000 events a second at 0.2 ms each: a stall of 200 ms delays those of 250 ms, until the backlog is worked off,
    // by 100 ms on average: a mean of 25 ms, and the 90th percentile where a tenth of the events is delayed by more.
    expect(told.latencyMean!).toBeGreaterThan(23)
    expect(told.latencyMean!).toBeLessThan(27)
    expect(told.latency.quantile(0.9)!).toBeGreaterThan(110)
    expect(told.latency.quantile(0.9)!).toBeLessThan(130)
    expect(told.latency.quantile(0.99)!).toBeGreaterThan(185)
    expect(told.sustained).toBe(true)

    const clock = new VirtualClock()
    const closed = driveVirtually(new ClosedLoop(1, 20_000), clock, (_, rows, at) => ({
      ms: rows * service + (at >= 500 ? stalls(at - 500) : 0),
    }))
    const latencies = closed.map(({ start, end }) => end - start).sort((a, b) => a - b)
    expect(latencies[Math.floor(0.99 * latencies.length)]!).toBeCloseTo(service, 6)
    expect(latencies.at(-1)!).toBeCloseTo(200 + service, 6)
  })

  it('waits for a chunk to fill, and no longer than asked', () => {
    const { steps } = play({ max_wait_ms: 5 }, () => ({ ms: 0 }), { chunkSize: 4 })
    // One event per ms from 0 on: four after 3 ms.
    expect(steps.slice(0, 3).map(({ start, rows }) => [start, rows])).toEqual([
      [3, 4],
      [7, 4],
      [11, 4],
    ])
    const late = play({ max_wait_ms: 5 }, () => ({ ms: 0 }), { chunkSize: 64 }).steps
    expect(late.slice(0, 2).map(({ start, rows }) => [start, rows])).toEqual([
      [5, 6],
      [11, 6],
    ])
  })

  it('ends with the data, though the schedule goes on', () => {
    const { told, steps } = play({ duration_s: null }, () => ({ ms: 0.1 }), { rows: 30 })
    expect(told).toMatchObject({ arrived: 30, answered: 30, waiting: 0 })
    expect(told.offered).toBeCloseTo(1000, 6)
    expect(steps.at(-1)!.start).toBe(29)
    const left = { rows: 10 }
    const own = play({}, (_, rows) => {
      const taken = Math.min(left.rows, rows)
      left.rows -= taken
      return { ms: 0.1, rows: taken === 0 ? null : taken }
    })
    expect(own.told).toMatchObject({ arrived: 10, answered: 10, waiting: 0 })
  })

  it('handles what has arrived for as long as it could be in time, and counts the rest as waiting', () => {
    const { told } = play({ deadline_ms: 20 }, () => ({ ms: 2 }), { chunkSize: 1 })
    expect(told.arrived).toBe(100)
    // 100 ms and 20 ms more, at 2 ms each.
    expect(told.answered).toBe(60)
    expect(told.waiting).toBe(40)
    expect(told.inTime).toBeLessThan(25)
    expect(told.sustained).toBe(false)
    expect(told.achieved).toBeCloseTo(500, 6)
  })

  it('knows answers that come with a later step', () => {
    const { told } = play(
      { duration_s: 0.01 },
      (step, rows) => ({ ms: 0.1, answered: step % 2 === 0 ? 0 : 2 * rows }),
      {
        chunkSize: 1,
      },
    )
    expect(told).toMatchObject({ arrived: 10, answered: 10, waiting: 0 })
    // Each second event is answered 0.1 ms after its arrival, the one before it 1 ms later.
    expect(told.latencyMean!).toBeCloseTo(0.6, 9)
    expect(told.waitMean).toBe(0)
    const never = play({ duration_s: 0.01 }, () => ({ ms: 0.1, answered: 0 }), { chunkSize: 1 }).told
    expect(never).toMatchObject({ arrived: 10, answered: 0, waiting: 10, latencyMean: null, achieved: null })
  })

  it('says how many labels have arrived', () => {
    const { steps } = play({ label_delay_ms: 10 }, () => ({ ms: 0 }), { chunkSize: 1 })
    expect(steps.slice(8, 13).map(({ labels }) => labels)).toEqual([0, 0, 1, 2, 3])
    const { steps: before } = play({}, () => ({ ms: 0 }), { chunkSize: 1 })
    expect(before[0]!.labels).toBeUndefined()
  })

  it.each([
    [{ rows: 65 }, 'step() handled 65 rows and was offered 1: in mode: realtime'],
    [{ rows: 1, answered: 2 }, 'step(): answered is 2, and only 1 rows wait for an answer'],
  ])('refuses a report that says %j', (report, message) => {
    expect(() => play({}, () => ({ ms: 1, ...report }))).toThrow(message)
  })

  it('ends where a workload has fewer rows to give up than it should', () => {
    const clock = new VirtualClock()
    const queue = { limit_rows: 5, when_full: 'drop_oldest' } as const
    const loop = new OpenLoop({ spec: spec({ queue }), chunkSize: 5, rows: null, clock })
    driveVirtually(
      loop,
      clock,
      () => ({ ms: 20 }),
      (rows) => Math.min(rows, 3),
    )
    const { arrived, answered, shed, waiting } = loop.result()
    expect({ arrived, answered, shed, waiting }).toEqual({ arrived: 4, answered: 1, shed: 3, waiting: 0 })
  })

  it('needs a workload that can give up rows', async () => {
    const open: OpenWorkload = { step: ({ rows }) => ({ rows }), finish: () => ({ metrics: {} }) }
    const run = new MeasuredRun(open, new MemoryCheck(readWorkerMemory(), null, () => {}), null)
    const driver = { waits: true, next: () => ({ skip: 3 }) }
    await expect(run.drive(driver)).rejects.toThrow('this workload has no skip(rows)')
  })

  it('counts what a step that follows at once had to wait for as latency of the one before', async () => {
    const open: OpenWorkload = { step: ({ rows }) => ({ rows }), finish: () => ({ metrics: {} }) }
    const run = new MeasuredRun(open, new MemoryCheck(readWorkerMemory(), null, () => {}), null)
    const pauses = [0, 3, 3, 3]
    const driver = {
      waits: true,
      follows: false,
      next() {
        const ms = pauses.shift()
        if (ms === undefined) return null
        for (const end = performance.now() + ms; performance.now() < end; );
        return { rows: 1, train: true }
      },
      ended() {
        this.follows = true
      },
    }
    await run.drive(driver)
    expect(run.latency.count).toBe(4)
    expect(run.latency.total).toBeGreaterThanOrEqual(9)
    expect(run.service.total).toBeLessThan(run.latency.total)
  })

  it('says of each step whether it followed the last without a wait', () => {
    const clock = new VirtualClock()
    const loop = new OpenLoop({ spec: spec({ duration_s: 0.007 }), chunkSize: 1, rows: null, clock })
    const follows: boolean[] = []
    driveVirtually(loop, clock, (step) => {
      follows.push(loop.follows)
      return { ms: step === 1 ? 2.5 : 0.5 }
    })
    // Events at 0 to 6 ms; the second takes until 3.5 ms, the third until 4, the sixth from 5 to 5.5.
    expect(follows).toEqual([false, false, true, true, true, true, false])
  })
})

/** What is said of a queue with constant service at a load, over so many events. */
function sustains(load: number, events: number, seed: number): boolean | null {
  const rate = 500
  const { told } = play(
    {
      arrival: { pattern: 'poisson', rate },
      seed,
      duration_s: events / rate,
    },
    (_, rows) => ({ ms: rows * ((1000 / rate) * load) }),
    { chunkSize: 1 },
  )
  return told.sustained
}

describe('whether a load is sustained', () => {
  // The full form is what docs/guides/realtime.md says.
  const full = process.env['STINT_FULL'] === '1'
  const trials = full ? 1000 : 10
  const random = new Random(5)
  const shareOf = (load: number, events: number) => {
    let yes = 0
    for (let i = 0; i < trials; i++) if (sustains(load, events, random.bits() >>> 0) === true) yes++
    return yes / trials
  }

  it.each([
    [0.5, 2000, 1],
    [0.9, 2000, 0.98],
    [0.95, 10_000, 0.98],
  ])('says yes at a load of %s over %s events', (load, events, least) => {
    expect(shareOf(load, events)).toBeGreaterThanOrEqual(least - (full ? 0 : 0.1))
  })

  it.each([
    [1.05, 10_000, 0.02],
    [1.1, 2000, 0.05],
    [1.3, 2000, 0],
  ])('says no at a load of %s over %s events', (load, events, most) => {
    expect(shareOf(load, events)).toBeLessThanOrEqual(most + (full ? 0 : 0.1))
  })

  it('cannot tell from a few events', () => {
    expect(sustains(0.5, 5, 1)).toBeNull()
  })
})
