import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { residentAllowanceMb, resourceLimits } from '../../../workers/caps/memory.ts'

const MIB = 1024 * 1024
const SCRIPT = fileURLToPath(new URL('../../fixtures/memory-check.mjs', import.meta.url))

interface Way {
  /** Of each check, what it said; null where it let the memory pass. */
  said: (string | null)[]
  /** Bytes. */
  peak: number
  /** Bytes or buffers that were held until then. */
  kept: number
  early: number
  collections: number
}

describe('MemoryCheck', () => {
  let ways: Record<'untouched' | 'garbage' | 'own' | 'uncapped', Way>
  beforeAll(() => {
    ways = JSON.parse(execFileSync(process.execPath, ['--expose-gc', SCRIPT], { encoding: 'utf8' }))
  })

  it('counts off-heap memory that was never touched', () => {
    const { said, peak, kept } = ways.untouched
    expect(said).toHaveLength(2)
    for (const message of said) expect(message).toMatch(/off-heap 80\.\d MB.*max_memory_mb 64/)
    expect(peak / MIB).toBeGreaterThan(79)
    expect(kept).toBe(80 * MIB)
  })

  it('collects garbage before it condemns, and only then', () => {
    const { said, early, collections, peak, kept } = ways.garbage
    expect(early).toBe(0)
    expect(kept).toBe(80)
    expect(said).toEqual([null, null])
    expect(collections).toBeGreaterThan(0)
    expect(peak).toBeLessThan(64 * MIB)
  })

  it("leaves the harness's own samples out", () => expect(ways.own.said).toEqual([null]))

  it('has no limit without a cap, and still the peaks', () => {
    const { said, peak, kept } = ways.uncapped
    expect(said).toEqual([null])
    expect(peak).toBeGreaterThanOrEqual(kept)
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
