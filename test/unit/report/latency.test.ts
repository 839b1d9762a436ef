/** Where chunks differ in size, everything that ranks or compares latency does so per row. */
import { expect, test } from 'vitest'
import { compareRuns, compareWithin } from '../../../harness/report/compare.ts'
import { buildReportModel } from '../../../harness/report/model.ts'
import { encodeAxes } from '../../../harness/report/plots/encode.ts'
import { picturesOf } from '../../../harness/report/section.ts'
import { runReport } from '../../../harness/report/sections/run.ts'
import { measuring } from '../../fixtures/trials.ts'
import { markdownOf, textOf as terminalOf } from './rendered.ts'
import { type Shape, syntheticRun } from './synthetic.ts'

/** As scenarios/edge-vs-server.yaml: the small device has the smaller chunks and less of a core. */
function edgeAndServer(shape: Shape = {}) {
  const run = syntheticRun({
    chunk_size: [64, 256],
    batch_size: [64],
    max_memory_mb: [256],
    max_compute_units: [0.4, 1],
    metrics: ['latency_p50_ms', 'latency_mean_ms', 'throughput_rows_s'],
    ...shape,
  })
  const { sweep } = run.manifest
  const profileOf = ({ chunk_size, max_compute_units }: (typeof sweep.scenarios)[number]['settings']) =>
    chunk_size === 64 && max_compute_units === 0.4
      ? 'edge'
      : chunk_size === 256 && max_compute_units === 1
        ? 'server'
        : null
  sweep.scenarios = sweep.scenarios.filter(({ settings }) => profileOf(settings))
  for (const scenario of sweep.scenarios) scenario.point['profile'] = profileOf(scenario.settings)
  sweep.axes = ['profile']
  sweep.compare.reference = { profile: 'server' }
  const ids = sweep.scenarios.map(({ id }) => id)
  return { ...run, trials: run.trials.filter(({ scenario }) => ids.includes(scenario)) }
}

const textOf = (model: ReturnType<typeof modelOf>) => terminalOf(runReport(model), 160)

function modelOf({ manifest, trials }: ReturnType<typeof syntheticRun>) {
  return buildReportModel(manifest, trials)
}

test('a throttled device with small chunks is not called faster than a server with large ones', () => {
  const model = modelOf(edgeAndServer())
  const [edge, server] = model.scenarios
  // What misled: its chunks take less time, since they hold a quarter of the rows.
  expect(edge!.metrics['latency_p50_ms']!.value).toBeLessThan(server!.metrics['latency_p50_ms']!.value)
  expect(model.comparisons.map(({ metric, verdict }) => [metric, verdict])).toEqual([
    ['latency_per_row_us', 'slower'],
    ['throughput_rows_s', 'worse'],
  ])
  const [latency] = model.comparisons
  expect(latency!.warnings).toContainEqual(
    expect.objectContaining({ kind: 'chunk_sizes_differ', least: expect.closeTo(63.9, 0) }),
  )
  expect(textOf(model)).not.toMatch(/chunk latency.*faster/)
})

test('fronts and recommendations rank by latency per row', () => {
  const model = modelOf(edgeAndServer())
  const [edge, server] = model.scenarios
  expect(server!.front.latency).toBe(true)
  expect(edge!.metrics['r2']!.value).toBe(server!.metrics['r2']!.value)
  expect(edge!.front.latency).toBe(false)
  const { points } = model.operating
  expect(points[0]).toMatchObject({ goal: 'lowest latency_per_row_us', scenario: server!.id, tied: [] })
  expect(points.map(({ goal }) => goal).join()).not.toContain('latency_mean_ms')
})

test('every page says that latency is per row, and why', () => {
  const model = modelOf(edgeAndServer())
  expect(textOf(model)).toContain('Latency is per row, since chunks hold 64 to 255 rows on average')
  expect(textOf(model)).toMatch(/ us\/row +ms\/chunk +p50 ms /)
  const markdown = markdownOf(runReport(model))
  expect(markdown).toContain('chunks hold 64 to 255 rows on average')
  expect(markdown).toContain('| Latency per row (us) | Mean chunk latency (ms) |')
  const [picture] = picturesOf(runReport(model))
  expect(JSON.stringify(picture!.spec)).toContain('Latency per row (us)')
  expect(JSON.stringify(picture!.spec)).toMatch(/Chunks hold 64 to 255 rows on average, so latency is per/)
})

test('with equal chunks everything stays per chunk', () => {
  const model = modelOf(syntheticRun({ chunk_size: [64], runs: 3 }))
  expect(model.latency).toBe('latency_mean_ms')
  expect(model.comparisons.map(({ metric }) => metric)).toContain('latency_p50_ms')
  expect(model.comparisons.map(({ metric }) => metric)).not.toContain('latency_per_row_us')
  expect(JSON.stringify(model.notices) + textOf(model)).not.toContain('per row')
})

test('the size is the one measured: caps and adaptation make chunks smaller than chunk_size', () => {
  const adapted = syntheticRun({
    chunk_size: [256],
    batch_size: [64],
    max_memory_mb: [256],
    runs: 5,
    alter: (trial, { point }) =>
      point['max_compute_units'] === 0.25
        ? measuring(trial, ({ chunks }) => ({ chunks: chunks! * 4 }))
        : trial,
  })
  const model = modelOf(adapted)
  expect(model.latency).toBe('latency_per_row_us')
  const latencies = model.comparisons.filter(({ metric }) => metric.startsWith('latency'))
  // Pairs with equal chunks are still compared by what was asked for.
  expect(latencies.map(({ metric, b }) => [metric, b.split('-u')[1]])).toEqual([
    ['latency_p50_ms', '0.5'],
    ['latency_per_row_us', '0.25'],
  ])
})

test('between runs and between profiles of one run the same holds, and each line names its own pair', () => {
  const shape: Shape = { chunk_size: [64, 256], batch_size: [8], max_memory_mb: [64], runs: 5 }
  const before = { name: 'before', ...syntheticRun(shape) }
  const grown: Shape['alter'] = (trial, { point }) =>
    point['chunk_size'] === 64 ? measuring(trial, ({ chunks }) => ({ chunks: chunks! / 2 })) : trial
  const after = { name: 'after', ...syntheticRun({ ...shape, alter: grown }) }
  const { lines, notices } = compareRuns([before, after], { metrics: ['latency_p50_ms', 'r2'] })
  const told = lines.map(({ scenario, row }) => [row.metric, /chunk_size=(\d+)/.exec(scenario)![1]])
  expect(told.filter(([metric]) => metric === 'latency_p50_ms').map(([, size]) => size)).toEqual([
    '256',
    '256',
    '256',
  ])
  expect(told.filter(([metric]) => metric === 'latency_per_row_us').map(([, size]) => size)).toEqual([
    '64',
    '64',
    '64',
  ])
  expect(told.filter(([metric]) => metric === 'r2')).toHaveLength(6)
  expect(notices.map(({ text }) => text).join('\n')).toContain('compared per row and not per chunk')

  const profiles = compareWithin({ name: 'run', ...edgeAndServer() }, { profile: 'server' })
  expect(profiles.lines[0]!.row).toMatchObject({ metric: 'latency_per_row_us', verdict: 'slower' })
})

test('colour and shape go to the axes that explain what is seen', () => {
  const run = syntheticRun({
    chunk_size: [64, 256],
    batch_size: [1, 8, 64, 512],
    max_memory_mb: [64, 256],
    max_compute_units: [0.99, 1],
    runs: 1,
  })
  const learners = ['ridge', 'sgd']
  const scenarios = modelOf(run).scenarios.flatMap((scenario) =>
    learners.map((learner, i) => {
      const r2 = { ...scenario.metrics['r2']!, value: scenario.metrics['r2']!.value - 0.4 * i }
      return { ...scenario, point: { ...scenario.point, learner }, metrics: { ...scenario.metrics, r2 } }
    }),
  )
  const model = modelOf(run)
  const metrics = ['latency_per_row_us', 'r2'].map((name) => model.metrics.get(name)!)
  const axes = [...run.manifest.sweep.axes, 'learner']
  const { colour, shape, others } = encodeAxes(scenarios, axes, metrics)
  expect([colour!.key, shape!.key].sort()).toEqual(['batch_size', 'learner'])
  expect(others).toEqual(['chunk_size', 'max_memory_mb', 'max_compute_units'])
})

test('where events arrive on their own clock, everything ranks and compares by event latency', () => {
  const live = syntheticRun({
    chunk_size: [64, 256],
    metrics: ['latency_p50_ms', 'latency_mean_ms', 'throughput_rows_s'],
    runs: 5,
    alter: (trial, { point }) =>
      measuring(trial, ({ latency_mean_ms }) => {
        // Small chunks take less time each, and keep events waiting for longer.
        const p99 = (point['chunk_size'] === 64 ? 100 : 20) * latency_mean_ms!
        return { event_latency_p50_ms: p99 / 4, event_latency_p99_ms: p99, goodput: 0.99 }
      }),
  })
  const model = modelOf(live)
  expect(model.latency).toBe('event_latency_p99_ms')
  expect(model.differing_chunks).toBeNull()
  const compared = new Set(model.comparisons.map(({ metric }) => metric))
  expect([...compared]).toEqual(['event_latency_p99_ms', 'throughput_rows_s'])
  expect(model.operating.points[0]!.goal).toBe('lowest event_latency_p99_ms')
  const text = textOf(model)
  expect(text).toMatch(/event p50 ms +event p99 ms/)
  expect(text).not.toContain('ms/chunk')
})
