import { expect, test } from 'vitest'
import { buildReportModel } from '../../../../harness/report/model.ts'
import { type Box, placeLabels } from '../../../../harness/report/plots/labels.ts'
import { linearTicks, logTicks, position, scaleOver } from '../../../../harness/report/plots/scale.ts'
import { headline } from '../../../../harness/report/plots/tradeoff.ts'
import { layOut, pointsOf } from '../../../../harness/report/plots/tradeoff-layout.ts'
import { measuring } from '../../../fixtures/trials.ts'
import { syntheticRun } from '../synthetic.ts'

const bounds: Box = { x0: 0, y0: 0, x1: 800, y1: 400 }
const size = { width: 90, height: 17 }

test('labels neither overlap nor leave the picture', () => {
  const anchors = Array.from({ length: 30 }, (_, i) => ({
    x: 300 + (i % 6) * 12,
    y: 150 + Math.floor(i / 6) * 9,
    ...size,
  }))
  const boxes = placeLabels(anchors, [], bounds).flatMap((place) =>
    place ? [{ x0: place.x - 45, x1: place.x + 45, y0: place.y - 8.5, y1: place.y + 8.5 }] : [],
  )
  expect(boxes.length).toBeGreaterThan(8)
  for (const [i, a] of boxes.entries()) {
    expect(a.x0).toBeGreaterThanOrEqual(0)
    expect(a.y1).toBeLessThanOrEqual(400)
    for (const b of boxes.slice(i + 1)) {
      expect(Math.min(a.x1, b.x1) > Math.max(a.x0, b.x0) && Math.min(a.y1, b.y1) > Math.max(a.y0, b.y0)).toBe(
        false,
      )
    }
  }
})

test('no line from a point to its label crosses a label or another such line', () => {
  let seed = 1
  const random = () => {
    seed = (seed * 48271) % 2147483647
    return seed / 2147483647
  }
  let drawn = 0
  for (let round = 0; round < 40; round++) {
    const anchors = Array.from({ length: 25 }, () => ({
      ...{ x: 250 + 160 * random(), y: 120 + 120 * random() },
      ...size,
    }))
    const places = placeLabels(anchors, [], bounds)
    const lines = places.flatMap((place, i) =>
      place?.leader ? [{ i, from: anchors[i]!, to: place.leader }] : [],
    )
    drawn += lines.length
    for (const { i, from, to } of lines) {
      // Places along the line, a fifth of a px apart at most.
      const along = Array.from({ length: 500 }, (_, k) => ({
        x: from.x + ((to.x - from.x) * k) / 499,
        y: from.y + ((to.y - from.y) * k) / 499,
      }))
      for (const [j, place] of places.entries()) {
        if (place === null || j === i) continue
        const isIn = along.some(({ x, y }) => Math.abs(x - place.x) < 45 && Math.abs(y - place.y) < 8.5)
        expect(isIn, `${i} through ${j}`).toBe(false)
      }
    }
  }
  expect(drawn).toBeGreaterThan(20)
})

test('a label goes where nothing is', () => {
  const anchor = { x: 400, y: 200, ...size }
  const right: Box = { x0: 405, y0: 0, x1: 800, y1: 400 }
  const [place] = placeLabels([anchor], [right], bounds)
  expect(place!.x + size.width / 2).toBeLessThanOrEqual(407)
})

test('a label without any room is left out', () => {
  expect(placeLabels([{ x: 10, y: 10, ...size }], [], { x0: 0, y0: 0, x1: 20, y1: 20 })).toEqual([null])
})

test('scales turn logarithmic beyond a decade of positive values only', () => {
  expect(scaleOver([1, 30]).type).toBe('log')
  expect(scaleOver([1, 5]).type).toBe('linear')
  expect(scaleOver([0, 500]).type).toBe('linear')
  expect(scaleOver([-1, 500]).type).toBe('linear')
})

test('one value still gets a scale with room on both sides', () => {
  for (const value of [0, 3, -2, 1e-9]) {
    const scale = scaleOver([value, value])
    expect(scale.domain[0]).toBeLessThan(value)
    expect(scale.domain[1]).toBeGreaterThan(value)
    expect(position(scale, value)).toBeCloseTo(0.5)
    expect(scale.ticks.length).toBeGreaterThan(0)
  }
})

test('intervals of few trials stretch an axis only so far, and never below zero for a positive cost', () => {
  const { manifest, trials } = syntheticRun({
    chunk_size: [64, 65],
    batch_size: [8],
    max_memory_mb: [64],
    max_compute_units: [1],
    runs: 2,
  })
  const model = buildReportModel(manifest, trials)
  const wide = { value: 1, low: -9, high: 11, standardError: 1, n: 2 }
  const points = model.scenarios.map((scenario, i) => ({
    scenario,
    x: { ...wide, value: 1 + i },
    y: wide,
    front: true,
  }))
  const picture = layOut(model, points, model.metrics.get('latency_p50_ms')!, model.metrics.get('r2')!)
  expect(picture.cut).toBe(true)
  expect(picture.xs.ticks[0]).toBeGreaterThanOrEqual(0)
  expect(picture.xs.domain[1]).toBeLessThan(4)
})

test('a title claims no winner where the accuracy is the same throughout', () => {
  const { manifest, trials } = syntheticRun({
    chunk_size: [64, 256],
    batch_size: [8],
    max_memory_mb: [64],
    max_compute_units: [1],
    runs: 3,
  })
  const model = buildReportModel(manifest, trials)
  const points = pointsOf(model.scenarios, 'latency_p50_ms', 'r2', ({ front }) => front.latency)
  const picture = layOut(model, points, model.metrics.get('latency_p50_ms')!, model.metrics.get('r2')!)
  expect(headline(picture, 0.02)).toMatch(/^R² is 0\.638 throughout, the latency 0\.\d+ ms to 1\.\d+ ms$/)
})

test('a title sells no difference in accuracy within the margin as one', () => {
  const { manifest, trials } = syntheticRun({
    chunk_size: [64],
    batch_size: [8, 16],
    max_memory_mb: [64],
    max_compute_units: [1],
    runs: 3,
    alter: (trial, { settings }) =>
      measuring(trial, () => ({
        r2: settings.batch_size === 8 ? 0.804 : 0.807,
        latency_mean_ms: settings.batch_size === 8 ? 9 : 23,
      })),
  })
  const model = buildReportModel(manifest, trials)
  const points = pointsOf(model.scenarios, 'latency_mean_ms', 'r2', ({ front }) => front.latency)
  const picture = layOut(model, points, model.metrics.get('latency_mean_ms')!, model.metrics.get('r2')!)
  expect(headline(picture, 0.02)).toMatch(
    /^R² 0\.804 to 0\.807, the same within the margin; latency 9\.00 to 23\.0 ms$/,
  )
  expect(headline(picture, 0.001)).toMatch(/^R² from 0\.804 to 0\.807, for 2\.56 times the latency$/)
})

test('ticks lie within the domain and are round', () => {
  expect(linearTicks([0.58, 0.66])).toEqual([0.58, 0.6, 0.62, 0.64, 0.66])
  expect(linearTicks([0, 0.3])).toEqual([0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3])
  expect(linearTicks([-1, 1e-9])).toEqual([-1, -0.8, -0.6, -0.4, -0.2, 0])
  expect(logTicks([0.15, 25])).toEqual([0.2, 0.5, 1, 2, 5, 10, 20])
  expect(logTicks([3, 4]).length).toBeGreaterThan(1)
})
