import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Adwin } from '../../../workers/pipeline/drift/adwin.ts'
import { CategoricalDrift } from '../../../workers/pipeline/drift/categorical.ts'
import type { BulkDetector, DetectorState, DriftDetector } from '../../../workers/pipeline/drift/detector.ts'
import { KolmogorovSmirnov } from '../../../workers/pipeline/drift/kolmogorov-smirnov.ts'
import { DRIFT_DEFAULTS } from '../../../workers/pipeline/drift/options.ts'
import { PageHinkley } from '../../../workers/pipeline/drift/page-hinkley.ts'
import { randomNumbers } from '../learn/batches.ts'
import { shared } from '../shared.ts'

const DETECTORS: [string, () => DriftDetector, (state: DetectorState) => DriftDetector][] = [
  ['adwin', () => new Adwin(), Adwin.fromJSON],
  ['adwin by blocks', () => new Adwin({ block: 8 }), Adwin.fromJSON],
  ['page_hinkley', () => new PageHinkley(), PageHinkley.fromJSON],
  ['kolmogorov_smirnov', () => new KolmogorovSmirnov(), KolmogorovSmirnov.fromJSON],
  ['categorical', () => new CategoricalDrift(), CategoricalDrift.fromJSON],
]

/** 0 or 1 for 1,000 values, then 4 to 7. */
function stepStream(seed: number): number[] {
  const random = randomNumbers(seed)
  return Array.from({ length: 2000 }, (_, i) =>
    i < 1000 ? Math.floor(random() * 2) : 4 + Math.floor(random() * 4),
  )
}

function alarms(detector: DriftDetector, values: number[]): number[] {
  const at: number[] = []
  for (const [i, value] of values.entries()) if (detector.add(value)) at.push(i)
  return at
}

const path = shared('fixtures/river_drift_stream_12345.json')
describe.skipIf(!existsSync(path))(`the stream of River's examples (${path}, skipped when absent)`, () => {
  const stream = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as number[]) : []

  test('ADWIN alarms where River does', () => {
    expect(alarms(new Adwin(), stream)).toEqual([1023])
  })

  test('Page-Hinkley alarms where River does', () => {
    expect(alarms(new PageHinkley(), stream)).toEqual([1006])
  })
})

describe.each(DETECTORS)('%s', (name, make, restore) => {
  test('finds an abrupt change soon and once, on each of ten streams', () => {
    for (let seed = 0; seed < 10; seed += 1) {
      const [first, ...more] = alarms(make(), stepStream(seed))
      expect(first).toBeGreaterThanOrEqual(1000)
      expect(first).toBeLessThan(1000 + 2 * 256)
      // By themselves these may speak twice of one change; a stream that they watch starts afresh after the first alarm.
      const twice = name.startsWith('adwin') || name === 'page_hinkley'
      expect(more.length).toBeLessThanOrEqual(twice ? 1 : 0)
    }
  })

  test('is mostly silent without a change', () => {
    let count = 0
    for (let seed = 0; seed < 10; seed += 1) {
      const random = randomNumbers(100 + seed)
      // Page-Hinkley's threshold is in the unit of the values, so they are kept small for it.
      const unit = name === 'page_hinkley' ? 0.1 : 1
      const steady = Array.from({ length: 3000 }, () => Math.floor(random() * 5) * unit)
      count += alarms(make(), steady).length
    }
    expect(count).toBeLessThanOrEqual(1)
  })

  test('goes on bit by bit after a round trip through JSON text', () => {
    const stream = stepStream(7)
    const straight = make()
    let restored = make()
    for (const [i, value] of stream.entries()) {
      expect(restored.add(value)).toBe(straight.add(value))
      if (i % 97 === 0) restored = restore(JSON.parse(JSON.stringify(restored)))
    }
    expect(JSON.stringify(restored)).toBe(JSON.stringify(straight))
  })
})

const BULK: [string, () => BulkDetector][] = [
  ['adwin', () => new Adwin({ clock: 7, max_buckets: 3 })],
  ['adwin at every value', () => new Adwin({ clock: 1 })],
  ['adwin by blocks', () => new Adwin({ clock: 64, block: 16 })],
  ['page_hinkley', () => new PageHinkley({ threshold: 20 })],
]

test.each(BULK)('%s takes many values to the same bits as one by one', (_, make) => {
  const random = randomNumbers(5)
  const values = Float64Array.from({ length: 6000 }, (_, i) => random() + (Math.floor(i / 700) % 2) * 3)
  const many = make()
  const single = make()
  const at: number[] = []
  for (let from = 0; from < values.length; ) {
    const to = Math.min(values.length, from + Math.floor(random() * 300))
    for (let i = many.addMany(values, from, to); i >= 0; i = many.addMany(values, i + 1, to)) at.push(i)
    from = to
  }
  expect(at).toEqual(alarms(single, [...values]))
  expect(at.length).toBeGreaterThan(4)
  expect(JSON.stringify(many)).toBe(JSON.stringify(single))
})

test.each([
  ['distinct', (random: number) => random],
  ['with ties', (random: number) => Math.floor(random * 9)],
  ['all but one alike', (random: number) => (random < 0.99 ? 4 : 1e9)],
])('the Kolmogorov-Smirnov statistic is the largest gap at any value: values %s', (_, toValue) => {
  const random = randomNumbers(6)
  for (let round = 0; round < 50; round += 1) {
    const window = 2 + Math.floor(random() * 60)
    const detector = new KolmogorovSmirnov({ window })
    const [a, b] = [0, 0.1].map((shift) => Array.from({ length: window }, () => toValue(random()) + shift))
    for (const value of [...a!, ...b!]) detector.add(value)
    const share = (values: number[], x: number) => values.filter((value) => value <= x).length / window
    const gaps = [...a!, ...b!].map((x) => Math.abs(share(a!, x) - share(b!, x)))
    expect(detector.statistic).toBe(Math.max(...gaps))
  }
})

test('ADWIN keeps the mean and length of what is left after a cut, in little memory', () => {
  const detector = new Adwin()
  const stream = stepStream(3)
  for (const value of stream) detector.add(value)
  expect(detector.length).toBeGreaterThan(900)
  expect(detector.length).toBeLessThanOrEqual(1000)
  const rest = stream.slice(-detector.length)
  expect(detector.mean).toBeCloseTo(rest.reduce((a, b) => a + b, 0) / rest.length, 9)
  const buckets = (detector.toJSON()['levels'] as unknown[][]).flat().length
  expect(buckets).toBeLessThanOrEqual(6 * Math.ceil(Math.log2(1000)))
})

test('ADWIN by blocks has the variance of its window, and alarms where ADWIN by values does', () => {
  const random = randomNumbers(8)
  const values = Float64Array.from({ length: 8192 }, (_, i) => random() + (i < 4096 ? 0 : 0.3))
  const [single, blocks] = [new Adwin({ clock: 128 }), new Adwin({ clock: 128, block: 32 })]
  const [one, other] = [single, blocks].map((detector) => detector.addMany(values, 0, 4096))
  expect([one, other]).toEqual([-1, -1])
  const m2 = (detector: Adwin) => (detector.toJSON() as unknown as { m2: number }).m2
  expect(m2(blocks)).toBeCloseTo(m2(single), 9)
  const [first, second] = [single, blocks].map((detector) => detector.addMany(values, 4096, 8192))
  expect(first).toBeLessThan(4096 + 512)
  expect(second).toBe(first)
})

test('Page-Hinkley as pipelines use it finds a shift of half a standard deviation, and little else', () => {
  const { shift, threshold } = DRIFT_DEFAULTS
  const make = () => new PageHinkley({ delta: shift, threshold, alpha: 1 })
  let found = 0
  let early = 0
  for (let seed = 0; seed < 60; seed += 1) {
    const random = randomNumbers(200 + seed)
    // Of deviation 1.
    const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    const detector = make()
    const at = alarms(
      detector,
      Array.from({ length: 3500 }, (_, i) => normal() + (i < 3000 ? 0 : 0.5)),
    )
    if (at.some((row) => row < 3000)) early += 1
    else if (at.length > 0) found += 1
  }
  expect(early).toBe(0)
  expect(found).toBeGreaterThanOrEqual(58)
})

test('Kolmogorov-Smirnov sees a change of spread that leaves the mean alone', () => {
  const random = randomNumbers(11)
  const detector = new KolmogorovSmirnov({ window: 200 })
  const values = Array.from({ length: 2000 }, (_, i) => (random() - 0.5) * (i < 1000 ? 1 : 4))
  expect(alarms(detector, values)[0]).toBe(1199)
  expect(detector.statistic).not.toBeNull()
})

test('the statistics are the textbook ones', () => {
  const ks = new KolmogorovSmirnov({ window: 4 })
  for (const value of [1, 2, 3, 4, 3, 4, 5, 6]) ks.add(value)
  expect(ks.statistic).toBe(0.5)
  const l1 = new CategoricalDrift({ window: 4 })
  for (const value of [0, 0, 1, 1, 0, 2, 2, -1]) l1.add(value)
  expect(l1.statistic).toBe(0.25 + 0.5 + 0.5 + 0.25)
})

test('options out of range are refused', () => {
  expect(() => new Adwin({ delta: 0 })).toThrow(/delta/)
  expect(() => new PageHinkley({ threshold: 0 })).toThrow(/threshold/)
  expect(() => new KolmogorovSmirnov({ window: 1 })).toThrow(/window/)
  expect(() => new CategoricalDrift({ alpha: 0 })).toThrow(/alpha/)
  expect(() => new Adwin({ clock: 32, block: 5 })).toThrow(
    /block must be a whole number that divides clock 32/,
  )
})
