import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { MemoryCheck, readWorkerMemory } from '../../../workers/caps/memory.ts'
import { ClosedLoop } from '../../../workers/drive/closed.ts'
import type { Driver, TimedStep } from '../../../workers/drive/driver.ts'
import { CONTROL_BYTES } from '../../../workers/drive/interleaved.ts'
import { MeasuredRun } from '../../../workers/measured-run.ts'
import { threadMs } from '../../../workers/telemetry/clock.ts'
import type { Offer, OpenWorkload } from '../../../workers/workload.ts'

/** So many steps, then the end of the data. */
function workload(steps: number, offers: Offer[] = []): OpenWorkload {
  return {
    step: (offer) => {
      offers.push(offer)
      return offers.length > steps ? null : { rows: offer.rows }
    },
    finish: () => ({ metrics: {} }),
  }
}
const measured = (open: OpenWorkload) =>
  new MeasuredRun(open, new MemoryCheck(readWorkerMemory(), null, () => {}), null)

/** Keeps what it hears, and when it let a step start. */
class Recorder implements Driver {
  readonly allowed: number[] = []
  readonly steps: (TimedStep | null)[] = []
  readonly waits: boolean
  private readonly offers: Offer[]

  constructor(waits: boolean, offers: Offer[]) {
    this.waits = waits
    this.offers = offers
  }

  next(): Offer | null | Promise<Offer | null> {
    const offer = this.offers[this.allowed.length] ?? null
    this.allowed.push(threadMs())
    return this.waits ? Promise.resolve(offer) : offer
  }

  ended(step: TimedStep | null): void {
    this.steps.push(step)
  }
}

const OFFERS = [3, 1, 2].map((rows): Offer => ({ rows, train: rows !== 1 }))

describe('a driver', () => {
  it.each([false, true])('says what each step may take and when the run ends (waits: %s)', async (waits) => {
    const offers: Offer[] = []
    const driver = new Recorder(waits, OFFERS)
    const run = measured(workload(9, offers))
    expect(await run.drive(driver)).toBe(false)
    expect(offers).toEqual(OFFERS)
    expect(driver.steps.map((step) => step?.rows)).toEqual([3, 1, 2])
    expect([run.rows, run.latency.count]).toEqual([6, 3])
    const total = driver.steps.reduce((sum, step) => sum + step!.end - step!.start, 0)
    expect(run.latency.total).toBeCloseTo(total, 9)
  })

  it('hears of the end of the data', async () => {
    const driver = new Recorder(true, OFFERS)
    expect(await measured(workload(2)).drive(driver)).toBe(true)
    expect(driver.steps.map((step) => step?.rows)).toEqual([3, 1, undefined])
    expect(driver.steps.at(-1)).toBeNull()
  })

  it('that waits has its steps start when it lets them, and one that does not when the last one ended', async () => {
    const waiting = new Recorder(true, OFFERS)
    await measured(workload(9)).drive(waiting)
    for (const [i, step] of waiting.steps.entries())
      expect(step!.start).toBeGreaterThanOrEqual(waiting.allowed[i]!)
    const closed = new Recorder(false, OFFERS)
    await measured(workload(9)).drive(closed)
    const [first, ...others] = closed.steps as TimedStep[]
    for (const [i, step] of others.entries()) expect(step.start).toBe([first!, ...others][i]!.end)
  })
})

describe('the closed loop', () => {
  it('goes on to the end of the data, or for so many steps', async () => {
    const offers: Offer[] = []
    expect(await measured(workload(4, offers)).drive(new ClosedLoop(7))).toBe(true)
    expect(offers).toEqual(Array(5).fill({ rows: 7, train: true }))
    expect(await measured(workload(4)).drive(new ClosedLoop(7, 3))).toBe(false)
    expect(await measured(workload(4)).drive(new ClosedLoop(7, 0))).toBe(false)
  })
})

describe('the turns of a duet', () => {
  const MOST_STEPS = 1_000_000
  /** Each side in a thread of its own, with data of so many chunks; the order in which their steps came. */
  async function play(chunks: [number, number], targetMs: number, mostMs = 60_000) {
    const control = new SharedArrayBuffer(CONTROL_BYTES)
    const order = new SharedArrayBuffer(4 * (1 + 2 * MOST_STEPS))
    const sides = chunks.map((steps, place) => {
      const workerData = { turns: { targetMs, mostMs, place, control }, steps, order, root: import.meta.url }
      const thread = new Worker(SIDE, { eval: true, workerData })
      return new Promise<{ pairs: number; rows: number[] }>((resolve, reject) => {
        thread.once('message', resolve).once('error', reject)
      })
    })
    const ends = await Promise.all(sides)
    const [count, ...places] = new Int32Array(order)
    return { ends, order: places.slice(0, count).join('') }
  }
  const SIDE = `
    const { parentPort, workerData: { turns, steps, order, root } } = require('node:worker_threads')
    const load = (file) => import(new URL('../../../build/workers/' + file, root).href)
    const words = new Int32Array(order)
    const open = () => {
      let left = steps
      return {
        step: () => {
          words[1 + Atomics.add(words, 0, 1)] = turns.place
          return left-- > 0 ? { rows: 5 } : null
        },
        finish: () => ({ metrics: {} }),
      }
    }
    ;(async () => {
      const [{ MeasuredRun }, { Turns }] = [await load('measured-run.js'), await load('drive/interleaved.js')]
      const memory = { check: () => {}, latest: {} }
      const driver = new Turns(5, turns)
      while (await new MeasuredRun(open(), memory, null).drive(driver));
      const { latencies, rows } = driver.times()
      parentPort.postMessage({ pairs: latencies.length, rows: [...rows] })
    })()
  `

  const BY_TURNS = /^(0110)+(01)?$/

  it('are a b, b a, and so on, until the time is up', async () => {
    const { ends, order } = await play([MOST_STEPS, MOST_STEPS], 100, 100)
    expect(order).toMatch(BY_TURNS)
    expect(ends.map(({ pairs }) => pairs)).toEqual([order.length / 2, order.length / 2])
  })

  it('go on with the data anew where both ended together', async () => {
    const { ends, order } = await play([1, 1], 100)
    expect(order).toMatch(BY_TURNS)
    for (const { rows } of ends)
      expect(rows).toEqual(rows.map((_, pair) => (pair % 2 === 0 ? 5 : Number.NaN)))
  })

  it.each<[number, number]>([
    [3, 5],
    [5, 3],
  ])('end with the shorter data: %i and %i chunks', async (...chunks) => {
    const { ends, order } = await play(chunks, 60_000)
    expect(order).toBe('01100110')
    expect(ends.map(({ pairs }) => pairs)).toEqual([4, 4])
  })
})
