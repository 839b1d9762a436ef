/** `pipeline_report.json` and `run_manifest.json`. Every number in them was measured; null where nothing was measured. */

import type { ComparisonRow } from '../../analyse/comparison.ts'
import { okTrials } from '../../analyse/values.ts'
import { own } from '../../own.ts'
import type { Origin, PipelineOptions } from '../../pipeline/options.ts'
import { firstOk, type Measured, type PipelineData, rowsOf } from './data.ts'
import { operatorTotals, stageSeconds } from './operators.ts'
import { qualitySection } from './quality.ts'

/** @param notMeasured why a column is empty, by file and column */
export function pipelineJson(
  data: PipelineData,
  options: PipelineOptions,
  notMeasured: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const { manifest, model, batch, streaming, grid, sizes } = data
  return {
    dataset_fingerprint: fingerprint(data),
    reproducibility: reproducibility(data, options),
    batch: modeSection(batch),
    streaming: modeSection(streaming),
    benchmark: {
      benchmark_runs: manifest.sweep.benchmark_runs,
      order: 'rounds of all scenarios, each shuffled by the seed',
      batch_against_streaming: model.comparisons
        .filter(({ a, b }) => a === batch.scenario.id && b === streaming.scenario.id)
        .map(comparison),
      outcomes: model.trials.outcomes,
    },
    constraint_experiment: {
      grid: grid.map((one) => ({
        chunk_size: one.scenario.settings.chunk_size,
        memory_limit_mb: one.scenario.settings.max_memory_mb,
        compute_limit: one.scenario.settings.max_compute_units,
        ...measuredSection(one),
      })),
      operating_points: model.operating.points.map(
        ({ goal, metric, unit, scenario, label, estimate, tied }) => ({
          goal,
          metric,
          unit,
          scenario: label,
          estimate,
          ...(metric === 'energy_j' && {
            energy_source: model.scenarios.find(({ id }) => id === scenario)?.energy_source ?? null,
          }),
          tied: tied.map((one) => one.label),
        }),
      ),
    },
    quality: qualitySection(okInfo(streaming) ?? {}, streaming.chunks),
    scaling: {
      latency_vs_data_size: sizes.map((one) => ({
        rows: rowsOf(one),
        latency_s: one.report.metrics['wall_s'] ?? null,
        throughput_rows_s: one.report.metrics['throughput_rows_s'] ?? null,
      })),
      throughput_vs_memory: [batch, ...grid].map((one) => ({
        scenario: one.report.label,
        peak_memory_mb: one.report.metrics['peak_memory_mb'] ?? null,
        throughput_rows_s: one.report.metrics['throughput_rows_s'] ?? null,
      })),
    },
    not_measured: notMeasured,
    notices: model.notices,
  }
}

/** What was run, on what and with what, and which files came of it. */
export function runManifest(
  data: PipelineData,
  options: PipelineOptions,
  written: readonly string[],
): object {
  const { manifest } = data
  return {
    stint: manifest.stint,
    command: manifest.command,
    started_at: manifest.started_at,
    finished_at: manifest.finished_at,
    resumed: manifest.resumed,
    dataset_fingerprint: fingerprint(data),
    reproducibility: reproducibility(data, options),
    machine: manifest.machine,
    git: manifest.git,
    workload: manifest.workload.name,
    trials: data.model.trials,
    notes: manifest.notes,
    files: written,
  }
}

function fingerprint({ manifest }: PipelineData): object {
  // The sizes are parts of the one file.
  const [{ path, preset, target, fingerprint: print }] = manifest.datasets as [
    (typeof manifest.datasets)[number],
  ]
  return { path, preset, target, ...print }
}

function reproducibility({ manifest, batch, streaming }: PipelineData, options: PipelineOptions): object {
  const { settings, origins, template, profile } = options
  const withOrigin = Object.entries(settings).map(
    ([key, value]): [string, { value: unknown; from: Origin }] => [
      key,
      { value, from: origins[key as keyof typeof origins] },
    ],
  )
  return {
    random_seed: settings.random_seed,
    config_template: template,
    profile,
    settings: Object.fromEntries(withOrigin),
    quality_identical_in_all_runs: {
      batch: identicalQuality(batch, manifest.workload.metrics),
      streaming: identicalQuality(streaming, manifest.workload.metrics),
    },
    node: manifest.machine.node,
    v8: manifest.machine.v8,
  }
}

/** Whether all deterministic metrics have the same bits in every ok trial; null with fewer than two. */
function identicalQuality(
  { trials }: Measured,
  metrics: PipelineData['manifest']['workload']['metrics'],
): boolean | null {
  const ok = okTrials(trials)
  if (ok.length < 2) return null
  const names = Object.keys(metrics).filter((name) => metrics[name]!.kind === 'deterministic')
  return ok.every((trial) =>
    names.every((name) => Object.is(own(trial.metrics, name), own(ok[0]!.metrics, name))),
  )
}

function modeSection(one: Measured): object {
  return { settings: one.scenario.settings, params: one.scenario.params, ...measuredSection(one) }
}

function measuredSection({ report, trials, chunks }: Measured): object {
  const known = Object.entries(report.metrics).filter(([, estimate]) => estimate !== null)
  return {
    trials: trials.length,
    outcomes: report.outcomes,
    failures: report.failures,
    metrics: Object.fromEntries(known),
    preprocessing_s: stageSeconds(chunks, (stage) => stage !== 'training'),
    training_s: stageSeconds(chunks, (stage) => stage === 'training'),
    operators_s: Object.fromEntries(
      operatorTotals(chunks).map(({ operator, seconds }) => [operator, seconds]),
    ),
    caps: { compute: report.compute, memory: report.memory },
    energy_source: report.energy_source,
    info: okInfo({ trials }),
  }
}

function okInfo({ trials }: Pick<Measured, 'trials'>): Record<string, unknown> | null {
  return firstOk(trials)?.info ?? null
}

function comparison(row: ComparisonRow): object {
  const { metric, unit, mean_a, mean_b, difference, ratio, ratio_ci_low, ratio_ci_high } = row
  const { n_a, n_b, p, p_adjusted, hedges_g, verdict } = row
  return {
    metric,
    unit,
    batch: { mean: mean_a, n: n_a },
    streaming: { mean: mean_b, n: n_b },
    difference,
    ratio: { value: ratio, low: ratio_ci_low, high: ratio_ci_high },
    p,
    p_adjusted,
    hedges_g,
    verdict,
  }
}
