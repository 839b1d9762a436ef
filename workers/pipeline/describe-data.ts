/** Parameters of how data is cleaned, checked and watched. */
import type { ParamInfo } from '../workload.ts'
import type { NumberStrategy } from './clean/imputer.ts'
import { ONE_HOT_BOUNDS } from './features/one-hot.ts'

export interface DataParams {
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
}
