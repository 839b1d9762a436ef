import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ChunkController, type ControllerOptions, type Footprint } from '../../../workers/pipeline/control.ts'

const MB = 1024 * 1024

const controller = (options: Partial<ControllerOptions> = {}) =>
  new ChunkController({
    chunkSize: 800,
    start: 100,
    maxRetries: 3,
    budgetBytes: null,
    targetLatencyMs: null,
    ...options,
  })

/** A run that holds so many bytes and takes so many more a row. */
const footprint = (heldBytes: number, rowBytes: number): Footprint => ({
  heldBytes,
  chunkBytes: (rows) => rows * rowBytes,
})

const NOTHING = footprint(0, 0)

describe('the chunk controller', () => {
  it('grows by an eighth of the asked size with each chunk, up to that size', () => {
    const control = controller()
    const sizes = Array.from({ length: 10 }, () => control.decide(NOTHING)).map(({ rows, reason }) => [
      rows,
      reason,
    ])
    expect(sizes).toEqual([
      [100, 'start'],
      [200, 'grow'],
      [300, 'grow'],
      [400, 'grow'],
      [500, 'grow'],
      [600, 'grow'],
      [700, 'grow'],
      [800, 'grow'],
      [800, 'hold'],
      [800, 'hold'],
    ])
    expect(control.counts).toEqual({ grow: 7, split: 0, over_target: 0, over_budget: 0 })
    expect([control.smallest, control.largest]).toEqual([100, 800])
  })

  it('halves a chunk that would not fit until it does, and says how often', () => {
    const control = controller({ start: 800, budgetBytes: 10 * MB })
    const decision = control.decide(footprint(4 * MB, 0.02 * MB))
    // 800 rows take 16 MB and 400 take 8 MB beside the 4 that are held; 200 take 4 MB.
    expect(decision).toEqual({ rows: 200, reason: 'split', retries: 2, footprintBytes: 8 * MB })
    expect(control.retries).toBe(2)
    // 300 rows would stand at the full budget, beyond the room that growth leaves.
    expect(control.decide(footprint(4 * MB, 0.02 * MB))).toMatchObject({ rows: 200, reason: 'hold' })
    // Memory was freed.
    expect(control.decide(footprint(1 * MB, 0.02 * MB))).toMatchObject({ rows: 300, reason: 'grow' })
  })

  it('splits again when what is held grows', () => {
    const control = controller({ start: 400, budgetBytes: 10 * MB })
    const held = [1, 1, 3, 7, 7, 9.5, 2]
    const decisions = held.map((mb) => control.decide(footprint(mb * MB, 0.01 * MB)))
    expect(decisions.map(({ rows, reason }) => `${rows} ${reason}`)).toEqual([
      '400 start',
      '500 grow',
      '500 hold',
      '250 split',
      '250 hold',
      '32 split',
      '132 grow',
    ])
  })

  it('halves at most max_chunk_retries times, then leaves it to the cap and says so', () => {
    const impossible = footprint(4 * MB, 1 * MB)
    const decide = (maxRetries: number) =>
      controller({ start: 800, maxRetries, budgetBytes: 5 * MB }).decide(impossible)
    expect(decide(0)).toMatchObject({ rows: 800, reason: 'over_budget', retries: 0 })
    expect(decide(3)).toMatchObject({ rows: 100, reason: 'over_budget', retries: 3 })
    expect(decide(30)).toMatchObject({ rows: 1, reason: 'split', retries: 10 })
  })

  it('does not split where that saves nothing', () => {
    const control = controller({ start: 400, budgetBytes: 5 * MB })
    const roomy: Footprint = { heldBytes: 6 * MB, chunkBytes: (rows) => (rows > 500 ? rows * MB : 0) }
    expect(control.decide(roomy)).toMatchObject({ rows: 400, reason: 'over_budget', retries: 0 })
  })

  it('never asks for a chunk beyond the budget while halvings are left, whatever the footprints', () => {
    const readings = fc.array(fc.tuple(fc.nat(20 * MB), fc.nat(40_000)), { minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(readings, fc.integer({ min: 1, max: 800 }), (footprints, start) => {
        const budgetBytes = 16 * MB
        const control = controller({ start, maxRetries: 30, budgetBytes })
        for (const [held, row] of footprints) {
          const { rows, reason, footprintBytes } = control.decide(footprint(held, row))
          expect(rows).toBeGreaterThanOrEqual(1)
          expect(rows).toBeLessThanOrEqual(800)
          expect(footprintBytes).toBe(held + rows * row)
          if (footprintBytes > budgetBytes) {
            expect(reason).toBe('over_budget')
            expect(row === 0 || rows === 1).toBe(true)
          }
        }
      }),
    )
  })
})

describe('a target latency', () => {
  /** Chunks cost a fixed time and a time a row, times a disturbance. */
  function run(targetLatencyMs: number, chunks: number, rowMs: (chunk: number) => number) {
    const control = controller({ targetLatencyMs, chunkSize: 4096, start: 64 })
    return Array.from({ length: chunks }, (_, chunk) => {
      const { rows, reason } = control.decide(NOTHING)
      const disturbance = 1 + 0.1 * Math.sin(chunk * 2.4)
      const latency = (0.3 + rows * rowMs(chunk)) * disturbance
      control.finished(rows, latency)
      return { rows, reason, latency }
    })
  }
  const mean = (values: { latency: number }[]) =>
    values.reduce((sum, { latency }) => sum + latency, 0) / values.length

  it('is held from below', () => {
    for (const target of [2, 10, 30]) {
      const settled = run(target, 200, () => 0.01).slice(60)
      expect(mean(settled)).toBeLessThanOrEqual(target)
      expect(mean(settled)).toBeGreaterThan(target * 0.6)
      const late = settled.filter(({ latency }) => latency > target * 1.2)
      expect(late.length).toBeLessThan(settled.length * 0.05)
    }
  })

  it('is held again within ten chunks when rows become four times as slow, with the reason', () => {
    const chunks = run(10, 200, (chunk) => (chunk < 100 ? 0.01 : 0.04))
    expect(chunks.slice(100, 110).map(({ reason }) => reason)).toContain('over_target')
    expect(mean(chunks.slice(110))).toBeLessThanOrEqual(10)
    expect(mean(chunks.slice(110))).toBeGreaterThan(6)
  })

  it('does not hold back chunks that are fast enough', () => {
    expect(run(1000, 30, () => 0.01).at(-1)).toMatchObject({ rows: 4096, reason: 'hold' })
  })

  it('gives one row a chunk where even that is too slow', () => {
    expect(run(0.001, 30, () => 0.01).at(-1)!.rows).toBe(1)
  })
})
