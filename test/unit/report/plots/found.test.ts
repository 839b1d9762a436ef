import { expect, it } from 'vitest'
import type { RecordedSearch } from '../../../../harness/report/found.ts'
import { buildReportModel } from '../../../../harness/report/model.ts'
import { foundPlot } from '../../../../harness/report/plots/found.ts'
import { syntheticRun } from '../synthetic.ts'

type Layers = {
  layer: { name: string; data: { values: Record<string, unknown>[] }; mark: Record<string, unknown> }[]
}

/** A capacity: the highest rate for each of two caps, of which the second meets the goal everywhere. */
function capacity(): RecordedSearch {
  const tried = (at: number, values: [number, 'meets' | 'fails' | 'undecided', boolean][]) =>
    values.map(([value, verdict, confirmed]) => ({ scenario: `${at}-${value}`, value, verdict, confirmed }))
  const lines = [
    {
      ...{ at: 0.1, meets: 1000, fails: 4000, steps: [] },
      tried: tried(0.1, [
        [64_000, 'fails', false],
        [4000, 'fails', true],
        [2000, 'undecided', true],
        [1000, 'meets', true],
      ]),
    },
    { ...{ at: 0.2, meets: 64_000, fails: null, steps: [] }, tried: tried(0.2, [[64_000, 'meets', true]]) },
  ]
  const found = {
    ...{ axis: 'arrival.rate', best: 'max', goal: 'subject to sustained >= 1', test: { alpha: 0.05 } },
    results: lines.map(({ at, meets, fails }) => ({
      at: { max_compute_units: at },
      meets,
      fails,
      trials: 7,
    })),
  }
  const search = { axis: 'arrival.rate', best: 'max', over: 'max_compute_units' }
  return { search, found, lines } as unknown as RecordedSearch
}

it('draws the curve through what meets the goal, with the gap up to what fails, and names only these', () => {
  const { manifest, trials } = syntheticRun()
  const { spec } = foundPlot(buildReportModel(manifest, trials), capacity(), 'capacity.png')
  const { layer } = spec as unknown as Layers
  const named = (name: string) => layer.find((one) => one.name === name)!
  expect(named('curve').data.values.map(({ x, meets }) => [x, meets])).toEqual([
    [0.1, 1000],
    [0.2, 64_000],
  ])
  expect(named('gaps').data.values).toEqual([{ x: 0.1, meets: 1000, fails: 4000 }])
  expect(named('points').data.values).toHaveLength(5)
  // The larger is better, so that what fails stands above.
  expect(named('met').data.values.map(({ shown }) => shown)).toEqual(['1,000', '64,000'])
  expect(named('met').mark['baseline']).toBe('top')
  expect(named('failed').data.values.map(({ shown }) => shown)).toEqual(['4,000'])
  expect(named('failed').mark['baseline']).toBe('bottom')
  expect(JSON.stringify(spec)).toContain('Largest arrival rate that meets the goal, by compute cap')
})
