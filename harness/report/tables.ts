/** What programs read of a run: values in full, under names that stay. */

import { OUTCOMES } from '../../workers/protocol/trial-result.ts'
import type { ComparisonRow, SecondaryTests } from '../analyse/comparison.ts'
import type { Estimate } from '../analyse/descriptive.ts'
import { NO_SECONDARY_TESTS } from '../analyse/secondary-tests.ts'
import { metricOf } from '../analyse/values.ts'
import type { CsvValue, DataTable, Measurement } from './section.ts'
import type { ReportModel, ScenarioReport } from './types.ts'
import { coresOf, scalarText } from './words.ts'

/** One row per scenario. */
export function scenarioTable(model: ReportModel): DataTable {
  const { scenarios } = model
  const column = (name: string, value: (scenario: ScenarioReport) => CsvValue) =>
    [name, scenarios.map(value)] as const
  const settings = [...new Set(scenarios.flatMap(({ point }) => Object.keys(point)))]
  const taken = new Set(settings)
  const metricColumns = [...model.metrics.keys()].flatMap((metric) => {
    const name = taken.has(metric) ? `metric.${metric}` : metric
    const estimate = (scenario: ScenarioReport): Estimate | null => scenario.metrics[metric] ?? null
    return [
      column(name, (scenario) => estimate(scenario)?.value),
      column(`${name}_ci_low`, (scenario) => estimate(scenario)?.low),
      column(`${name}_ci_high`, (scenario) => estimate(scenario)?.high),
    ]
  })
  const of = model.metrics.get('f1')?.of
  const columns = [
    column('scenario', ({ id }) => id),
    column('label', ({ label }) => label),
    ...settings.map((key) => column(key, ({ point }) => point[key])),
    column('n', ({ trials }) => trials),
    ...OUTCOMES.map((outcome) => column(outcome, ({ outcomes }) => outcomes[outcome])),
    column('ok_after_force', ({ forced }) => forced),
    column('left_out_after_force', ({ forced_left_out }) => forced_left_out),
    ...metricColumns,
    ...(of === undefined ? [] : [column('f1_label', () => of)]),
    column('energy_source', ({ energy_source }) => energy_source),
    column('pareto_latency', ({ front }) => front.latency),
    column('pareto_memory', ({ front }) => front.memory),
    column('requested_compute', ({ compute }) => coresOf(compute)),
    column('achieved_compute', ({ compute }) => compute.achieved?.value),
    column('achieved_compute_max', ({ compute }) => compute.achieved_max),
    column('compute_mechanism', ({ compute }) => compute.mechanisms.join(';')),
    column('compute_enforced', ({ compute }) => compute.enforced),
    column('requested_memory_mb', ({ memory }) => memory.asked_mb),
    column('peak_memory_mb_max', ({ memory }) => memory.peak_max_mb),
    column('memory_mechanisms', ({ memory }) => memory.mechanisms.join(';')),
    column('memory_enforced', ({ memory }) => memory.enforced),
    ...(model.manifest.sweep.until
      ? [
          column('precision', ({ precision }) => precision?.state),
          column('precision_half_width', ({ precision }) => precision?.halfWidth),
        ]
      : []),
    ...formerNames(model).map(([name, value]) => column(name, value)),
  ]
  return { file: 'benchmarks/constraint_experiment.csv', columns }
}

/** Columns that scripts for the original pipeline read; those of things not measured here are left out. */
function formerNames(model: ReportModel): [string, (scenario: ScenarioReport) => CsvValue][] {
  const names: [string, (scenario: ScenarioReport) => CsvValue][] = [
    ['memory_limit_mb', ({ memory }) => memory.asked_mb],
    ['compute_limit', ({ compute }) => coresOf(compute)],
  ]
  if (model.measured.includes('r2')) names.push(['model_accuracy_r2', ({ metrics }) => metrics['r2']?.value])
  if (model.measured.includes('rmse')) names.push(['model_rmse', ({ metrics }) => metrics['rmse']?.value])
  return names
}

const TEST_COLUMNS = [
  'n_a',
  'n_b',
  'mean_a',
  'mean_b',
  'difference',
  'ratio',
  'ratio_ci_low',
  'ratio_ci_high',
  't',
  'df',
  'p',
  'p_adjusted',
  'hedges_g',
  'verdict',
] as const

const SECONDARY_TESTS = Object.keys(NO_SECONDARY_TESTS) as (keyof SecondaryTests)[]

/**
 * One row per pair and metric. `a` and `b` are the labels; after what every table has come the ids, the unit, the kinds
 * of warnings, what made the p and corrected it, and the secondary tests. Unknown is empty.
 */
export function comparisonTable(rows: readonly ComparisonRow[], file: string): DataTable {
  const column = (name: string, value: (row: ComparisonRow) => CsvValue) => [name, rows.map(value)] as const
  return {
    file,
    columns: [
      column('metric', ({ metric }) => metric),
      column('a', ({ a_label }) => a_label),
      column('b', ({ b_label }) => b_label),
      ...TEST_COLUMNS.map((name) => column(name, (row) => row[name])),
      column('unit', ({ unit }) => unit),
      column('scenario_a', ({ a }) => a),
      column('scenario_b', ({ b }) => b),
      column('warnings', ({ warnings }) => warnings.map(({ kind }) => kind).join(';')),
      column('test', ({ test }) => test),
      column('correction', ({ p_adjusted, correction }) => (p_adjusted === null ? null : correction)),
      column('seeds', ({ seeds }) => seeds?.n),
      column('hedges_g_ci_low', ({ hedges_g_low }) => hedges_g_low),
      column('hedges_g_ci_high', ({ hedges_g_high }) => hedges_g_high),
      ...SECONDARY_TESTS.map((name) => column(name, (row) => row.secondary_tests[name])),
      column('difference_ci_low', (row) => row.difference_ci_low),
      column('difference_ci_high', (row) => row.difference_ci_high),
      column('compared_by', (row) => row.compared_by),
    ],
  }
}

/** One row per goal, with the scenario that meets it best. */
export function operatingPointsTable({ operating: { points } }: ReportModel): DataTable {
  const column = (name: string, value: (point: (typeof points)[number]) => CsvValue) =>
    [name, points.map(value)] as const
  return {
    file: 'benchmarks/operating_points.csv',
    columns: [
      column('goal', ({ goal }) => goal),
      column('metric', ({ metric }) => metric),
      column('unit', ({ unit }) => unit),
      column('scenario', ({ scenario }) => scenario),
      column('label', ({ label }) => label),
      column('mean', ({ estimate }) => estimate.value),
      column('ci_low', ({ estimate }) => estimate.low),
      column('ci_high', ({ estimate }) => estimate.high),
      column('n', ({ estimate }) => estimate.n),
      column('tied', ({ tied }) => tied.length),
      column('tied_labels', ({ tied }) => tied.map(({ label }) => label).join('; ')),
    ],
  }
}

// ---------------------------------------------------------------- for tools that collect benchmarks

/** Every metric with a direction that some trial reported, by scenario. */
export function measurementsOf(model: ReportModel): Measurement[] {
  return model.scenarios.flatMap(({ id, label, point, metrics }) =>
    model.measured.flatMap((name): Measurement[] => {
      const metric = model.metrics.get(name)!
      const estimate = metrics[name]
      if (!estimate || metric.direction === 'neutral') return []
      const values = (model.trialsOf.get(id) ?? []).flatMap((trial) => {
        const value = metricOf(trial, name)
        return value === null ? [] : [{ trial: trial.trial, value }]
      })
      const { unit, direction, description } = metric
      const settings = model.axes.map((key): [string, string] => [key, scalarText(point[key])])
      return [{ scenario: id, label, settings, metric: name, unit, direction, description, estimate, values }]
    }),
  )
}
