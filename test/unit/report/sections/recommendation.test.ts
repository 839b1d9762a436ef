/** The first line of a report answers which setting to use. */
import { expect, test } from 'vitest'
import { compareRuns } from '../../../../harness/report/compare.ts'
import { buildReportModel } from '../../../../harness/report/model.ts'
import { htmlText } from '../../../../harness/report/render/html.ts'
import { compareReport } from '../../../../harness/report/sections/compare.ts'
import { runReport } from '../../../../harness/report/sections/run.ts'
import type { Goal } from '../../../../harness/sweep/types.ts'
import { ended, measuring } from '../../../fixtures/trials.ts'
import { markdownOf, textOf } from '../rendered.ts'
import { type Shape, syntheticRun } from '../synthetic.ts'

const reportOf = (shape: Shape) => {
  const { manifest, trials } = syntheticRun(shape)
  return runReport(buildReportModel(manifest, trials))
}
const batches: Shape = {
  chunk_size: [256],
  batch_size: [8, 16, 64, 512],
  max_memory_mb: [256],
  max_compute_units: [1],
}

test('terminal, Markdown and page begin with the setting to use, its price and its alternative', async () => {
  const report = reportOf(batches)
  const sentence =
    /^Use batch 64: R² 0\.597, [\d.]+ ms per chunk, peak [\d.]+ MB; the knee of the Pareto front, where batch 8 has 0\.638 at [\d.]+ times the latency/
  expect(report.answer).toMatchObject({ tone: 'good', text: expect.stringMatching(sentence) })
  expect(textOf(report, 400).split('\n')[0]).toBe(report.answer.text)
  expect(markdownOf(report).split('\n')[2]).toBe(`✅ ${report.answer.text}`)
  const page = await htmlText(report)
  expect(page.indexOf(report.answer.text)).toBeLessThan(page.indexOf('10 trials per scenario'))
  expect(report.data['recommendation']).toMatchObject({ reason: 'knee', text: report.answer.text })
})

const below = (metric: string, bound: number): Goal => ({
  objective: { metric: 'r2', direction: 'maximize' },
  subject_to: [{ metric, operator: '<=', bound }],
})

test('with a goal it is the best within the limits, and nothing cheaper goes unsaid', () => {
  const cores: Shape = { ...batches, batch_size: [8], max_compute_units: [0.25, 0.5, 1] }
  const answer = (bound: number, shape: Shape = cores) =>
    reportOf({ ...shape, goal: below('latency_mean_ms', bound) }).answer
  expect(answer(3)).toEqual({
    tone: 'good',
    text: expect.stringMatching(
      /^Use 0\.5 cores: R² 0\.638, 2\.\d+ ms per chunk, peak [\d.]+ MB; nothing cheaper meets mean <= 3 ms; 1 other cannot be told from it\.$/,
    ),
  })
  expect(answer(3, batches).text).toMatch(
    /^Use batch 8: .*; the best of 4 scenarios that meet mean <= 3 ms\.$/,
  )
  expect(answer(0.5)).toEqual({
    tone: 'bad',
    text: expect.stringMatching(
      /^No setting to recommend: nothing meets mean <= 0\.5 ms\. Nearest is 1 core: 1\.\d+ ms per chunk\.$/,
    ),
  })
  const near = answer(2.3, { ...cores, runs: 2 })
  expect(near.text).toMatch(/^Use 1 core: /)
  expect(answer(1.4, { ...cores, runs: 2 })).toEqual({
    tone: 'strong',
    text: expect.stringContaining(
      'its 95% interval passes mean <= 1.4 ms, so raise benchmark_runs to confirm it',
    ),
  })
})

test.each([
  { name: 'r2_last_baseline', of: 'r2', better: 0.1, said: 'the last baseline, whose R² is 0.697' },
  { name: 'guess', of: 'r2', better: 0.1, said: 'guess, which is 0.697' },
  { name: 'r2_last_baseline', of: 'r2', better: -0.1, said: null },
  { name: 'guess', of: 'mae', better: 0.1, said: null },
  { name: 'r2_last_baseline', of: null, better: 0.1, said: null },
])('what predicts no better than a declared baseline is said so: $name of $of, $better better', (one) => {
  const { name, of, better, said } = one
  const { manifest, trials } = syntheticRun({
    ...batches,
    alter: (trial) =>
      measuring(trial, (metrics) => ({
        ...metrics,
        r2_mean_baseline: -0.01,
        [name]: metrics['r2']! + better,
      })),
  })
  const declare = (name: string, baseline_of: string | null) => {
    const { r2 } = manifest.workload.metrics
    manifest.workload.metrics[name] = {
      ...r2!,
      direction: 'neutral',
      ...(baseline_of !== null && { baseline_of }),
    }
  }
  declare('r2_mean_baseline', 'r2')
  declare(name, of)
  const { tone, text } = runReport(buildReportModel(manifest, trials)).answer
  if (said === null) expect(text).not.toContain('no better than')
  else expect(text).toContain(`; no better than ${said}`)
  expect(tone).toBe(said === null ? 'good' : 'strong')
})

test('its row is marked', () => {
  const rows = textOf(reportOf(batches), 120).split('\n')
  expect(rows.filter((row) => row.startsWith('>'))).toEqual([
    expect.stringMatching(/^>\* +64 /),
    expect.stringMatching(/^> Recommended\. /),
  ])
})

test('speed is compared per row where chunks differ in size', () => {
  expect(reportOf({ runs: 3 }).answer.text).toMatch(/^Use chunk 1024, batch 8, .* us per row, /)
})

test('one setting, or none that worked, is no choice', () => {
  expect(reportOf({ ...batches, batch_size: [8] }).answer.text).toMatch(
    /^Only one setting was run: R² 0\.\d+, [\d.]+ ms per chunk, peak [\d.]+ MB; all 10 trials ok\.$/,
  )
  const alone = reportOf({ ...batches, batch_size: [8], alter: (trial) => ended(trial, 'failed') })
  expect(alone.answer).toEqual({ tone: 'bad', text: '0 of 10 trials ok' })
  const lost = reportOf({ ...batches, alter: (trial) => ended(trial, 'failed') })
  expect(lost.answer).toEqual({
    tone: 'bad',
    text: 'No setting to recommend: in every scenario a trial was not ok.',
  })
})

test('a comparison of runs leads with the side to use', () => {
  const compared = (factor: number) => {
    const run = (name: string, seed: number, times: number) => ({
      name,
      ...syntheticRun({
        ...batches,
        seed,
        metrics: ['latency_p50_ms', 'r2'],
        alter: (trial) =>
          measuring(trial, (metrics) => ({
            ...metrics,
            latency_p50_ms: times * metrics['latency_p50_ms']!,
          })),
      }),
    })
    const runs = [run('old', 5, 1), run('new', 6, factor)]
    return textOf(compareReport(compareRuns(runs)), 400).split('\n')[0]
  }
  expect(compared(0.5)).toMatch(
    /^Use new instead of old: faster median chunk latency \(0\.4\d+× to 0\.5\d*×, in 4 of 4 pairs\); nothing is worse\.$/,
  )
  expect(compared(2)).toMatch(/^Use old, not new: slower median chunk latency \(.*\); nothing is better\.$/)
  expect(compared(1)).toMatch(
    /^No side to recommend: new cannot be told from old \(4 of 8 comparisons equivalent, the others undecided\)\.$/,
  )
})
