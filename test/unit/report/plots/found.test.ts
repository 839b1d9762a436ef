import { expect, it } from 'vitest'
import type { RecordedSearch } from '../../../../harness/report/found.ts'
import { buildReportModel } from '../../../../harness/report/model.ts'
import { foundPlot } from '../../../../harness/report/plots/found.ts'
import { settingLabel, settingTitle } from '../../../../harness/report/words.ts'
import { DATASET_AXES } from '../../../../harness/sweep/dataset.ts'
import { SCENARIO_SETTINGS } from '../../../../harness/sweep/settings.ts'
import { syntheticRun } from '../synthetic.ts'

const scenarioAxes = [
  ...SCENARIO_SETTINGS,
  ...Object.keys(DATASET_AXES).map((name) => `dataset.${name}`),
  'profile',
  'machine',
]

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
  const search = { axis: 'arrival.rate', best: 'max', over: 'max_compute_units', lines: [0.1, 0.2] }
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

it('an interrupted search says so, and which values it had not come to', () => {
  const { manifest, trials } = syntheticRun()
  const whole = capacity()
  const part = {
    ...whole,
    search: { ...whole.search, lines: [0.1, 0.2, 0.4] },
    lines: whole.lines.map((line, i) => ({ ...line, isOver: i === 0, ...(i === 1 && { meets: null }) })),
  }
  const model = buildReportModel({ ...manifest, finished_at: null }, trials)
  const { spec } = foundPlot(model, part, 'capacity.png')
  const { layer } = spec as unknown as Layers
  const named = (name: string) => layer.find((one) => one.name === name)!.data.values
  expect(named('blanks')).toEqual([
    { x: 0.2, why: 'not over' },
    { x: 0.4, why: 'not begun' },
  ])
  expect(named('met').map(({ shown }) => shown)).toEqual(['1,000'])
  const text = JSON.stringify(spec).replaceAll('","', ' ')
  expect(text).toContain('not over: 1 of 3 values of compute cap done')
  expect(text).toContain('The search was interrupted')
})

it('the axis of a setting has words, and its unit', () => {
  const titles = scenarioAxes.map(settingTitle)
  expect(titles.filter((title) => /[._]/.test(title))).toEqual([])
  expect(new Set(titles).size).toBe(titles.length)
  expect(settingTitle('dataset.rows')).toBe('Size of the data (rows)')
  expect(settingTitle('chunk_size')).toBe('Chunk size (rows)')
  // The names of others are theirs.
  expect(settingTitle('dataset.columns.price_eur')).toBe('Kind of column price_eur')
})

it('a setting beside a point has its value with the unit', () => {
  expect(settingLabel('dataset.rows', 2000)).toBe('2000 rows of data')
  expect(settingLabel('arrival.rate', 500)).toBe('500 events/s')
  expect(settingLabel('deadline_ms', 20)).toBe('deadline 20 ms')
  expect(settingLabel('deadline_ms', null)).toBe('no deadline')
  // A parameter's own brackets are no unit.
  expect(settingLabel('params.rate (Hz)', 3)).toBe('rate (Hz) 3')
})
