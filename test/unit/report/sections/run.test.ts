import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { buildReportModel } from '../../../../harness/report/model.ts'
import { htmlText } from '../../../../harness/report/render/html.ts'
import { reportJson } from '../../../../harness/report/render/json.ts'
import { picturesOf } from '../../../../harness/report/section.ts'
import { findingsOf } from '../../../../harness/report/sections/findings.ts'
import { runReport } from '../../../../harness/report/sections/run.ts'
import { ended, measuring, NO_NOISE } from '../../../fixtures/trials.ts'
import { HOSTILE, hostileRun } from '../hostile.ts'
import { ordinaryModel, ordinaryReport } from '../ordinary.ts'
import { markdownOf, pageText, reportIn, scriptsIn } from '../rendered.ts'
import { syntheticRun } from '../synthetic.ts'

const FULL = process.env['STINT_FULL'] === '1'

const reportOf = (run: Omit<ReturnType<typeof syntheticRun>, 'notes'>) =>
  runReport(buildReportModel(run.manifest, run.trials))
const SMALL = { chunk_size: [64, 256], batch_size: [8], max_compute_units: [0.25, 1], runs: 2 }
const shortReport = reportOf(syntheticRun({ runs: 3 }))
const shortHtml = await htmlText(shortReport)

test('report.md says what was run, what came out, and how to run it again', () => {
  const text = markdownOf(ordinaryReport)
  for (const title of [
    'What to know first',
    'Which setting to use',
    'Results',
    'What differs',
    'Caps: asked for and achieved',
    'Outcomes',
    'Noise and warnings',
    'What was run',
    'Files',
    'How to reproduce',
  ]) {
    expect(text).toContain(`## ${title}`)
  }
  // Each finding once: in no summary above it.
  for (const finding of findingsOf(ordinaryModel)) {
    const line = finding.text.replace(/[[\]]/g, '\\$&')
    expect(text.split(line), finding.text).toHaveLength(2)
  }
  const goals = text.match(/^\| (?:Lowest|Highest) .*? \|/gm)!.map((head) => head.slice(2, -2))
  expect(goals.length).toBeGreaterThan(2)
  for (const goal of goals) {
    expect(text.split(`| ${goal} |`), goal).toHaveLength(2)
    expect(text).not.toContain(`- ${goal}`)
  }
  expect(text).toContain('Intel(R) Xeon(R)')
  expect(text).toContain('9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08')
  expect(text).toContain('cgroup_v1')
  expect(text).toMatch(
    /Median chunk latency, 0\.25 against 1 core: slower in 12 of 12 pairs, 3\.\d+× to 3\.\d+×\./,
  )
  expect(text).toContain('above the cap of 64 MB')
  expect(text).toContain('stint run edge.yaml --runs 10')
  expect(text).toContain('../benchmarks/latency_vs_accuracy.png')
})

test('every row of a Markdown table has as many cells as its head', () => {
  const lines = markdownOf(reportOf(hostileRun())).split('\n')
  let columns = 0
  for (const line of lines) {
    if (!line.startsWith('| ')) columns = 0
    else {
      const cells = line.replaceAll('\\|', '').split('|').length
      if (columns === 0) columns = cells
      expect(cells).toBe(columns)
    }
  }
})

test('no page ever shows NaN, undefined or an object', async () => {
  const others = [
    syntheticRun({ ...SMALL, runs: 1, accuracy: null }),
    syntheticRun({ ...SMALL, alter: (trial) => ended(trial, 'failed') }),
    { manifest: syntheticRun(SMALL).manifest, trials: [] },
    syntheticRun({
      ...SMALL,
      alter: (trial) => ({ ...trial, noise: NO_NOISE }),
    }),
  ]
  for (const report of [FULL ? ordinaryReport : shortReport, ...others.map(reportOf)]) {
    const html = report === shortReport ? shortHtml : await htmlText(report)
    const body = html.slice(html.indexOf('<body>')).replaceAll(/<script[\s\S]*?<\/script>/g, '')
    for (const page of [markdownOf(report), body]) {
      expect(page.match(/\bNaN\b|undefined|\[object|Infinity|\bnull\b|unknown of/)?.[0]).toBeUndefined()
    }
  }
})

test('a picture that could not be drawn leaves its reason in the report', () => {
  const text = markdownOf(reportOf(syntheticRun({ ...SMALL, accuracy: null })))
  expect(text).toContain('the workload names no accuracy metric')
  expect(text).not.toContain('latency_vs_accuracy.png')
})

test('report.html loads nothing from anywhere', () => {
  const html = shortHtml
  // Vega's own code names namespaces and its site; what the page says outside its scripts must not.
  const page = pageText(html)
  const loads = [
    /\b(?:src|href|action|data|poster)=(?!["']?#)/i,
    /@import|url\((?!data:)/,
    /https?:\/\//,
    /<(?:link|iframe|object|embed|base)\b/i,
  ]
  for (const pattern of loads) expect(page.match(pattern)?.[0]).toBeUndefined()
  expect(page.slice(0, 600)).toContain("default-src 'none'")
})

test('the policy allows exactly the scripts of the page', () => {
  const html = shortHtml
  const scripts = scriptsIn(html)
  expect(scripts).toHaveLength(2)
  for (const script of scripts) {
    expect(html).toContain(`'sha256-${createHash('sha256').update(script).digest('base64')}'`)
  }
  expect(html.match(/script-src[^;]*/)![0]).not.toContain("'unsafe-inline'")
})

test('the page is drawn from report.json, its pictures compiled', () => {
  const { page, ...data } = reportIn(shortHtml)
  const { page: written, ...others } = JSON.parse(reportJson(shortReport))
  expect(data).toEqual(others)
  const pictures = picturesOf(page)
  expect(pictures.map(({ file }) => file)).toEqual([
    'benchmarks/latency_vs_accuracy.png',
    'benchmarks/memory_vs_accuracy.png',
    'benchmarks/throughput_vs_memory.png',
    'benchmarks/sensitivity.png',
    'benchmarks/significance.png',
    'benchmarks/significance_map.png',
    'benchmarks/latency_percentiles.png',
    'benchmarks/caps.png',
  ])
  for (const { spec } of pictures) expect(spec).toHaveProperty('marks')
  for (const { spec } of picturesOf(written)) expect(spec).toHaveProperty('description')
  expect({ ...page, sections: [] }).toEqual({ ...written, sections: [] })
})

test('hostile names stay text in HTML and Markdown', async () => {
  const report = reportOf(hostileRun())
  const html = await htmlText(report)
  expect(html).not.toContain('<script>alert')
  expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
  const text = markdownOf(report)
  expect(text.replaceAll(/```sh[\s\S]*?```/g, '')).not.toContain('<script>')
  expect(text).not.toContain('\n# head')
  for (const page of [html.slice(0, html.indexOf('<style>')), text]) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of these may be there.
    expect(page).not.toMatch(/[\u0007\u001b\u202e]/)
  }
  expect(HOSTILE).toContain('<script>')
})

test('the secondary tests stand in a table of their own, folded in the page', async () => {
  const report = ordinaryReport
  const text = markdownOf(report)
  expect(text).toMatch(/### Secondary tests\n\n\| Metric \| Pair \| Primary p \| By round p \|/)
  expect(text).toContain("Primary: Welch's test")
  expect(text).toContain('24 comparisons of deterministic or constant values were made exactly')
  expect(await htmlText(report)).toMatch(/<details><summary>Secondary tests<\/summary>\s*<div class="table">/)
})

test('columns that no row has a value for are left out', () => {
  const text = markdownOf(shortReport)
  expect(text).toContain('| By round, ratio | Mann-Whitney p | Equivalence p |')
  expect(text).not.toContain('BCa')
  expect(text).toContain('a test of ranks cannot give p below 0.1')
})

test('says which correction was used', async () => {
  const run = syntheticRun({ ...SMALL, runs: 10 })
  run.manifest.sweep.compare.correction = 'bh'
  const report = reportOf(run)
  const text = markdownOf(report)
  expect(text).toContain('that stands after the Benjamini-Hochberg correction.')
  expect(text).toContain('do not differ from the best after the Benjamini-Hochberg correction.')
  expect(JSON.stringify(reportIn(await htmlText(report)))).toContain('p (BH)')
  expect(text).not.toContain('Holm')
  expect(markdownOf(ordinaryReport)).toContain("that stands after Holm's correction.")
})

test('several seeds are told as one scenario', () => {
  const run = syntheticRun({
    chunk_size: [64],
    batch_size: [8, 64],
    max_memory_mb: [256],
    max_compute_units: [1],
    reference: { batch_size: 8 },
    metrics: ['r2'],
    runs: 2,
  })
  const { sweep } = run.manifest
  const scenarios = sweep.scenarios.flatMap((scenario) =>
    [1, 2, 3].map((seed) => ({
      ...scenario,
      id: `${scenario.id}s${seed}`,
      label: `${scenario.label} random_seed=${seed}`,
      point: { ...scenario.point, random_seed: seed },
    })),
  )
  const scoreOf = (point: Record<string, unknown>) => {
    const seed = point['random_seed'] as number
    return point['batch_size'] === 8 ? 0.7 + seed / 100 : 0.6 + seed ** 2 / 200
  }
  const trials = scenarios.flatMap(({ id, point }) =>
    run.trials
      .filter(({ scenario }) => id.startsWith(`${scenario}s`))
      .map((trial) => ({ ...measuring(trial, () => ({ r2: scoreOf(point) })), scenario: id })),
  )
  const manifest = { ...run.manifest, sweep: { ...sweep, scenarios, axes: [...sweep.axes, 'random_seed'] } }
  const text = markdownOf(reportOf({ manifest, trials }))
  expect(text).toMatch(/R², batch 64 against 8: worse, −13% \\\[−18, −9\.5\\\]/)
  expect(text).toContain('| Highest R² | batch 8, over 3 seeds |')
  expect(text).toContain('the paired t-test over seeds')
})
