import { expect, test } from 'vitest'
import { growths } from '../../../harness/analyse/growth.ts'
import { normals } from './make-noise.ts'
import { METRICS, makeScenario, makeTrial } from './make-trials.ts'

function grown(latency: (rows: number, batch: number) => number, spread = 0.02) {
  const draw = normals(9)
  const scenarios = [1000, 4000, 16_000, 64_000].flatMap((rows) =>
    [8, 64].map((batch) => makeScenario(`${rows}-${batch}`, { 'dataset.rows': rows, batch })),
  )
  return growths({
    scenarios,
    axes: ['dataset.rows', 'batch'],
    metrics: [METRICS.get('latency_mean_ms')!],
    trials: scenarios.flatMap(({ id, point }) =>
      Array.from({ length: 4 }, (_, round) => {
        const ms = latency(Number(point['dataset.rows']), Number(point['batch'])) * Math.exp(spread * draw())
        return makeTrial(id, round, { metrics: { latency_mean_ms: ms } })
      }),
    ),
  })[0]
}

test.each([
  ['constant', () => 3],
  ['logarithmic', (rows: number) => Math.log(rows)],
  ['linear', (rows: number) => 2 * rows],
  ['n log n', (rows: number) => rows * Math.log(rows)],
  ['quadratic', (rows: number) => rows * rows],
] as const)('growth that is %s is called so, whatever the other settings do', (name, of) => {
  const found = grown((rows, batch) => of(rows) * batch)!
  expect(found.orders[0]).toBe(name)
  expect(found.orders.length).toBeLessThan(3)
  expect(found.low).toBeLessThan(found.power)
  expect(found).toMatchObject({ n: 32, settings: 2, rows: { least: 1000, most: 64_000 } })
})

test('what lies between two orders has no name, and a single size tells nothing', () => {
  expect(grown((rows) => rows ** 1.5, 0.001)!.orders).toEqual([])
  expect(growths({ scenarios: [], axes: ['batch'], metrics: [], trials: [] })).toEqual([])
})
