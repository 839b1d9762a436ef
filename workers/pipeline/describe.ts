/** What the pipeline says of itself: its parameters and its metrics. */
import type { Choices, MetricInfo, ParamInfo, Scalar, WorkloadInfo } from '../workload.ts'
import type { NumberStrategy } from './clean/imputer.ts'
import { DRIFT_PARAMS, type DriftParams } from './drift/options.ts'
import { ONE_HOT_BOUNDS } from './features/one-hot.ts'
import type { Task } from './learn/learner.ts'
import { CHOICES, defaultLearner, optionParams, type TargetInfo } from './learn/options.ts'
import { DEFAULT_LEARNER, LEARNERS } from './learn/registry.ts'
import type { FeatureSet } from './plan.ts'

// ---------------------------------------------------------------- parameters of how data is cleaned, checked and watched

export interface DataParams extends DriftParams {
  impute: NumberStrategy
  impute_value: number
  impute_categories: 'none' | 'most_frequent'
  max_categories: number
  hash_buckets: number
  validate: boolean
  drift: 'off' | 'alarm' | 'forget' | 'reset'
}

export const DATA_PARAMS: Record<keyof DataParams, ParamInfo> = {
  impute: {
    type: 'string',
    default: 'mean',
    values: ['mean', 'median', 'most_frequent', 'constant'],
    description: 'what fills a gap in a number, from the rows before it; a column may say its own',
  },
  impute_value: { type: 'number', default: 0, description: 'what impute: constant fills in' },
  impute_categories: {
    type: 'string',
    default: 'none',
    values: ['none', 'most_frequent'],
    description: 'what fills a gap in a category: nothing, or the most frequent value before it',
  },
  max_categories: {
    type: 'integer',
    default: ONE_HOT_BOUNDS.max_categories,
    minimum: 0,
    description: 'values of a category with a one-hot column each; later ones are hashed',
  },
  hash_buckets: {
    type: 'integer',
    default: ONE_HOT_BOUNDS.hash_buckets,
    minimum: 1,
    description: 'one-hot columns that the hashed values of a category share',
  },
  validate: {
    type: 'boolean',
    default: false,
    description: 'count missing values, outliers, repeated rows and collinear features, by chunk and overall',
  },
  drift: {
    type: 'string',
    default: 'off',
    values: ['off', 'alarm', 'forget', 'reset'],
    description:
      'watch target, features and error for drift; on an alarm: only note it; or, on an alarm of the error, forget half of what was learned, or start afresh',
  },
  ...DRIFT_PARAMS,
}

/** Beside these, the learners' options by name: null where not given. */
interface GivenParams extends Record<string, Scalar>, DataParams {
  /** Null: the one that fits the target. */
  learner: string | null
  features: FeatureSet
  epochs: number | null
  reader: 'bytes' | 'csv-parse'
  kernels: 'wasm' | 'js'
  label_delay: number
  score_from: number
  window: number
  curve_points: number
  checkpoint_to: string | null
  checkpoint_rows: number | null
  resume_from: string | null
  features_to: string | null
  adaptive_chunk_resize: boolean
  max_chunk_retries: number
  target_latency_ms: number | null
  adaptive_batch_resize: boolean
  spill_to_disk: boolean
}

export interface PipelineParams extends GivenParams {
  learner: string
}
/** A chunk that is halved so often has one row. */
const MAX_RETRIES = 30

const ONE_PASS = CHOICES.filter((name) => LEARNERS[name]!.one_pass === true)

const OWN_PARAMS = {
  learner: {
    type: 'string',
    default: null,
    values: [...CHOICES],
    description: `${CHOICES.map((name) => `${name}: ${LEARNERS[name]!.description}`).join('; ')}; where none is named, ${DEFAULT_LEARNER}, or, where an option is given that it does not take, ridge for a number, logistic for two labels, softmax for more`,
  },
  features: {
    type: 'string',
    default: 'rich',
    values: ['rich', 'base'],
    description: 'rich adds the powers and products that a preset declares',
  },
  epochs: {
    type: 'integer',
    default: null,
    minimum: 1,
    description: `passes over the training rows, in batch mode only; where not given, logistic and softmax are fitted to their minimum, and each of experts as if it were alone; else 5, and 1 for ${ONE_PASS.join(', ')}`,
  },
  reader: {
    type: 'string',
    default: 'bytes',
    values: ['bytes', 'csv-parse'],
    description: 'CSV reader: straight from bytes, or the slower reference on csv-parse',
  },
  kernels: {
    type: 'string',
    default: 'wasm',
    values: ['wasm', 'js'],
    description:
      'what computes: wasm is WebAssembly with vectors, where the machine has them, or else js; the scores are the same to the last bit',
  },
  ...DATA_PARAMS,
  label_delay: {
    type: 'integer',
    default: 0,
    minimum: 0,
    description: 'rows that are seen between a row and its label; predictions wait for it, in streaming mode',
  },
  score_from: {
    type: 'integer',
    default: 0,
    minimum: 0,
    description:
      'first rows with a target that are predicted and learned, and not scored, by learner and baselines alike, in streaming mode; rows before anything was learned never are',
  },
  window: {
    type: 'integer',
    default: 1000,
    minimum: 0,
    maximum: 1_000_000,
    description: 'rows of the windowed scores in the chunk log and the curve; 0 for none',
  },
  curve_points: {
    type: 'integer',
    default: 100,
    minimum: 0,
    maximum: 200,
    description: 'most points of the curve of scores over rows; 0 for none',
  },
  checkpoint_to: {
    type: 'string',
    default: null,
    writes: true,
    description:
      'file that takes the whole state of a streaming run, at the end and every checkpoint_rows; below the run folder, in files/, or where --set names it; {trial} in its name becomes the id of the trial; replaces a checkpoint and no other file',
  },
  checkpoint_rows: {
    type: 'integer',
    default: null,
    minimum: 1,
    description:
      'rows between checkpoints, each after the chunk that completes them; null: one at the end only',
  },
  resume_from: {
    type: 'string',
    default: null,
    description: 'checkpoint to go on from: the rows before it are skipped',
  },
  features_to: {
    type: 'string',
    default: null,
    writes: true,
    description:
      'CSV file that takes the engineered rows with their target, for other tools; below the run folder, in files/, or where --set names it; {trial} in its name becomes the id of the trial; replaces a file of the same columns and no other',
  },
  adaptive_chunk_resize: {
    type: 'boolean',
    default: false,
    description:
      'chunk_size is the most: start from what the caps suggest, split what would not fit, grow again',
  },
  max_chunk_retries: {
    type: 'integer',
    default: 3,
    minimum: 0,
    maximum: MAX_RETRIES,
    description: 'how often a chunk that does not fit the memory cap is halved, under adaptive_chunk_resize',
  },
  target_latency_ms: {
    type: 'number',
    default: null,
    minimum: 0.001,
    description: 'chunk latency that adaptive_chunk_resize holds; null for none',
  },
  adaptive_batch_resize: {
    type: 'boolean',
    default: false,
    description: 'batch_size is the most: start from what the caps suggest; changes accuracy, and is counted',
  },
  spill_to_disk: {
    type: 'boolean',
    default: false,
    description: 'rows that must wait go to temporary files when they take too much of the memory cap',
  },
} satisfies Record<string, ParamInfo>

const PARAMS: Record<string, ParamInfo> = { ...OWN_PARAMS, ...optionParams() }

/** Parameters with defaults for what is absent. */
export function givenParams(params: Readonly<Record<string, Scalar>>): GivenParams {
  const defaults = Object.fromEntries(Object.entries(PARAMS).map(([name, info]) => [name, info.default]))
  // Values were checked against PARAMS before they came here.
  return { ...defaults, ...params } as unknown as GivenParams
}

/** The same with the learner that fits the target where none is named. */
export function pipelineParams(
  params: Readonly<Record<string, Scalar>>,
  target: Pick<TargetInfo, 'task' | 'classes'>,
): PipelineParams {
  const given = givenParams(params)
  return { ...given, learner: given.learner ?? defaultLearner(given, target) }
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
const reference = (baseline_of: string, description: string): MetricInfo => ({
  ...score(description),
  direction: 'neutral',
  baseline_of,
})

const SCORED: MetricInfo = {
  unit: 'rows',
  direction: 'neutral',
  kind: 'deterministic',
  description:
    'rows whose predictions were scored, by learner and baselines alike: those made after something was learned, from score_from on',
}

const METRICS: Record<Task, Record<string, MetricInfo>> = {
  regression: {
    r2: { ...score('R2 of predictions made before their rows were learned'), signed: true },
    rmse: error('root mean squared error of the same predictions, in units of the target'),
    mae: error('mean absolute error of the same predictions, in units of the target'),
    r2_mean_baseline: { ...reference('r2', 'R2 of predicting the mean of the targets seen'), signed: true },
    rmse_mean_baseline: reference('rmse', 'root mean squared error of the same, in units of the target'),
    mae_mean_baseline: reference('mae', 'mean absolute error of the same, in units of the target'),
    r2_last_baseline: { ...reference('r2', 'R2 of predicting the last target seen'), signed: true },
    rmse_last_baseline: reference('rmse', 'root mean squared error of the same, in units of the target'),
    mae_last_baseline: reference('mae', 'mean absolute error of the same, in units of the target'),
    scored: SCORED,
  },
  classification: {
    accuracy: score('share of rows whose label was predicted before they were learned'),
    log_loss: error('mean of -ln of the probability that was predicted for the true label'),
    f1: score('F1 of the positive label, where there are two'),
    f1_macro: score('mean F1 over the labels'),
    roc_auc: score(
      'area under the ROC curve, where there are two labels; over 65,536 rows within roc_auc_error of the exact one',
    ),
    accuracy_majority_baseline: reference('accuracy', 'share of rows with the most frequent label seen'),
    accuracy_last_baseline: reference('accuracy', 'share of rows with the label of the last one seen'),
    log_loss_majority_baseline: reference('log_loss', 'log loss of predicting the shares of the labels seen'),
    scored: SCORED,
  },
}

const ACCURACY: Record<Task, string> = { regression: 'r2', classification: 'accuracy' }

/** What each learner is and takes. */
export function parameterChoices(): Choices {
  const learner = CHOICES.map((name) => {
    const { description, options } = LEARNERS[name]!
    return [name, { description: `for ${targetWords(name)}: ${description}`, params: options }]
  })
  return { learner: Object.fromEntries(learner) }
}

/** Which targets a learner is for. */
export function targetWords(learner: string): string {
  const { task, two_classes } = LEARNERS[learner]!
  if (task === null) return 'a number, or labels'
  return task === 'regression' ? 'a number' : two_classes ? 'two labels' : 'labels'
}

/** `tasks`: those of the data sets, none while they are unknown: then all metrics are described. */
export function infoFor(tasks: readonly Task[]): WorkloadInfo {
  const known: readonly Task[] = tasks.length === 0 ? ['regression', 'classification'] : [...new Set(tasks)]
  return {
    name: 'pipeline',
    params: PARAMS,
    metrics: Object.assign({}, ...known.map((task) => METRICS[task])),
    accuracy: ACCURACY[known[0]!],
    dataset: 'required',
  }
}
