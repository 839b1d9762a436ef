/** Why a column is empty from top to bottom, by file and column: such a cell is never a 0 or a guess. */
import type { PipelineOptions } from '../../pipeline/options.ts'
import { firstOk, type Measured, type PipelineData } from './data.ts'
import { chunkEnergy } from './energy.ts'

export function notMeasured(
  { batch, streaming, grid }: PipelineData,
  profile: PipelineOptions['profile'],
): Record<string, string> {
  return {
    'profiles/operator_profile.csv: feature_selection_s':
      'no feature is selected by the target of rows that were not learned yet',
    'profiles/operator_profile.csv: encode_scale_s':
      'no operator of its own: one-hot encoding is in features_s, scaling in learn_s',
    ...chunkReason(streaming, profile),
    ...trialReason('benchmarks/constraint_experiment.csv', grid, profile),
    ...trialReason('benchmarks/resource_vs_accuracy.csv', [batch, streaming], profile),
  }
}

function chunkReason(streaming: Measured, profile: PipelineOptions['profile']): Record<string, string> {
  const { scenario, trials, chunks } = streaming
  const [first] = chunks
  if (first === undefined || chunkEnergy(scenario.watts ?? null, firstOk(trials))(first) !== null) return {}
  const why = `energy counters are read once per trial, and ${withoutEstimate(profile)}`
  return forColumns('reports/streaming_chunks.jsonl', why)
}

function trialReason(
  file: string,
  rows: readonly Measured[],
  profile: PipelineOptions['profile'],
): Record<string, string> {
  if (rows.some(({ report }) => report.energy_source !== null)) return {}
  const why = rows.every(({ report }) => report.outcomes.ok === 0)
    ? 'no trial was ok'
    : `no counter of energy could be read, and ${withoutEstimate(profile)}`
  return forColumns(file, why)
}

const forColumns = (file: string, why: string): Record<string, string> => ({
  [`${file}: energy_j`]: why,
  [`${file}: energy_source`]: why,
})

function withoutEstimate(profile: PipelineOptions['profile']): string {
  if (profile === null) return 'no --profile gives the watts for an estimate'
  if (profile.watts === null) return `profile ${profile.name} gives no watts for an estimate`
  return 'this machine does not report what part of it a trial used while others ran; --n-jobs 1 runs one at a time'
}
