import { expect, test } from 'vitest'
import { compareRuns, compareWithin, profileReference } from '../../../harness/report/compare.ts'
import { significancePlot } from '../../../harness/report/plots/significance.ts'
import { csvText } from '../../../harness/report/render/csv.ts'
import { picturesOf, shortened } from '../../../harness/report/section.ts'
import { compareReport, forestOf } from '../../../harness/report/sections/compare.ts'
import { ended, measuring, okOf } from '../../fixtures/trials.ts'
import { hostileRun } from './hostile.ts'
import { markdownOf, textOf } from './rendered.ts'
import { type Shape, syntheticRun } from './synthetic.ts'

const GRID: Shape = {
  chunk_size: [64, 256],
  batch_size: [8],
  max_memory_mb: [64],
  max_compute_units: [0.5, 1],
}
const slower: Shape['alter'] = (trial) =>
  measuring(trial, (metrics) => ({ latency_p50_ms: metrics['latency_p50_ms']! * 1.5 }))
const named = (name: string, shape: Shape = {}) => ({ name, ...syntheticRun({ ...GRID, ...shape }) })

test('pairs scenarios by their settings, whatever their order, id and seed', () => {
  const a = named('before')
  const b = named('after', { seed: 2, alter: slower })
  for (const scenario of b.manifest.sweep.scenarios) {
    const trials = b.trials.filter((trial) => trial.scenario === scenario.id)
    scenario.id = `x${scenario.id}`
    scenario.point['random_seed'] = 7
    for (const trial of trials) trial.scenario = scenario.id
  }
  b.manifest.sweep.scenarios.reverse()
  const { lines, notices } = compareRuns([a, b])
  expect(lines).toHaveLength(4 * 4)
  const latency = lines.filter(({ row }) => row.metric === 'latency_p50_ms')
  for (const { row, scenario } of latency) {
    expect(row.verdict).toBe('slower')
    expect(row.ratio).toBeGreaterThan(1.3)
    expect(row.ratio).toBeLessThan(1.7)
    expect(row.a_label).toBe(`before: ${scenario}`)
    expect(row.b_label).toBe(`after: ${scenario}`)
  }
  expect(notices.some(({ text }) => text.includes('no partner'))).toBe(false)
})

test('rows that differ come first where there is no room for all', () => {
  const some: Shape['alter'] = (trial, ...more) =>
    trial.scenario === 'c256-b8-m64-u1' ? slower!(trial, ...more) : trial
  const comparison = compareRuns([named('before'), named('after', { seed: 2, alter: some })])
  const table = compareReport(comparison)
    .sections.flatMap(({ blocks }) => blocks)
    .flatMap((block) => (block.kind === 'table' ? [block.table] : []))[0]!
  expect(table.first!.length).toBeGreaterThan(0)
  expect(table.first!.length).toBeLessThan(comparison.lines.length)
  const { columns } = shortened({ ...table, file: 'all.csv' }, table.first!.length)
  const verdicts = columns.find(({ head }) => head === 'Verdict')!.cells.map(({ text }) => text)
  expect(verdicts).toContain('slower')
  for (const verdict of verdicts) expect(verdict).toMatch(/^(?:slower|faster|worse|better)$/)
})

test('warns loudly that runs one after the other cry wolf', () => {
  const [first] = compareRuns([named('a'), named('b')]).notices
  expect(first).toMatchObject({ level: 'problem' })
  expect(first!.text).toContain('stint gate')
})

test('names other machines, other data, other jobs and other mechanisms', () => {
  const a = named('a')
  const b = named('b', {
    alter: (trial) => ({
      ...trial,
      caps: { ...trial.caps, compute: { ...trial.caps.compute, mechanism: 'duty_cycle' } },
    }),
  })
  b.manifest.machine.cpu_model = 'ARM Cortex-A72'
  b.manifest.datasets[0]!.fingerprint.sha256 = 'f'.repeat(64)
  b.manifest.sweep.n_jobs = 4
  const text = compareRuns([a, b])
    .notices.map((notice) => notice.text)
    .join('\n')
  for (const word of [
    'ARM Cortex-A72',
    'ffffffffffff',
    'The runs differ in n_jobs: 1 in a, 4 in b.',
    'duty_cycle',
  ]) {
    expect(text).toContain(word)
  }
})

test('pairs scenarios whose caps, deadline or seed differ, and says so', () => {
  const b = named('b')
  for (const { settings, point } of b.manifest.sweep.scenarios) {
    const held = { memory_scope: 'process' as const, timeout_s: 5, pin_core: 1 }
    Object.assign(settings, held)
    Object.assign(point, held)
  }
  const { lines, notices } = compareRuns([named('a'), b])
  expect(lines).toHaveLength(4 * 4)
  expect(notices).toContainEqual({
    level: 'problem',
    text: 'The runs differ in memory_scope: workload in a, process in b; in pin_core: none in a, 1 in b; in timeout_s: 120 in a, 5 in b. They change what is measured.',
  })
})

test('scenarios without a partner are named; none in common is a problem', () => {
  const some = compareRuns([named('a'), named('b', { chunk_size: [64, 512] })])
  expect(some.lines).toHaveLength(2 * 4)
  expect(some.notices.map(({ text }) => text)).toContain(
    '4 scenarios found no partner and were left out: a: chunk 256, 0.5 cores; a: chunk 256, 1 core; b: chunk 512, 0.5 cores and 1 more.',
  )
  const none = compareRuns([named('a'), named('b', { chunk_size: [2, 4] })])
  expect(none.lines).toEqual([])
  expect(
    none.notices.some(({ level, text }) => level === 'problem' && text.includes('no scenario in common')),
  ).toBe(true)
})

test('three runs: each against the first, corrected over all pairs', () => {
  const { lines } = compareRuns([named('a'), named('b'), named('c', { alter: slower })], {
    metrics: ['latency_p50_ms'],
  })
  expect(lines.map(({ b }) => b)).toEqual(['b', 'b', 'b', 'b', 'c', 'c', 'c', 'c'])
  expect(lines.slice(4).every(({ row }) => row.verdict === 'slower')).toBe(true)
})

test('profiles within one run', () => {
  const run = named('run')
  for (const { point, settings } of run.manifest.sweep.scenarios) {
    point['profile'] = settings.max_compute_units === 1 ? 'server' : 'edge'
  }
  const reference = profileReference(run.manifest)
  expect(reference).toEqual({ profile: 'edge' })
  const { lines } = compareWithin(run, reference!, { metrics: ['latency_p50_ms'] })
  expect(lines).toHaveLength(2)
  expect(lines.every(({ row }) => row.verdict === 'faster')).toBe(true)
  const report = compareReport(compareWithin(run, reference!))
  expect(report.title).toBe('Within run, against profile edge')
  expect(textOf(report, 300)).toContain('chunk 64, 1 core')
  expect(textOf(report, 300)).not.toContain('chunk_size=')
  // Tools that collect results know them as before.
  expect(report.checks[0]!.suite).toBe(
    'chunk_size=64 max_compute_units=1 against chunk_size=64 max_compute_units=0.5',
  )
  expect(profileReference(named('x').manifest)).toBeNull()
  run.manifest.sweep.compare.reference = { profile: 'server' }
  expect(profileReference(run.manifest)).toEqual({ profile: 'server' })
})

test('an unknown metric is named with those that are known', () => {
  const { notices } = compareRuns([named('a'), named('b')], { metrics: ['latencyy'] })
  expect(notices.some(({ text }) => text.includes('latencyy') && text.includes('latency_p50_ms'))).toBe(true)
})

test('text, Markdown and CSV of a comparison, hostile names included', () => {
  const comparison = compareRuns([
    { name: 'a|b', ...hostileRun() },
    { name: 'c', ...hostileRun() },
  ])
  const text = textOf(compareReport(comparison), 90)
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(90)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of these may be there.
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/)
  expect(markdownOf(compareReport(comparison))).toContain('c against a\\|b')
  expect(markdownOf(compareReport(comparison))).not.toContain('<script>')
  expect(csvText(compareReport(comparison).tables[0]!)).toContain('latency_p50_ms')
})

test('the page has a picture of the comparisons, with what users named as it is', () => {
  const comparison = compareRuns([named('a|b'), named('c', { seed: 2, alter: slower })])
  const plot = significancePlot(forestOf(comparison), 'significance.png')
  const report = compareReport(comparison, [plot])
  expect(picturesOf(report)).toEqual([plot])
  const spec = JSON.stringify(plot.spec)
  expect(spec).toContain('c against a|b')
  expect(spec).toContain('16 comparisons of 4 metrics, each with its interval')
  expect(picturesOf(compareReport(comparison))).toEqual([])
})

test('lines of the picture name the scenario, and the runs only where there are several pairs of them', () => {
  const of = (...names: string[]) => {
    const comparison = compareRuns(names.map((name, seed) => named(name, { seed: seed + 1 })))
    return forestOf(comparison).lines.map(({ pair, shared }) => ({ pair, shared }))
  }
  const two = of('before', 'after')
  expect(two.length).toBeGreaterThan(0)
  for (const { pair, shared } of two) expect(pair).toBe(shared)
  for (const { pair } of of('before', 'after', 'later'))
    expect(pair).toMatch(/^(after|later) against before, /)
})

test('one run alone is a mistake of the caller', () => {
  expect(() => compareRuns([named('a')])).toThrow(RangeError)
})

test('shows what the table warns of, and once that the runs were made one after the other', () => {
  const at = (hour: number, shape: Shape = {}): Shape => ({
    ...shape,
    alter: (trial, scenario) => ({
      ...(shape.alter ? shape.alter(trial, scenario) : trial),
      started_at: `2026-11-22T${hour}:00:00.000Z`,
    }),
  })
  const lost: Shape['alter'] = (trial) => (trial.round === 0 ? ended(trial, 'crashed') : trial)
  const found = compareRuns([named('a', at(10)), named('b', at(11, { alter: lost }))])
  const text = found.notices.map((notice) => notice.text).join('\n')
  expect(text).toContain('The sides ended differently')
  expect(text).toMatch(/, a: chunk 64, 0\.5 cores \(a\) against b: chunk 64, 0\.5 cores \(b\): /)
  expect(text.match(/one after the other/g)).toHaveLength(1)
  expect(text).not.toContain('One side ran to its end')
  const csv = csvText(compareReport(found).tables[0]!)
  expect(csv).toContain('one_machine_state')
})

test('the correction is that of the reference run, and the Markdown has the secondary tests', () => {
  const a = named('a')
  a.manifest.sweep.compare.correction = 'bh'
  const found = compareRuns([a, named('b', { seed: 2, alter: slower })])
  expect(found.correction).toBe('bh')
  expect(textOf(compareReport(found), 200)).toContain('p (BH)')
  const markdown = markdownOf(compareReport(found))
  expect(markdown).toMatch(/### Secondary tests\n\n\| Metric \| Pair \|/)
  expect(markdown).toContain('b against a, ')
  // Round 3 of one run has nothing in common with round 3 of another.
  expect(markdown).not.toContain('By round')
  const latency = found.lines.find(({ row }) => row.metric === 'latency_p50_ms')!
  expect(latency.row.secondary_tests).toMatchObject({ paired_rounds: null, paired_p: null })
  expect(latency.row.secondary_tests.mann_whitney_p).toBeLessThan(0.05)
})

test('pairs by seed where both runs vary it', () => {
  const seeded = (name: string, factor: number) => {
    const run = named(name, { chunk_size: [64], max_compute_units: [1], metrics: ['r2'] })
    const [scenario] = run.manifest.sweep.scenarios
    const scenarios = [1, 2, 3].map((seed) => ({
      ...scenario!,
      id: `s${seed}`,
      label: `random_seed=${seed}`,
      point: { ...scenario!.point, random_seed: seed },
    }))
    const trials = scenarios.map(({ id, point }) => {
      const seed = point['random_seed'] as number
      const r2 = 0.5 + seed / 100 - factor * seed ** 2
      return { ...okOf(run.trials[0]), scenario: id, metrics: { r2 } }
    })
    const sweep = { ...run.manifest.sweep, scenarios, axes: ['random_seed'] }
    return { ...run, manifest: { ...run.manifest, sweep }, trials }
  }
  const { lines } = compareRuns([seeded('a', 0), seeded('b', 0.01)])
  expect(lines).toHaveLength(1)
  // Differences -0.01, -0.04, -0.09: mean -14/300, variance 49/30000.
  const t = -14 / 300 / Math.sqrt(49 / 30_000 / 3)
  expect(lines[0]).toMatchObject({
    scenario: 'all seeds',
    row: { test: 'paired_by_seed', n_a: 3, t: expect.closeTo(t, 9), b: 'b/s1+s2+s3' },
  })
})

test('names the scenarios of many in words that are not cut', () => {
  const shape: Shape = {
    chunk_size: [16, 256],
    batch_size: [4, 64],
    max_memory_mb: [64, 256],
    max_compute_units: [0.1, 0.25],
  }
  const comparison = compareRuns([named('a', shape), named('b', { ...shape, seed: 2 })])
  const { spec } = significancePlot(forestOf(comparison), 'significance.png')
  const text = JSON.stringify(spec)
  expect(text).toContain('"pair":"chunk 256, batch 64, 64 MB, 0.25 cores"')
  expect(text).not.toContain('…')
  const report = compareReport(comparison)
  expect(textOf(report)).toContain('chunk 16, batch 4, 256 MB, 0.1 cores')
  // Programs go on reading what the sweep says, and no more.
  const [line] = report.data['lines'] as object[]
  expect(line).toMatchObject({
    scenario: 'chunk_size=16 batch_size=4 max_memory_mb=64 max_compute_units=0.1',
  })
  expect(line).not.toHaveProperty('words')
})
