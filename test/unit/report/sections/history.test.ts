import { expect, test } from 'vitest'
import type { History, HistoryEvent, HistorySeries, SeriesChange } from '../../../../harness/gate/types.ts'
import { historyPlots } from '../../../../harness/report/plots/history.ts'
import { csvText } from '../../../../harness/report/render/csv.ts'
import { junitText } from '../../../../harness/report/render/junit.ts'
import { historyReport } from '../../../../harness/report/sections/history.ts'
import { markdownOf, textOf } from '../rendered.ts'

const LABEL = 'chunk_size=64 max_compute_units=1'
const points = Array.from({ length: 12 }, (_, i) => ({
  run: `results/edge/${i}`,
  commit: `c0ffee${i}`,
  started_at: new Date(Date.UTC(2026, 10, i + 1)).toISOString(),
  value: i < 6 ? 10 : 12,
}))
const change: SeriesChange = {
  ...{ kind: 'step', verdict: 'worse' },
  ...{ index: 6, low: 6, high: 6, before: 10, after: 12, p: 0.001 },
}
const series: HistorySeries = {
  ...{
    sweep: 'edge',
    machine: 'a board',
    scenario: 's1',
    label: LABEL,
    metric: 'latency_mean_ms',
    unit: 'ms',
  },
  ...{ direction: 'lower_is_better', compared_by: 'ratio', points, outliers: [3], changes: [change] },
}
const event: HistoryEvent = {
  ...{ sweep: 'edge', machine: 'a board', verdict: 'worse', kind: 'step', new: false },
  ...{ first: points[6]!, last: points[6]!, good: points[5]! },
  members: [{ ...change, ...series }],
}
const history: History = { runs: 12, events: [event], series: [series], notes: [] }

test('names scenarios in words for people, and by their labels for programs', () => {
  const plots = historyPlots(history)
  const report = historyReport(history, 'results', plots)
  const text = textOf(report, 1000)
  expect(text).toContain('mean chunk latency of chunk 64, 1 core: 10.0 ms → 12.0 ms (+20%)')
  expect(text).toContain('Mean chunk latency of edge (chunk 64, 1 core) stands apart in results/edge/3')
  const shown = [text, markdownOf(report), JSON.stringify(plots.map(({ spec }) => spec))]
  for (const page of shown) expect(page).not.toContain('chunk_size=')
  expect(shown[1]).toContain('| chunk 64, 1 core |')
  expect(shown[2]).toContain('mean chunk latency, chunk 64, 1 core')
  expect(csvText(report.tables[0]!)).toContain(`,${LABEL},`)
  expect(report.data['series']).toMatchObject([{ label: LABEL }])
  expect(junitText(report)).toContain('classname="edge"')
})

test('series that changed come first in a page', () => {
  const still = { ...series, changes: [] }
  const { sections } = historyReport({ ...history, series: [still, still, series] }, 'results')
  const tables = sections.flatMap(({ blocks }) =>
    blocks.flatMap((block) => (block.kind === 'table' ? [block.table] : [])),
  )
  expect(tables.map(({ first }) => first)).toEqual([[2]])
})

test('a page chooses among series by each setting of their labels', () => {
  const labels = ['chunk_size=64 params.learner=007', 'chunk_size=256 params.learner=none', 'chunk_size=1024']
  const all = labels.map((label, i) => ({ ...series, label, scenario: `s${i}` }))
  const { explore } = historyReport({ ...history, series: all }, 'results').page!
  expect(explore!.filters).toEqual([
    { key: 'chunk_size', title: 'Chunk size', values: ['64', '256', '1024'] },
    { key: 'params.learner', title: 'Learner', values: ['007', 'none'] },
  ])
  expect(explore!.items.map(({ at }) => at)).toEqual([
    [0, 0],
    [1, 1],
    [2, 1],
  ])
})
