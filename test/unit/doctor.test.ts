import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { measureQuiet } from '../../harness/doctor/quiet.ts'
import { raplLacks, remedyFor } from '../../harness/doctor/remedies.ts'
import { FakeExecutor } from '../fixtures/fake-executor.ts'

describe('the A/A comparison', () => {
  const measure = (wall: (side: number, run: number) => number | null) =>
    measureQuiet(
      new FakeExecutor({
        result: ({ trial }) => {
          const [, side, run] = trial.split('-').map(Number)
          const wall_s = wall(side!, run!)
          return { metrics: wall_s === null ? {} : { wall_s } }
        },
      }),
      10,
      () => 0.7,
    )

  it('finds nothing where nothing varies', async () => {
    const { runs, variation, apparent_change, smallest_change, disturbed } = await measure(() => 0.06)
    expect([runs, apparent_change, disturbed]).toEqual([10, 0, 0])
    expect(variation).toBeCloseTo(0, 12)
    expect(smallest_change).toBeCloseTo(0, 12)
  })

  it('tells by how much identical trials differ and what that hides', async () => {
    const { variation, apparent_change, smallest_change } = await measure((side, run) =>
      run % 2 === 0 ? 0.06 : side === 0 ? 0.066 : 0.0726,
    )
    expect(variation).toBeGreaterThan(0.05)
    expect(variation).toBeLessThan(0.15)
    expect(apparent_change).toBeCloseTo(Math.sqrt(0.06 * 0.0726) / Math.sqrt(0.06 * 0.066) - 1, 10)
    expect(smallest_change).toBeCloseTo(Math.exp(2.8 * variation! * Math.sqrt(0.2)) - 1, 10)
  })

  it('knows nothing where trials did not end', async () => {
    expect(await measure(() => null)).toMatchObject({
      variation: null,
      apparent_change: null,
      smallest_change: null,
    })
  })
})

describe('energy counters', () => {
  const root = mkdtempSync(join(tmpdir(), 'powercap-'))
  const before = process.env['STINT_POWERCAP_ROOT']
  beforeAll(() => {
    process.env['STINT_POWERCAP_ROOT'] = root
  })
  afterAll(() => {
    if (before === undefined) delete process.env['STINT_POWERCAP_ROOT']
    else process.env['STINT_POWERCAP_ROOT'] = before
    rmSync(root, { recursive: true })
  })
  const domain = (id: number, name: string, energy: string | null) => {
    const folder = join(root, `intel-rapl:${id}`)
    mkdirSync(folder)
    writeFileSync(join(folder, 'name'), `${name}\n`)
    if (energy !== null) writeFileSync(join(folder, 'energy_uj'), `${energy}\n`)
  }

  it('of which some cannot be read are named, since energy needs them all', () => {
    expect([raplLacks(), remedyFor('rapl')]).toEqual([
      expect.stringMatching(/^no package counter can be read here/),
      null,
    ])
    domain(0, 'package-0', '12345')
    domain(1, 'package-1', null)
    domain(2, 'psys', '1')
    expect(raplLacks()).toBe(
      '1 of 2 package counters can be read, and energy needs them all: not intel-rapl:1',
    )
    expect(remedyFor('rapl')).toBe(`sudo chmod a+r ${root}/intel-rapl:*/energy_uj`)
  })
})

describe('a remedy', () => {
  it('is none for what needs none', () => {
    expect(remedyFor('duty_cycle')).toBeNull()
    expect(remedyFor('none')).toBeNull()
  })
})
