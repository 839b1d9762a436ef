import { describe, expect, it } from 'vitest'
import { type Alarm, Monitor } from '../../../workers/pipeline/drift/monitor.ts'
import { DRIFT_DEFAULTS, type DriftOptions } from '../../../workers/pipeline/drift/options.ts'
import { randomNumbers } from '../learn/batches.ts'

/** Rows of one feature and one slot; at `change` the parts named move. */
function stream(rows: number, change: number, moves: { target?: number; feature?: number; slot?: number }) {
  const random = randomNumbers(9)
  const dense = new Float64Array(rows)
  const hot = new Int32Array(rows)
  const target = new Float64Array(rows)
  for (let i = 0; i < rows; i += 1) {
    const late = i >= change
    dense[i] = random() + (late ? (moves.feature ?? 0) : 0)
    hot[i] = Math.floor(random() * 3) + (late ? (moves.slot ?? 0) : 0)
    target[i] = 100 * random() + (late ? (moves.target ?? 0) : 0)
  }
  return {
    batch: { rows, width: 1, dense, slots: 1, hot, hotSize: 6, target },
    zeros: new Float64Array(rows),
  }
}

function watched(moves: object, size: number, restore = false, options: Partial<DriftOptions> = {}): Alarm[] {
  const { batch, zeros } = stream(3000, 1500, moves)
  const shape = { features: ['f'], slots: ['s'], task: 'regression' } as const
  const asked = { ...DRIFT_DEFAULTS, ...options }
  let monitor = new Monitor(shape, (row) => row + 1, asked)
  const alarms: Alarm[] = []
  for (let from = 0; from < 3000; from += size) {
    const to = Math.min(3000, from + size)
    monitor.observe(batch, from, to, from, zeros, from)
    alarms.push(...monitor.take())
    if (restore) monitor = new Monitor(shape, (row) => row + 1, asked, JSON.parse(JSON.stringify(monitor)))
  }
  return alarms
}

describe('the monitor', () => {
  it('is silent where nothing changes', () => {
    expect(watched({}, 100)).toEqual([])
  })

  it.each([
    ['target', { target: 80 }, 'page_hinkley'],
    ['target', { target: 80 }, 'adwin'],
    ['error', { target: 80 }, 'adwin'],
    ['f', { feature: 0.6 }, 'adwin'],
    ['f', { feature: 0.6 }, 'kolmogorov_smirnov'],
    ['s', { slot: 2 }, 'categorical'],
  ] as const)(
    'tells that %s changed by %j, by %s where only that watches, with its row, once',
    (name, moves, detector) => {
      const alarms = watched(moves, 100, false, { detectors: [detector] })
      expect(alarms.filter(({ stream }) => stream === name).length).toBe(1)
      const first = alarms.find((alarm) => alarm.stream === name && alarm.detector === detector)
      expect(first?.row).toBeGreaterThan(1500)
      expect(first?.row).toBeLessThan(1500 + 600)
      expect(alarms.every(({ row }) => row > 1500)).toBe(true)
    },
  )

  it.each([{ target: 80 }, { feature: 0.6 }, { slot: 2 }])(
    'gives one alarm a stream for one change: %j',
    (moves) => {
      const alarms = watched(moves, 100)
      expect(new Set(alarms.map(({ stream }) => stream)).size).toBe(alarms.length)
    },
  )

  it('says whether the error rose or fell', () => {
    expect(watched({ target: 80 }, 100).find(({ stream }) => stream === 'error')?.direction).toBe('up')
    expect(watched({ target: -50 }, 100).find(({ stream }) => stream === 'error')?.direction).toBe('down')
  })

  it('tells the same in other batches, and from a saved state', () => {
    const alarms = watched({ target: 80, slot: 1 }, 3000)
    expect(alarms.length).toBeGreaterThan(2)
    expect(watched({ target: 80, slot: 1 }, 7)).toEqual(alarms)
    expect(watched({ target: 80, slot: 1 }, 250, true)).toEqual(alarms)
  })

  it('keeps columns called as its own streams apart from them', () => {
    const { batch, zeros } = stream(3000, 1500, { feature: 0.6, slot: 2 })
    const shape = { features: ['error'], slots: ['target'], task: 'regression' } as const
    let monitor = new Monitor(shape, (row) => row + 1)
    for (let from = 0; from < 3000; from += 500) {
      monitor.observe(batch, from, from + 500, from, zeros, from)
      monitor = new Monitor(shape, (row) => row + 1, DRIFT_DEFAULTS, JSON.parse(JSON.stringify(monitor)))
    }
    expect(Object.keys(monitor.summary()).sort()).toEqual(['column error', 'column target'])
  })
})
