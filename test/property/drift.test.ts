/** What drift detectors of the pipeline find in files, and how seldom they speak of nothing. */
import { describe, expect, it } from 'vitest'
import { checkDataset } from '../../workers/pipeline/check-dataset.ts'
import type { AlarmCounts } from '../../workers/pipeline/drift/monitor.ts'
import type { Scalar } from '../../workers/workload.ts'
import { randomNumbers } from '../unit/learn/batches.ts'
import { csvFile, prepared, runPipeline } from '../unit/pipeline/support.ts'

const ROWS = 12_000
const SHIFT_AT = 5000

/** A normal feature, a colour and a target that depends on neither; each moves at row 5000 as asked. */
function shifted(seed: number, by: { mean?: number; spread?: number; colours?: number }): string {
  const random = randomNumbers(seed)
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const lines = ['x,colour,y']
  for (let i = 0; i < ROWS; i += 1) {
    const late = i >= SHIFT_AT
    const x = 40 + 7 * (normal() * (late ? (by.spread ?? 1) : 1) + (late ? (by.mean ?? 0) : 0))
    const colour = ['red', 'green', 'blue'][
      Math.min(2, Math.floor(random() * (late ? (by.colours ?? 3) : 3)))
    ]
    lines.push(`${x.toFixed(4)},${colour},${random().toFixed(4)}`)
  }
  return lines.join('\n')
}

async function alarms(text: string, params: Record<string, Scalar> = {}): Promise<AlarmCounts> {
  const dataset = await prepared(csvFile(text), {
    target: 'y',
    columns: { x: 'number', colour: 'category', y: 'number' },
  })
  const given = { learner: 'sgd', drift: 'alarm', ...params }
  const run = await runPipeline(dataset, given, { chunk_size: 512, batch_size: 512 })
  return run.info!['drift'] as AlarmCounts
}

const seeds = [1, 2, 3, 4, 5]

describe('a feature whose mean moves at row 5000', () => {
  it.each([
    [0.5, 600],
    [1, 300],
    [2, 200],
    [5, 200],
  ])('by %d standard deviations is told of once, within %d rows', async (mean, within) => {
    for (const seed of seeds) {
      const { x, ...others } = await alarms(shifted(seed, { mean }))
      const found = Object.values(x ?? {})
      expect(found.map((one) => one.alarms)).toEqual([1])
      expect(found[0]!.first_row).toBeGreaterThan(SHIFT_AT)
      expect(found[0]!.first_row).toBeLessThanOrEqual(SHIFT_AT + within)
      expect(others).toEqual({})
    }
  })
})

it('a category whose mix changes at row 5000 is told of once, within two windows', async () => {
  for (const seed of seeds) {
    const found = await alarms(shifted(seed, { colours: 2 }))
    expect(Object.keys(found)).toEqual(['colour'])
    expect(found['colour']!['categorical']).toMatchObject({ alarms: 1 })
    expect(found['colour']!['categorical']!.first_row).toBeLessThanOrEqual(SHIFT_AT + 512)
  }
})

it('a change of spread only is seen by windows, sooner with a smaller stride', async () => {
  const text = shifted(1, { spread: 6 })
  const all = await alarms(text, { drift_stride: 1 })
  expect(all['x']!['kolmogorov_smirnov']!.first_row).toBeLessThanOrEqual(SHIFT_AT + 512)
  const few = await alarms(text, { drift_stride: 4 })
  expect(few['x']!['kolmogorov_smirnov']!.first_row).toBeGreaterThan(
    all['x']!['kolmogorov_smirnov']!.first_row,
  )
  expect(await alarms(text, { drift_detectors: 'page_hinkley, categorical' })).toEqual({})
})

it('what stays as it is gives no alarm', async () => {
  for (const seed of seeds) expect(await alarms(shifted(100 + seed, {}))).toEqual({})
})

it.each([
  ['adwin, oracle', /names "oracle", which is no detector: expected one or more of adwin, page_hinkley/],
  ['', /names no detector/],
])('drift_detectors "%s" is refused before any trial', async (drift_detectors, message) => {
  const dataset = await prepared(csvFile('x,y\n1,2\n2,3\n3,5\n'), { target: 'y' })
  await expect(checkDataset(dataset, [{ drift: 'alarm', drift_detectors }])).rejects.toThrow(message)
})
