import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadSearch } from '../../../harness/sweep/load.ts'
import type { Overrides } from '../../../harness/sweep/overrides.ts'
import { type SearchRequest, valuesToTry } from '../../../harness/sweep/search.ts'
import { CORES, folderWith, problemsOf } from './sweep-file.ts'

const SWEEP =
  'name: a\nworkload: pipeline\ndataset: { generate: nba2k, rows: 100 }\ngoal: { subject_to: [r2 >= 0.5] }\n'
const ASKED: SearchRequest = {
  ...{ axis: 'max_memory_mb', best: 'min', over: null, resolution: 0.05, trials: 20 },
  ...{ range: { low: 8, high: 64 }, param: null },
}

function search(change: Partial<SearchRequest> = {}, text = SWEEP, overrides: Overrides = {}) {
  const folder = folderWith({ 'sweep.yaml': text })
  return loadSearch(join(folder, 'sweep.yaml'), { ...ASKED, ...change }, overrides, { cores: CORES, folder })
}

const refused = (change: Partial<SearchRequest>, text = SWEEP): string[] =>
  problemsOf(() => search(change, text)).map(({ message }) => message)

describe('a sweep that is searched', () => {
  it('has a scenario for each value that may be tried, the hardest first', () => {
    const { sweep } = search()
    expect(sweep.search).toMatchObject({
      axis: 'max_memory_mb',
      best: 'min',
      over: null,
      lines: [null],
      trials: 20,
    })
    expect(sweep.search!.values[0]).toBe(8)
    expect(sweep.search!.values.at(-1)).toBe(64)
    expect(sweep.scenarios.map(({ settings }) => settings.max_memory_mb)).toEqual(sweep.search!.values)
    expect(sweep.benchmark_runs).toBe(20)
    expect(search({ best: 'max' }).sweep.search!.values[0]).toBe(64)
  })

  it('takes the ends of the range from the grid where none is given, and repeats along another axis in order', () => {
    const text = `${SWEEP}grid: { max_memory_mb: [32, 16], batch_size: [64, 32] }\n`
    const { sweep } = search({ range: null, over: 'batch_size' }, text)
    expect(sweep.search).toMatchObject({ over: 'batch_size', lines: [32, 64] })
    expect(sweep.search!.values[0]).toBe(16)
    expect(sweep.search!.values.at(-1)).toBe(32)
    expect(sweep.scenarios.length).toBe(2 * sweep.search!.values.length)
  })

  it.each([
    ['max_memory_mb', 4, 512, 0.05],
    ['max_compute_units', 0.05, 1, 0.02],
    ['arrival.rate', 100, 90_000, 0.1],
    ['chunk_size', 1, 40, 0.5],
  ])(
    'steps %s by no more than the resolution, and by whole numbers where there are no others',
    (axis, low, high, resolution) => {
      const { values } = valuesToTry({ ...ASKED, axis, resolution, range: { low, high } }, {}, CORES)
      expect([values[0], values.at(-1)]).toEqual([low, high])
      const isWhole = axis === 'chunk_size' || axis === 'max_memory_mb'
      for (const [i, value] of values.entries()) {
        if (i === 0) continue
        const last = values[i - 1]!
        const isNext = isWhole && value === last + 1
        expect(value > last && (isNext || value / last <= (1 + resolution) * 1.0001)).toBe(true)
        if (isWhole) expect(Number.isInteger(value)).toBe(true)
      }
      expect(new Set(values).size).toBe(values.length)
    },
  )

  it.each<[string, Partial<SearchRequest>, string | RegExp]>([
    [
      'an axis without order',
      { axis: 'params.learner', param: { type: 'string', default: 'sgd', description: '' } },
      'have no order',
    ],
    [
      'a seed',
      { axis: 'random_seed' },
      '--min random_seed: the values of random_seed have no order, or no steps between them',
    ],
    ['no such axis', { axis: 'max_memory' }, '--min max_memory: no such axis; did you mean "max_memory_mb"?'],
    ['a range upside down', { range: { low: 64, high: 8 } }, '--range 64..8: runs backwards or is empty'],
    ['an empty range', { range: { low: 8, high: 8 } }, 'runs backwards or is empty'],
    ['no range', { range: null }, '--min max_memory_mb: no range to search in'],
    ['a range from 0', { range: { low: 0, high: 8 } }, 'starts at 0, expected a number above 0'],
    [
      'an end that no cap may be',
      { range: { low: 1, high: 64 } },
      '--range 1..64: max_memory_mb cannot be 1, expected a number of MB, 4 or more',
    ],
    [
      'more of a core than there are',
      { axis: 'max_compute_units', range: { low: 0.1, high: 9 } },
      'max_compute_units cannot be 9, expected a share of one core from 0.05 to 4',
    ],
    [
      'an end beyond the parameter',
      { axis: 'params.x', param: { type: 'integer', default: 1, maximum: 10, description: '' } },
      '--range 8..64: params.x cannot be 64, expected at most 10',
    ],
    ['a resolution of 0', { resolution: 0 }, '--resolution 0: expected a share above 0'],
    ['too fine a resolution', { resolution: 1e-6 }, 'expected at most 20,000'],
    ['too few trials', { trials: 3 }, '--trials 3: expected a whole number of at least 8'],
    ['an axis that is not in the grid', { over: 'batch_size' }, '--over batch_size: is no axis of the grid'],
    ['the same axis twice', { over: 'max_memory_mb' }, 'is the axis of the search itself'],
  ])('refuses %s before any trial, in one message', (_, change, said) => {
    const messages = refused(change)
    expect(messages).toHaveLength(1)
    expect(messages[0]).toContain(said)
  })

  it.each([
    [
      'no goal',
      SWEEP.replace(/goal.*\n/, ''),
      'the sweep has no goal, and a search needs to know when it is met',
    ],
    [
      'a goal without bounds',
      SWEEP.replace(/goal.*\n/, 'goal: { maximize: r2 }\n'),
      'the sweep names no bounds in its goal',
    ],
    [
      'machines',
      `${SWEEP}machines: [pi4]\n`,
      'the sweep names machines, and a search runs on this machine only',
    ],
    ['another axis', `${SWEEP}grid: { batch_size: [32, 64] }\n`, 'the grid has another axis, batch_size'],
    [
      'scenarios of its own',
      `${SWEEP}include: [{ max_memory_mb: 7 }]\n`,
      'the sweep has `include`, which leaves gaps in the axis',
    ],
  ])('refuses a sweep with %s', (_, text, said) => {
    const messages = refused({}, text)
    expect(messages).toHaveLength(1)
    expect(messages[0]).toContain(said)
  })
})
