/** `constraint_experiment.csv`: one row a scenario. */
import type { Estimate } from '../analyse/estimate.ts'
import { OUTCOMES } from '../analyse/values.ts'
import { type CsvValue, toCsv } from './csv.ts'
import type { ReportModel, ScenarioReport } from './types.ts'

export function constraintExperimentCsv(model: ReportModel): string {
  const { scenarios } = model
  const column = (name: string, value: (scenario: ScenarioReport) => CsvValue) =>
    [name, scenarios.map(value)] as const
  const settings = [...new Set(scenarios.flatMap(({ flat }) => Object.keys(flat)))]
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
  return toCsv([
    column('scenario', ({ id }) => id),
    column('label', ({ label }) => label),
    ...settings.map((key) => column(key, ({ flat }) => flat[key])),
    column('n', ({ trials }) => trials),
    ...OUTCOMES.map((outcome) => column(outcome, ({ outcomes }) => outcomes[outcome])),
    ...metricColumns,
    column('energy_source', ({ energy_source }) => energy_source),
    column('pareto_latency', ({ front }) => front.latency),
    column('pareto_memory', ({ front }) => front.memory),
    column('requested_compute', ({ compute }) => compute.requested),
    column('achieved_compute', ({ compute }) => compute.achieved?.value),
    column('achieved_compute_max', ({ compute }) => compute.achieved_max),
    column('compute_mechanism', ({ compute }) => compute.mechanisms.join(';')),
    column('compute_enforced', ({ compute }) => compute.enforced),
    column('requested_memory_mb', ({ memory }) => memory.requested_mb),
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
  ])
}

/** Columns that scripts for the original pipeline read; those of things not measured here are left out. */
function formerNames(model: ReportModel): [string, (scenario: ScenarioReport) => CsvValue][] {
  const names: [string, (scenario: ScenarioReport) => CsvValue][] = [
    ['memory_limit_mb', ({ memory }) => memory.requested_mb],
    ['compute_limit', ({ compute }) => compute.requested],
  ]
  if (model.measured.includes('r2')) names.push(['model_accuracy_r2', ({ metrics }) => metrics['r2']?.value])
  if (model.measured.includes('rmse')) names.push(['model_rmse', ({ metrics }) => metrics['rmse']?.value])
  return names
}
