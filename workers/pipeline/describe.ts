/** What the pipeline says of itself: its parameters and its metrics. */
import type { MetricInfo, ParamInfo, Scalar, WorkloadInfo } from '../contract.ts'
import { DATA_PARAMS, type DataParams } from './describe-data.ts'
import { LEARNERS } from './learn/registry.ts'
import type { FeatureSet } from './plan.ts'

export interface PipelineParams extends DataParams {
  learner: 'ridge' | 'sgd'
  features: FeatureSet
  lambda: number
  forgetting: number
  eta0: number
  epochs: number
  reader: 'bytes' | 'csv-parse'
}

const PARAMS: Record<keyof PipelineParams, ParamInfo> = {
  learner: {
    type: 'string',
    default: 'ridge',
    values: ['ridge', 'sgd'],
    description: 'ridge: exact at any time, costs the square of the features; sgd: one gradient step a row',
  },
  features: {
    type: 'string',
    default: 'rich',
    values: ['rich', 'base'],
    description: 'rich adds the powers and products that a preset declares',
  },
  lambda: { ...learnerOption('ridge', 'lambda'), default: 5 },
  forgetting: learnerOption('ridge', 'forgetting'),
  eta0: learnerOption('sgd', 'eta0'),
  epochs: {
    type: 'integer',
    default: 5,
    minimum: 1,
    description: 'passes of sgd over the training rows, in batch mode alone',
  },
  reader: {
    type: 'string',
    default: 'bytes',
    values: ['bytes', 'csv-parse'],
    description: 'CSV reader: straight from bytes, or the slower reference on csv-parse',
  },
  ...DATA_PARAMS,
}

/** A learner's own option, saying whose it is. */
function learnerOption(learner: string, option: string): ParamInfo {
  const info = LEARNERS[learner]!.options[option]!
  return { ...info, description: `${learner}: ${info.description}` }
}

/** Parameters with defaults for what is absent. */
export function pipelineParams(params: Readonly<Record<string, Scalar>>): PipelineParams {
  const defaults = Object.fromEntries(Object.entries(PARAMS).map(([name, info]) => [name, info.default]))
  // Values were checked against PARAMS before they came here.
  return { ...defaults, ...params } as unknown as PipelineParams
}

const score = (description: string): MetricInfo => ({
  unit: '',
  direction: 'higher_is_better',
  kind: 'deterministic',
  description,
})
const error = (description: string): MetricInfo => ({
  unit: '',
  direction: 'lower_is_better',
  kind: 'deterministic',
  description,
})
const reference = (description: string): MetricInfo => ({ ...score(description), direction: 'neutral' })

const METRICS: Record<string, MetricInfo> = {
  r2: score('R2 of predictions made before their rows were learned'),
  rmse: error('root mean squared error of the same predictions, in units of the target'),
  mae: error('mean absolute error of the same predictions, in units of the target'),
  r2_mean_baseline: reference('R2 of predicting the mean of the targets seen'),
  r2_last_baseline: reference('R2 of predicting the last target seen'),
}

export const INFO: WorkloadInfo = {
  name: 'pipeline',
  params: PARAMS,
  metrics: METRICS,
  accuracy: 'r2',
  dataset: 'required',
}
