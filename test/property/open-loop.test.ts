import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Random } from '../../workers/data/presets/random.ts'
import { arrivalsOf } from '../../workers/drive/arrivals.ts'
import { OpenLoop } from '../../workers/drive/open.ts'
import type { OpenLoopSpec } from '../../workers/protocol/trial-spec.ts'
import { driveVirtually, VirtualClock } from '../fixtures/virtual-time.ts'

interface Case {
  spec: OpenLoopSpec
  chunkSize: number
  rows: number | null
  /** Of step i with so many rows, ms. */
  service: (step: number, rows: number) => number
}

interface Step {
  start: number
  rows: number
  train: boolean
}

/** All that a queue with one server does, event by event. */
interface Expected {
  steps: Step[]
  latencies: number[]
  waits: number[]
  arrived: number
  shed: number
  left: number
}

/** All arrivals of a case, in one list. */
function arrivalsIn({ spec, rows }: Case): number[] {
  const arrivals = arrivalsOf(spec.arrival, spec.seed)
  const all: number[] = []
  const block = new Float64Array(64)
  const end = (spec.duration_s ?? Number.POSITIVE_INFINITY) * 1000
  const most = rows ?? Number.POSITIVE_INFINITY
  for (;;) {
    arrivals.draw(block)
    for (const time of block) {
      if (time >= end || all.length >= most) return all
      all.push(time)
    }
  }
}

/**
 * Lindley's recursion: a step starts when the last has ended and its events have arrived, start(n) = max(A(n), end(n-1));
 * with chunks, a limit on the queue, and a time to wait for a chunk to fill.
 */
function lindley(one: Case): Expected {
  const { spec, chunkSize, service } = one
  const { when_full, limit_rows } = spec.queue
  const limit = limit_rows ?? Number.POSITIVE_INFINITY
  const arrivals = arrivalsIn(one)
  const cutOff =
    spec.duration_s === null ? Number.POSITIVE_INFINITY : spec.duration_s * 1000 + (spec.deadline_ms ?? 1000)
  const full = when_full.startsWith('drop') ? Math.min(chunkSize, limit) : chunkSize
  const expected: Expected = { steps: [], latencies: [], waits: [], arrived: 0, shed: 0, left: 0 }
  let queue: number[] = []
  let free = 0
  const admit = (until: number) => {
    for (; expected.arrived < arrivals.length && arrivals[expected.arrived]! <= until; expected.arrived++) {
      if (when_full === 'drop_newest' && queue.length >= limit) expected.shed++
      else queue.push(expected.arrived)
      if (when_full === 'drop_oldest' && queue.length > limit) {
        queue.shift()
        expected.shed++
      }
    }
  }
  for (;;) {
    admit(free)
    if (queue.length === 0 && expected.arrived === arrivals.length) break
    const next = arrivals[expected.arrived]
    const first = arrivals[queue[0] ?? expected.arrived]!
    const filling = arrivals[expected.arrived + full - queue.length - 1] ?? Number.POSITIVE_INFINITY
    const isFull = queue.length >= full
    const ready =
      next === undefined || isFull
        ? free
        : spec.max_wait_ms === 0
          ? first
          : Math.min(first + spec.max_wait_ms, filling)
    const start = Math.max(free, ready)
    if (start >= cutOff) {
      admit(start)
      break
    }
    admit(start)
    const inOrder = queue.findIndex((event, i) => event !== queue[0]! + i)
    const rows = Math.min(chunkSize, inOrder < 0 ? queue.length : inOrder)
    const train = when_full !== 'predict_only' || queue.length <= limit
    const end = start + service(expected.steps.length, rows)
    for (const event of queue.splice(0, rows)) {
      expected.waits.push(start - arrivals[event]!)
      expected.latencies.push(end - arrivals[event]!)
    }
    expected.steps.push({ start, rows, train })
    free = end
  }
  expected.left = queue.length
  queue = []
  return expected
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

const patterns = fc.record({
  pattern: fc.constantFrom('constant' as const, 'poisson' as const, 'bursts' as const),
  rate: fc.double({ min: 50, max: 5000, noNaN: true }),
})
const cases = fc
  .record({
    arrival: patterns,
    seed: fc.nat(),
    duration: fc.option(fc.double({ min: 0.01, max: 0.3, noNaN: true })),
    maxWait: fc.constantFrom(0, 0, 0.5, 5),
    deadline: fc.option(fc.constantFrom(0.5, 5, 50)),
    limit: fc.constantFrom(1, 3, 20, 100),
    policy: fc.constantFrom(
      'block' as const,
      'drop_oldest' as const,
      'drop_newest' as const,
      'predict_only' as const,
    ),
    chunkSize: fc.constantFrom(1, 4, 64),
    rows: fc.integer({ min: 1, max: 400 }),
    /** Ms of a step, of a row, and of a stall. */
    service: fc.record({
      step: fc.constantFrom(0, 0.05, 1, 5),
      row: fc.constantFrom(0, 0.01, 0.5),
      stall: fc.constantFrom(0, 30),
    }),
  })
  .map(({ arrival, seed, duration, maxWait, deadline, limit, policy, chunkSize, rows, service }): Case => {
    const random = new Random(seed)
    const factors: number[] = []
    const factorOf = (step: number) => {
      while (factors.length <= step) factors.push(2 * random.uniform())
      return factors[step]!
    }
    return {
      spec: {
        kind: 'open',
        through: null,
        arrival:
          arrival.pattern === 'bursts'
            ? { pattern: 'bursts', rate: arrival.rate, duty: 0.2, factor: 4, period_ms: 20 }
            : { pattern: arrival.pattern, rate: arrival.rate },
        seed,
        duration_s: duration,
        max_wait_ms: maxWait,
        deadline_ms: deadline,
        queue: { limit_rows: limit, when_full: policy },
        label_delay_ms: 0,
      },
      chunkSize,
      rows,
      service: (step, rows) =>
        factorOf(step) * (service.step + service.row * rows) + (step % 10 === 9 ? service.stall : 0),
    }
  })

it("equals Lindley's recursion to the last bit, and loses no event", () => {
  const seen = { shed: 0, left: 0, untrained: 0 }
  fc.assert(
    fc.property(cases, (one) => {
      const expected = lindley(one)
      const clock = new VirtualClock()
      const loop = new OpenLoop({ spec: one.spec, chunkSize: one.chunkSize, rows: one.rows, clock })
      const steps = driveVirtually(loop, clock, (step, rows) => ({ ms: one.service(step, rows) }))
      expect(steps.map(({ start, rows, train }) => ({ start, rows, train }))).toEqual(expected.steps)
      const told = loop.result()
      const { arrived, answered, shed, waiting } = told
      expect({ arrived, answered, shed, waiting }).toEqual({
        arrived: expected.arrived,
        answered: expected.latencies.length,
        shed: expected.shed,
        waiting: expected.left,
      })
      expect(arrived).toBe(answered + shed + waiting)
      const n = expected.latencies.length
      expect(told.latencyMean).toBe(n === 0 ? null : sum(expected.latencies) / n)
      expect(told.waitMean).toBe(n === 0 ? null : sum(expected.waits) / n)
      expect(told.latency.quantile(1)).toBe(n === 0 ? null : Math.max(...expected.latencies))
      const { deadline_ms } = one.spec
      const inTime = deadline_ms === null ? null : expected.latencies.filter((ms) => ms <= deadline_ms).length
      expect(told.inTime).toBe(inTime)
      expect(told.untrained).toBe(sum(expected.steps.map(({ rows, train }) => (train ? 0 : rows))))
      seen.shed += shed
      seen.left += waiting
      seen.untrained += told.untrained
    }),
    { numRuns: 1000 },
  )
  // The cases are worth something.
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(1000)
})
