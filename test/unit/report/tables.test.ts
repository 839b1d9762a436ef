import { parse } from 'csv-parse/sync'
import { expect, test } from 'vitest'
import type { ComparisonRow } from '../../../harness/analyse/comparison.ts'
import { buildReportModel } from '../../../harness/report/model.ts'
import { csvText } from '../../../harness/report/render/csv.ts'
import { comparisonTable, operatingPointsTable, scenarioTable } from '../../../harness/report/tables.ts'
import type { ReportModel } from '../../../harness/report/types.ts'
import { hostileRun } from './hostile.ts'
import { ordinaryModel } from './ordinary.ts'
import { syntheticRun } from './synthetic.ts'

const read = (csv: string): Record<string, string>[] => parse(csv, { columns: true })

const constraintExperimentCsv = (model: ReportModel) => csvText(scenarioTable(model))
const operatingPointsCsv = (model: ReportModel) => csvText(operatingPointsTable(model))
const significanceTestsCsv = (rows: readonly ComparisonRow[]) => csvText(comparisonTable(rows, 'a.csv'))

function modelOf(run: ReturnType<typeof syntheticRun>) {
  return buildReportModel(run.manifest, run.trials)
}

test('constraint_experiment.csv has a row a scenario, with settings, counts, means, intervals and caps', () => {
  const model = ordinaryModel
  const rows = read(constraintExperimentCsv(model))
  expect(rows).toHaveLength(36)
  const [row] = rows
  expect(row).toMatchObject({ chunk_size: '64', max_memory_mb: '64', n: '10', ok: '10', out_of_memory: '0' })
  for (const name of [
    'r2',
    'r2_ci_low',
    'r2_ci_high',
    'energy_source',
    'pareto_latency',
    'achieved_compute',
    'compute_mechanism',
    'peak_memory_mb',
    'memory_limit_mb',
    'compute_limit',
    'model_accuracy_r2',
    'model_rmse',
  ]) {
    expect(row).toHaveProperty(name)
  }
  // Never measured here, so never claimed.
  expect(row).not.toHaveProperty('training_time_s')
  expect(row!['energy_j']).toBe('')
  expect(rows.filter((r) => r['pareto_latency'] === 'true').length).toBeGreaterThan(0)
})

test('numbers keep every digit', () => {
  const model = ordinaryModel
  const [row] = read(constraintExperimentCsv(model))
  expect(Number(row!['latency_p50_ms'])).toBe(model.scenarios[0]!.metrics['latency_p50_ms']!.value)
})

test('a setting and a metric of one name keep a column each', () => {
  const run = syntheticRun({ chunk_size: [64], runs: 2 })
  for (const { point } of run.manifest.sweep.scenarios) point['rows'] = 123
  const [row] = read(constraintExperimentCsv(modelOf(run)))
  expect(row!['rows']).toBe('123')
  expect(row!['metric.rows']).toBe('50000')
})

test('significance_tests.csv has its columns in order and a row a pair and metric', () => {
  const model = ordinaryModel
  const csv = significanceTestsCsv(model.comparisons)
  expect(csv.split('\n')[0]).toMatch(
    /^metric,a,b,n_a,n_b,mean_a,mean_b,difference,ratio,ratio_ci_low,ratio_ci_high,t,df,p,p_adjusted,hedges_g,verdict,/,
  )
  const rows = read(csv)
  expect(rows).toHaveLength(24 * 4)
  const slower = rows.filter((row) => row['metric'] === 'latency_p50_ms' && row['verdict'] === 'slower')
  expect(slower).toHaveLength(24)
  expect(Number(slower[0]!['ratio_ci_low'])).toBeGreaterThan(1.02)
})

test('operating_points.csv names a scenario a goal', () => {
  const rows = read(operatingPointsCsv(ordinaryModel))
  expect(rows.map((row) => row['goal'])).toContain('lowest latency_per_row_us')
  expect(rows.every((row) => row['label'] !== '')).toBe(true)
})

test('no cell starts a formula, carries control characters, or reads NaN', () => {
  const model = modelOf(hostileRun())
  for (const csv of [
    constraintExperimentCsv(model),
    significanceTestsCsv(model.comparisons),
    operatingPointsCsv(model),
  ]) {
    const rows: string[][] = parse(csv)
    for (const value of rows.flat()) {
      if (!Number.isFinite(Number(value))) expect(value).not.toMatch(/^\s*[=+\-@]/)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: none of these may be there.
      expect(value).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/)
      expect(value).not.toMatch(/^(NaN|undefined|Infinity|null|\[object)/)
    }
  }
})

test('only text is guarded: negative numbers stay numbers', () => {
  expect(csvText({ columns: [['x', [-1.5, '-1.5', '@a', null, Number.NaN, true]]] })).toBe(
    "x\n-1.5\n'-1.5\n'@a\n\n\ntrue\n",
  )
})

test('an empty table still has its head', () => {
  expect(significanceTestsCsv([]).startsWith('metric,a,b,')).toBe(true)
})

test('significance_tests.csv keeps its old columns in place and appends the other tests', () => {
  const run = syntheticRun({ metrics: ['latency_p50_ms', 'peak_memory_mb', 'r2'] })
  const model = modelOf(run)
  const csv = significanceTestsCsv(model.comparisons)
  expect(csv.split('\n')[0]).toMatch(
    /,hedges_g,verdict,unit,scenario_a,scenario_b,warnings,test,correction,seeds,hedges_g_ci_low,hedges_g_ci_high,paired_rounds,paired_p,paired_ratio,paired_ratio_ci_low,paired_ratio_ci_high,mann_whitney_p,mann_whitney_method,median_ratio,median_ratio_ci_low,median_ratio_ci_high,equivalence_p,smallest_change,difference_ci_low,difference_ci_high,compared_by$/,
  )
  const rows = read(csv)
  const latency = rows.find((row) => row['metric'] === 'latency_p50_ms' && row['n_b'] === '10')!
  expect(latency).toMatchObject({ test: 'welch', correction: 'holm', seeds: '', paired_rounds: '10' })
  for (const name of ['paired_p', 'mann_whitney_p', 'equivalence_p', 'smallest_change', 'hedges_g_ci_low']) {
    expect(Number.parseFloat(latency[name]!)).toBeTypeOf('number')
    expect(latency[name]).not.toBe('')
  }
  expect(Number(latency['median_ratio_ci_low'])).toBeLessThan(Number(latency['median_ratio']))
  expect(Number(latency['median_ratio_ci_high'])).toBeGreaterThan(Number(latency['median_ratio']))
  expect(Number(latency['paired_ratio'])).toBeGreaterThan(1.5)
  const score = rows.find((row) => row['metric'] === 'r2')!
  expect(score).toMatchObject({
    test: 'exact',
    correction: '',
    paired_rounds: '',
    paired_p: '',
    mann_whitney_p: '',
    median_ratio: '',
    equivalence_p: '',
    smallest_change: '',
  })
})
