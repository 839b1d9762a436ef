import { beforeEach, describe, expect, it } from 'vitest'
import {
  MemoryCapError,
  MemoryCheck,
  readWorkerMemory,
  residentAllowanceMb,
  resourceLimits,
} from '../../../workers/caps/memory.ts'
import { collectGarbage } from '../../fixtures/collect-garbage.ts'

const MIB = 1024 * 1024

describe('MemoryCheck', () => {
  // What an earlier test left must not go while a later one counts: freed memory is counted one collection late.
  beforeEach(async () => {
    await new Promise((resolve) => setImmediate(resolve))
    collectGarbage()
    collectGarbage()
  })

  it('counts off-heap memory that was never touched', () => {
    const check = new MemoryCheck(readWorkerMemory(), 64, () => {})
    const keep = Buffer.alloc(80 * MIB)
    expect(() => check.check(0)).toThrow(MemoryCapError)
    expect(() => check.check(0)).toThrow(/off-heap 80\.\d MB.*max_memory_mb 64/)
    expect(check.peakBytes / MIB).toBeGreaterThan(79)
    expect(keep.length).toBe(80 * MIB)
  })

  it('collects garbage before it condemns, and only then', () => {
    let collections = 0
    let held: Buffer[] = []
    const check = new MemoryCheck(readWorkerMemory(), 64, () => {
      collections++
      held = []
      collectGarbage()
    })
    check.check(0)
    expect(collections).toBe(0)
    // Many small ones: V8 counts these as freed one collection later.
    for (let i = 0; i < 80; i++) held.push(Buffer.alloc(MIB, 1))
    expect(held.length).toBe(80)
    expect(() => check.check(0)).not.toThrow()
    expect(collections).toBeGreaterThan(0)
    expect(check.peakBytes).toBeLessThan(64 * MIB)
  })

  it("leaves the harness's own samples out", () => {
    const check = new MemoryCheck(readWorkerMemory(), 64, () => {})
    const samples = new Float64Array(10 * MIB)
    expect(() => check.check(samples.byteLength)).not.toThrow()
  })

  it('has no limit without a cap, and still the peaks', () => {
    const check = new MemoryCheck(readWorkerMemory(), null, () => {})
    const keep = Buffer.alloc(100 * MIB)
    check.check(0)
    expect(check.peakExternalBytes).toBeGreaterThanOrEqual(keep.length)
  })
})

describe('limits', () => {
  it('leave room for an idle worker under the smallest cap and grow with the cap', () => {
    expect(resourceLimits(null)).toEqual({})
    expect(resourceLimits(4).maxOldGenerationSizeMb).toBeGreaterThanOrEqual(10)
    expect(resourceLimits(256).maxOldGenerationSizeMb).toBeGreaterThan(256)
    expect(resourceLimits(4096).maxYoungGenerationSizeMb).toBe(48)
  })

  it('allow the runtime little, so that growth past the cap meets the end soon', () => {
    expect(residentAllowanceMb(64)).toBeLessThanOrEqual(20)
    expect(residentAllowanceMb(4096)).toBeLessThanOrEqual(44)
  })
})
