/** What users wrote is shown as it is by every renderer, whatever the report is of. */
import { fileURLToPath } from 'node:url'
import { parse } from 'csv-parse/sync'
import { describe, expect, it } from 'vitest'
import type { GateAnswer } from '../../../../harness/gate/types.ts'
import { pipelineOptions } from '../../../../harness/pipeline/options.ts'
import { openRun } from '../../../../harness/record/open-run.ts'
import { compareRuns } from '../../../../harness/report/compare.ts'
import { buildReportModel } from '../../../../harness/report/model.ts'
import { readPipelineData } from '../../../../harness/report/pipeline/data.ts'
import { annotationLines } from '../../../../harness/report/render/annotations.ts'
import { csvText } from '../../../../harness/report/render/csv.ts'
import { htmlText } from '../../../../harness/report/render/html.ts'
import { jsonText } from '../../../../harness/report/render/json.ts'
import { junitText } from '../../../../harness/report/render/junit.ts'
import { reportSchema } from '../../../../harness/report/schema.ts'
import type { Report } from '../../../../harness/report/section.ts'
import { compareReport } from '../../../../harness/report/sections/compare.ts'
import { gateReport } from '../../../../harness/report/sections/gate.ts'
import { pipelineReport } from '../../../../harness/report/sections/pipeline.ts'
import { runReport } from '../../../../harness/report/sections/run.ts'
import { okOf } from '../../../fixtures/trials.ts'
import { HOSTILE, hostileRun } from '../hostile.ts'
import { markdownOf, pageText, reportIn, textOf } from '../rendered.ts'

const { manifest, trials } = hostileRun()
const row: GateAnswer['rows'][0] = {
  scenario: 's1',
  label: HOSTILE,
  metric: 'latency_mean_ms',
  unit: 'ms',
  direction: 'lower_is_better',
  verdict: 'regression',
  margin: 0.02,
  ratio: { value: 1.1, low: 1.05, high: 1.2 },
  baseline: 1,
  candidate: 1.1,
  n: 18,
  source: 'duets',
  note: HOSTILE,
  outlook: null,
}
const gate: GateAnswer = {
  verdict: 'regression',
  exit_code: 1,
  machine: {
    ...{
      cpu_model: HOSTILE,
      cores: 2,
      memory_mb: 8000,
      platform: HOSTILE,
      kernel: HOSTILE,
      node: '20.0.0',
      v8: '11',
    },
    cgroup: { version: 'none', cpu_quota_cores: null, memory_limit_mb: null },
    load_at_start: [1, 2, 3],
  },
  load_1m: { start: 1, end: 2 },
  name: HOSTILE,
  baseline: HOSTILE,
  candidate: HOSTILE,
  rows: [
    row,
    { ...row, note: null },
    { ...row, metric: 'outcome', ends: { baseline: 'ok', candidate: HOSTILE } },
  ],
  coverage: [{ scenario: HOSTILE, label: HOSTILE, chunks: 2, compared: 1, duets: 3 }],
  profiles: [],
  functions: null,
  operators: null,
  untested: [{ metric: HOSTILE, why: HOSTILE }],
  notes: [HOSTILE],
  alpha: 0.01,
  tests: 3,
  duets: 18,
  cores: [1],
  trials: 4,
  elapsed_s: 41.2,
  ended: 'decided',
}
const PIPELINE = fileURLToPath(new URL('../../../fixtures/run-folders/format-1/pipeline', import.meta.url))
const options = pipelineOptions({}, null, null, 4)

/** The recorded run, with what its users could have named. */
function hostilePipeline(): Report {
  const run = openRun(PIPELINE)
  const recorded = run.manifest
  recorded.notes = [HOSTILE]
  for (const data of recorded.datasets) data.path = `/data/${HOSTILE}`
  for (const scenario of recorded.sweep.scenarios) scenario.label = `${HOSTILE} ${scenario.label}`
  const named = run.trials.map(okOf).map((trial) => {
    const quality = {
      rows: 10,
      columns: { [HOSTILE]: { missing_ratio: 0.1 }, constructor: { missing_ratio: 0 } },
    }
    return { ...trial, info: { ...trial.info, quality } }
  })
  return pipelineReport(readPipelineData({ ...run, trials: named }), options)
}

const reports: Record<string, Report> = {
  run: runReport(buildReportModel(manifest, trials)),
  compare: compareReport(
    compareRuns([
      { name: `a ${HOSTILE}`, ...hostileRun() },
      { name: `b ${HOSTILE}`, ...hostileRun() },
    ]),
  ),
  pipeline: hostilePipeline(),
  gate: gateReport(gate, `/repo/${HOSTILE}`),
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there.
const STEERING = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/

describe.each(Object.entries(reports))('the report of a %s with hostile names', (_, report) => {
  it('steers no terminal, and fits it', () => {
    const text = textOf(report, 100)
    expect(text).not.toMatch(STEERING)
    expect(text).not.toMatch(/^# head/m)
  })

  it('is text in Markdown, and every row of a table has as many cells as its head', () => {
    const markdown = markdownOf(report)
    expect(markdown).not.toMatch(STEERING)
    expect(markdown.replaceAll(/```sh[\s\S]*?```/g, '')).not.toMatch(/<script|^# head/m)
    let columns = 0
    for (const line of markdown.split('\n')) {
      const cells = line.startsWith('| ') ? line.replaceAll('\\|', '').split('|').length : 0
      if (columns > 0 && cells > 0) expect(cells).toBe(columns)
      columns = cells
    }
  })

  it('is text in HTML', async () => {
    const html = await htmlText(report)
    const own = pageText(html)
    expect(own).not.toContain('<script')
    expect(reportIn(html)).toMatchObject({ kind: report.kind, page: { title: report.title } })
    expect(own).toContain('&lt;script&gt;alert(1)')
    expect(own.slice(0, own.indexOf('<style>'))).not.toMatch(STEERING)
  })

  it('runs nothing in a spreadsheet', () => {
    for (const table of report.tables) {
      const rows: string[][] = parse(csvText(table))
      expect(rows.length).toBeGreaterThan(0)
      for (const value of rows.flat()) {
        if (!Number.isFinite(Number(value))) expect(value).not.toMatch(/^\s*[=+\-@]/)
        expect(value).not.toMatch(STEERING)
      }
    }
  })

  it('is JSON of the published schema, in ASCII where a terminal could be steered', () => {
    const json = jsonText(report)
    expect(json).not.toMatch(STEERING)
    expect(JSON.parse(json)).toMatchObject({ format: 2, kind: report.kind })
    expect(reportSchema.safeParse(JSON.parse(json)).error).toBeUndefined()
    expect(JSON.stringify(JSON.parse(json))).toContain('\u202e')
  })

  it('is JUnit XML without markup of theirs', () => {
    const xml = junitText(report)
    expect(xml).not.toMatch(STEERING)
    expect(xml).not.toContain('<script')
    expect(xml.match(/<testcase /g)).toHaveLength(report.checks.length)
    expect(report.checks.length).toBeGreaterThan(0)
  })

  it('is one line per annotation, with no property of theirs', () => {
    for (const line of annotationLines(report, '/repo')) {
      expect(line).not.toMatch(/\n/)
      expect(line).not.toMatch(STEERING)
      expect(line).toMatch(/^::(error|warning|notice) (file=[^,:]*,)?title=[^,:]*::/)
    }
  })
})
