import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { reportHtml } from '../../../harness/report/html/page.ts'
import { reportMarkdown } from '../../../harness/report/markdown.ts'
import { buildReportModel } from '../../../harness/report/model.ts'
import { HOSTILE, hostileRun } from './hostile.ts'
import { syntheticRun } from './synthetic.ts'

const modelOf = (run: ReturnType<typeof syntheticRun>) => buildReportModel(run.manifest, run.trials)

test('report.md says what was run, what came out, and how to run it again', () => {
  const text = reportMarkdown(modelOf(syntheticRun()))
  for (const title of [
    'In short',
    'Results',
    'What differs',
    'Which setting to use',
    'Caps: requested and achieved',
    'Outcomes',
    'Noise and warnings',
    'What was run',
    'Files',
    'How to reproduce',
  ]) {
    expect(text).toContain(`## ${title}`)
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
  const lines = reportMarkdown(modelOf(hostileRun())).split('\n')
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

test('no page ever shows NaN, undefined or an object', () => {
  const runs = [
    syntheticRun(),
    syntheticRun({ runs: 1, accuracy: null }),
    syntheticRun({ runs: 2, alter: (trial) => ({ ...trial, outcome: 'failed', metrics: {} }) }),
    { manifest: syntheticRun().manifest, trials: [] },
    syntheticRun({
      runs: 2,
      alter: (trial) => ({
        ...trial,
        noise: { run_queue_wait_share: null, involuntary_context_switches: null, load_1m: null },
      }),
    }),
  ]
  for (const run of runs) {
    const model = modelOf(run)
    const html = reportHtml(model)
    const body = html.slice(html.indexOf('<body>'), html.indexOf('<div id="tip"'))
    for (const page of [reportMarkdown(model), body]) {
      expect(page.match(/\bNaN\b|undefined|\[object|Infinity|\bnull\b|unknown of/)?.[0]).toBeUndefined()
    }
  }
})

test('a picture that could not be drawn leaves its reason in the report', () => {
  const text = reportMarkdown(modelOf(syntheticRun({ accuracy: null, runs: 2 })))
  expect(text).toContain('the workload names no accuracy metric')
  expect(text).not.toContain('latency_vs_accuracy.png')
})

test('report.html loads nothing from anywhere', () => {
  const html = reportHtml(modelOf(syntheticRun({ runs: 3 })))
  // Vega's own code names namespaces and its site; what the page says outside its scripts must not.
  const page = html.replaceAll(/<script>[\s\S]*?<\/script>/g, '')
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
  const html = reportHtml(modelOf(syntheticRun({ runs: 3 })))
  const scripts = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map((match) => match[1]!)
  expect(scripts).toHaveLength(2)
  for (const script of scripts) {
    expect(html).toContain(`'sha256-${createHash('sha256').update(script).digest('base64')}'`)
  }
  expect(html.match(/script-src[^;]*/)![0]).not.toContain("'unsafe-inline'")
})

test('specs in the page are JSON that parses, one a picture', () => {
  const html = reportHtml(modelOf(syntheticRun({ runs: 3 })))
  const specs = [
    ...html.matchAll(/<script type="application\/json" data-for="([^"]+)">([\s\S]*?)<\/script>/g),
  ]
  expect(specs.map((match) => match[1])).toEqual([
    'benchmarks/latency_vs_accuracy.png',
    'benchmarks/memory_vs_accuracy.png',
    'benchmarks/significance.png',
    'benchmarks/caps.png',
  ])
  for (const [, , json] of specs) expect(JSON.parse(json!)).toHaveProperty('marks')
})

test('hostile names stay text in HTML and Markdown', () => {
  const model = modelOf(hostileRun())
  const html = reportHtml(model)
  expect(html).not.toContain('<script>alert')
  expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
  const text = reportMarkdown(model)
  expect(text.replaceAll(/```sh[\s\S]*?```/g, '')).not.toContain('<script>')
  expect(text).not.toContain('\n# head')
  for (const page of [html.slice(0, html.indexOf('<style>')), text]) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of these may be there.
    expect(page).not.toMatch(/[\u0007\u001b\u202e]/)
  }
  expect(HOSTILE).toContain('<script>')
})
