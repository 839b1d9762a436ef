/** The forms that other tools read, each by the grammar that its readers go by. */
import { fromArrow } from 'arquero'
import { expect, test } from 'vitest'
import { buildReportModel } from '../../../../harness/report/model.ts'
import { arrowFile } from '../../../../harness/report/render/arrow.ts'
import {
  bencherText,
  githubBenchmarkText,
  goBenchmarkText,
  openMetricsText,
} from '../../../../harness/report/render/measurements.ts'
import { runReport } from '../../../../harness/report/sections/run.ts'
import { hostileRun } from '../hostile.ts'
import { ordinaryReport } from '../ordinary.ts'

const hostile = hostileRun()
const hostileReport = runReport(buildReportModel(hostile.manifest, hostile.trials))
const measurements = ordinaryReport.measurements!

test('OpenMetrics: families in one piece, samples with quoted labels, an end', () => {
  for (const report of [ordinaryReport, hostileReport]) {
    const lines = openMetricsText(report).split('\n')
    expect(lines.slice(-2)).toEqual(['# EOF', ''])
    const sample =
      /^([a-zA-Z_:][\w:]*)\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)+\} -?[\d.]+(?:e[+-]?\d+)?$/
    const families: string[] = []
    for (const line of lines.slice(0, -2)) {
      const declared = /^# (?:TYPE ([a-zA-Z_:][\w:]*) gauge|HELP [a-zA-Z_:][\w:]* .*)$/.exec(line)
      if (declared?.[1]) {
        expect(families).not.toContain(declared[1])
        families.push(declared[1])
      } else if (!declared) expect(sample.exec(line)?.[1], line).toBe(families.at(-1))
      const keys = [...line.matchAll(/[{,]([a-zA-Z_]\w*)="/g)].map(([, key]) => key)
      if (!declared) expect(new Set(keys).size).toBe(keys.length)
    }
  }
  const first = measurements.find(({ metric }) => metric === 'r2')!
  expect(openMetricsText(ordinaryReport)).toMatch(
    new RegExp(
      `^stint_r2\\{sweep="edge-vs-server",scenario="${first.scenario}",.*\\} ${first.estimate.value}$`,
      'm',
    ),
  )
})

test('Go benchmarks: a line per trial that benchstat reads, with units and which way is better', () => {
  // golang.org/design/14313-benchmark-format and golang.org/x/perf/benchfmt.
  const result = /^Benchmark(?!\p{Ll})\S* [1-9]\d*(?: -?[\d.]+(?:e[+-]?\d+)? \S+)+$/u
  const setting = /^\p{Ll}[^\s\p{Lu}]*: \S.*$/u
  const unit = /^Unit \S+ better=(?:lower|higher)$/
  for (const report of [ordinaryReport, hostileReport]) {
    const lines = goBenchmarkText(report).trimEnd().split('\n')
    for (const line of lines)
      expect(
        [result, setting, unit].some((form) => form.test(line)),
        line,
      ).toBe(true)
    const names = lines.filter((line) => result.test(line))
    expect(names.length).toBeGreaterThan(2)
  }
  const lines = goBenchmarkText(ordinaryReport).split('\n')
  const first = measurements.find(({ metric }) => metric === 'latency_mean_ms')!
  const own = lines.filter((line) => line.includes(`${first.values[0]!.value * 1e6} ns/op`))
  expect(own).toEqual([expect.stringMatching(/^BenchmarkEdge-vs-server\/chunk_size=64\/batch_size=8\//)])
  expect(lines).toContain('Unit r2 better=higher')
})

test('github-action-benchmark: only what is better when smaller', () => {
  const entries: { name: string; unit: string; value: number; range?: string }[] = JSON.parse(
    githubBenchmarkText(ordinaryReport),
  )
  expect(entries.length).toBeGreaterThan(10)
  for (const { name, unit, value } of entries) {
    expect([typeof name, typeof unit, typeof value]).toEqual(['string', 'string', 'number'])
    expect(name).not.toMatch(/: (?:r2|throughput_rows_s)$/)
  }
  expect(entries[0]!.range).toMatch(/^± [\d.e-]+$/)
})

test('Bencher: a value and its interval by benchmark and measure', () => {
  const found = JSON.parse(bencherText(ordinaryReport))
  const { label, estimate } = measurements.find(({ metric }) => metric === 'latency_mean_ms')!
  expect(found[label].latency_mean_ms).toEqual({
    value: estimate.value,
    lower_value: estimate.low,
    upper_value: estimate.high,
  })
})

test('Arrow: every column and row comes back, unknown as null', () => {
  for (const report of [ordinaryReport, hostileReport]) {
    for (const { columns } of report.tables) {
      const back = fromArrow(new Uint8Array(arrowFile({ columns })))
      expect(back.numCols()).toBe(columns.length)
      expect(back.numRows()).toBe(columns[0]![1].length)
      const name = 'latency_mean_ms'
      const column = columns.find(([key]) => key === name)
      if (column) expect([...back.array(name)]).toEqual(column[1].map((value) => value ?? null))
    }
  }
})
