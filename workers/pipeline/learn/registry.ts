/** Every learner by name: its task, its options with defaults and bounds, and how it is made or restored. */
import type { ParamInfo, Scalar } from '../../workload.ts'
import { LastValue, MajorityClass, NoChange, RunningMean } from './baselines.ts'
import { FTRL_DEFAULTS, Ftrl } from './ftrl.ts'
import type { Learner, LearnerState } from './learner.ts'
import { LinearClassifier, LinearRegressor } from './linear-learner.ts'
import { MONDRIAN_DEFAULTS, MondrianForest, MondrianForestClassifier } from './mondrian-forest.ts'
import { PA_DEFAULTS, PassiveAggressive } from './pa.ts'
import { RIDGE_DEFAULTS, Ridge } from './ridge.ts'
import { isClassifier, Scaled, ScaledClassifier } from './scaled.ts'
import { SGD_DEFAULTS, Sgd } from './sgd.ts'
import { SOFTMAX_DEFAULTS, Softmax } from './softmax.ts'

export type Task = 'regression' | 'classification'
export type LearnerOptions = Record<string, Scalar>

export interface LearnerInfo {
  task: Task
  /** Looks at the targets alone: a yardstick for the others. */
  baseline?: true
  /** Tells two classes apart and no more. */
  two_classes?: true
  /** Once over the rows of batch mode unless told otherwise: more passes only count each row several times. */
  one_pass?: true
  description: string
  options: Record<string, ParamInfo>
}

interface Entry extends LearnerInfo {
  create: (options: Record<string, never>, seed: number) => Learner
  restore: (state: LearnerState) => Learner
}

/** @param classes distinct labels; null while unknown */
export function defaultLearner(task: Task, classes: number | null): string {
  if (task === 'regression') return 'ridge'
  return classes !== null && classes <= 2 ? 'logistic' : 'softmax'
}

/** Smallest value of an option that must be above 0. */
const ABOVE_ZERO = Number.MIN_VALUE

function number(value: number, description: string, minimum?: number, maximum?: number): ParamInfo {
  return {
    type: 'number',
    default: value,
    description,
    ...(minimum !== undefined && { minimum }),
    ...(maximum !== undefined && { maximum }),
  }
}

const flag = (value: boolean, description: string): ParamInfo => ({
  type: 'boolean',
  default: value,
  description,
})
const choice = (value: string, values: readonly string[], description: string): ParamInfo => ({
  type: 'string',
  default: value,
  values: [...values],
  description,
})

const SCALE_FEATURES = flag(true, 'standardise dense features by their running mean and deviation')
const SCALE_TARGET = flag(true, 'standardise the target by its running mean and deviation')

const INTERCEPT_LR: ParamInfo = {
  type: 'number',
  default: null,
  minimum: 0,
  description: 'constant step size of the intercept, 0 to keep it at 0; where not given, that of the weights',
}

const FORGETTING = number(1, 'weight of a row relative to the next', ABOVE_ZERO, 1)

const CLIP = flag(true, 'keep predictions within the range of the targets seen')

const sgdSteps = (eta0: number, schedule: string): Record<string, ParamInfo> => ({
  learning_rate: choice(
    schedule,
    ['constant', 'invscaling', 'optimal'],
    'step size by step: eta0; eta0 / t^power_t; 1 / (alpha (t0 + t))',
  ),
  eta0: number(eta0, 'first step size', ABOVE_ZERO),
  power_t: number(SGD_DEFAULTS.power_t, 'exponent of invscaling', 0),
  alpha: number(SGD_DEFAULTS.alpha, 'strength of the penalty', 0),
  l1_ratio: number(SGD_DEFAULTS.l1_ratio, 'share of the penalty that is L1, the rest L2', 0, 1),
  average: flag(SGD_DEFAULTS.average, 'predict by the mean of the weights over all steps'),
  intercept_lr: INTERCEPT_LR,
})

const PA_OPTIONS: Record<string, ParamInfo> = {
  variant: choice(PA_DEFAULTS.variant, ['pa1', 'pa2'], 'PA-I bounds a step by c, PA-II damps it'),
  c: number(PA_DEFAULTS.c, 'aggressiveness', ABOVE_ZERO),
}

const FTRL_OPTIONS: Record<string, ParamInfo> = {
  alpha: number(FTRL_DEFAULTS.alpha, 'step size scale', ABOVE_ZERO),
  beta: number(FTRL_DEFAULTS.beta, 'smooths the first steps', 0),
  l1: number(FTRL_DEFAULTS.l1, 'L1 penalty; weights below it stay exactly 0', 0),
  l2: number(FTRL_DEFAULTS.l2, 'L2 penalty', 0),
}

const MONDRIAN_OPTIONS: Record<string, ParamInfo> = {
  trees: {
    type: 'integer',
    default: MONDRIAN_DEFAULTS.trees,
    minimum: 1,
    maximum: 1000,
    description: 'trees whose predictions are averaged; time grows with them',
  },
  step: number(
    MONDRIAN_DEFAULTS.step,
    'weight of the losses of a node: the larger, the sooner finer nodes are trusted',
    ABOVE_ZERO,
  ),
  forgetting: FORGETTING,
  category_weight: number(
    MONDRIAN_DEFAULTS.category_weight,
    'chance of a split by a category relative to one by a number; 0 for none',
    0,
  ),
  forest_memory_mb: number(
    MONDRIAN_DEFAULTS.forest_memory_mb,
    'most memory of all nodes; a tree that has used up its share undoes its latest splits, a tenth of them, and from then on makes none as fine',
    ABOVE_ZERO,
  ),
}

const ENTRIES: Record<string, Entry> = {
  ridge: {
    task: 'regression',
    one_pass: true,
    description:
      'ridge on sufficient statistics: the exact solution over all rows so far, solved once a batch',
    options: {
      lambda: number(
        RIDGE_DEFAULTS.lambda,
        'penalty on weights of standardised features and one-hot columns',
        0,
      ),
      forgetting: FORGETTING,
      clip: CLIP,
      max_one_hot: {
        type: 'integer',
        default: RIDGE_DEFAULTS.max_one_hot,
        minimum: 0,
        description: 'one-hot indexes from this on are ignored; memory grows with its square',
      },
    },
    create: (options) => new Ridge(options),
    restore: (state) => Ridge.fromJSON(state),
  },
  sgd: {
    task: 'regression',
    description: 'linear regression by stochastic gradient descent, row by row',
    options: {
      loss: choice('squared', ['squared', 'huber', 'epsilon_insensitive'], 'loss'),
      ...sgdSteps(0.05, SGD_DEFAULTS.learning_rate),
      epsilon: number(SGD_DEFAULTS.epsilon, 'threshold of the huber and epsilon_insensitive losses', 0),
      scale_features: SCALE_FEATURES,
      scale_target: SCALE_TARGET,
      clip: CLIP,
    },
    create: (options) => scaled(options, (own) => new LinearRegressor('sgd', new Sgd(own))),
    restore: (state) => new LinearRegressor('sgd', Sgd.fromJSON(state)),
  },
  pa: {
    task: 'regression',
    description: 'passive-aggressive regression',
    options: {
      ...PA_OPTIONS,
      epsilon: number(PA_DEFAULTS.epsilon, 'errors up to this change nothing', 0),
      scale_features: SCALE_FEATURES,
      scale_target: SCALE_TARGET,
      clip: CLIP,
    },
    create: (options) => scaled(options, (own) => new LinearRegressor('pa', new PassiveAggressive(own))),
    restore: (state) => new LinearRegressor('pa', PassiveAggressive.fromJSON(state)),
  },
  ftrl: {
    task: 'regression',
    one_pass: true,
    description: 'linear regression by FTRL-Proximal',
    options: { ...FTRL_OPTIONS, scale_features: SCALE_FEATURES, scale_target: SCALE_TARGET, clip: CLIP },
    create: (options) => scaled(options, (own) => new LinearRegressor('ftrl', new Ftrl(own))),
    restore: (state) => new LinearRegressor('ftrl', Ftrl.fromJSON(state)),
  },
  mondrian_forest: {
    task: 'regression',
    one_pass: true,
    description:
      'aggregated Mondrian forest: random trees that grow with the rows, for targets that are no sum of their features',
    options: MONDRIAN_OPTIONS,
    create: (options, seed) => new MondrianForest(options, seed),
    restore: (state) => MondrianForest.fromJSON(state),
  },
  mean: {
    task: 'regression',
    baseline: true,
    description: 'a baseline: the mean of the targets so far',
    options: {},
    create: () => new RunningMean(),
    restore: (state) => RunningMean.fromJSON(state),
  },
  last_value: {
    task: 'regression',
    baseline: true,
    description: 'a baseline: the last target seen',
    options: {},
    create: () => new LastValue(),
    restore: (state) => LastValue.fromJSON(state),
  },
  logistic: {
    task: 'classification',
    two_classes: true,
    description: 'logistic regression of two classes by stochastic gradient descent; a linear SVM with hinge',
    options: {
      loss: choice('log', ['log', 'hinge'], 'loss; hinge gives no probabilities'),
      ...sgdSteps(0.05, 'invscaling'),
      scale_features: SCALE_FEATURES,
    },
    create: (options) => scaled(options, (own) => sgdClassifier(new Sgd(own))),
    restore: (state) => sgdClassifier(Sgd.fromJSON(state)),
  },
  softmax: {
    task: 'classification',
    description: 'multinomial logistic regression by stochastic gradient descent; classes may appear late',
    options: {
      eta0: number(SOFTMAX_DEFAULTS.eta0, 'first step size', ABOVE_ZERO),
      power_t: number(SOFTMAX_DEFAULTS.power_t, 'step t has size eta0 / t^power_t', 0),
      alpha: number(SOFTMAX_DEFAULTS.alpha, 'L2 penalty', 0),
      intercept_lr: INTERCEPT_LR,
      scale_features: SCALE_FEATURES,
    },
    create: (options) => scaled(options, (own) => new Softmax(own)),
    restore: (state) => Softmax.fromJSON(state),
  },
  pa_classifier: {
    task: 'classification',
    two_classes: true,
    description: 'passive-aggressive classification of two classes',
    options: { ...PA_OPTIONS, scale_features: SCALE_FEATURES },
    create: (options) =>
      scaled(options, (own) => new LinearClassifier('pa_classifier', new PassiveAggressive(own), false)),
    restore: (state) => new LinearClassifier('pa_classifier', PassiveAggressive.fromJSON(state), false),
  },
  ftrl_classifier: {
    task: 'classification',
    two_classes: true,
    one_pass: true,
    description: 'logistic regression of two classes by FTRL-Proximal',
    options: { ...FTRL_OPTIONS, scale_features: SCALE_FEATURES },
    create: (options) =>
      scaled(options, (own) => new LinearClassifier('ftrl_classifier', new Ftrl(own), true)),
    restore: (state) => new LinearClassifier('ftrl_classifier', Ftrl.fromJSON(state), true),
  },
  mondrian_forest_classifier: {
    task: 'classification',
    one_pass: true,
    description: 'the same forest for labels; labels may appear late',
    options: {
      ...MONDRIAN_OPTIONS,
      dirichlet: number(
        MONDRIAN_DEFAULTS.dirichlet,
        'rows of each label that a node counts before it has seen any',
        ABOVE_ZERO,
      ),
    },
    create: (options, seed) => new MondrianForestClassifier(options, seed),
    restore: (state) => MondrianForestClassifier.fromJSON(state),
  },
  majority: {
    task: 'classification',
    baseline: true,
    description: 'a baseline: the most frequent label so far',
    options: {},
    create: () => new MajorityClass(),
    restore: (state) => MajorityClass.fromJSON(state),
  },
  no_change: {
    task: 'classification',
    baseline: true,
    description: 'a baseline: the label of the last row',
    options: {},
    create: () => new NoChange(),
    restore: (state) => NoChange.fromJSON(state),
  },
}

/** What learners there are, for `describe()` and for messages. */
export const LEARNERS: Readonly<Record<string, LearnerInfo>> = ENTRIES

/**
 * A fresh learner. Options not given take their defaults.
 * @param seed of learners that draw; the others are the same for all
 * @throws {RangeError} on an unknown name or option, or a value outside the option's bounds
 */
export function createLearner(name: string, options: LearnerOptions = {}, seed = 0): Learner {
  const entry = Object.hasOwn(ENTRIES, name) ? ENTRIES[name] : undefined
  if (entry === undefined) {
    throw new RangeError(`unknown learner "${name}"; there are ${Object.keys(ENTRIES).join(', ')}`)
  }
  for (const [key, value] of Object.entries(options)) checkOption(name, entry, key, value)
  const filled = Object.fromEntries(
    Object.entries(entry.options).map(([key, info]) => [key, options[key] ?? info.default]),
  )
  return entry.create(filled as Record<string, never>, seed)
}

/** @throws {TypeError} where the state is not one that a learner wrote */
export function learnerFromJSON(state: LearnerState): Learner {
  if (state.learner === 'scaled') return Scaled.fromJSON(state, learnerFromJSON)
  const entry = Object.hasOwn(ENTRIES, state.learner) ? ENTRIES[state.learner] : undefined
  if (entry === undefined) throw new TypeError(`state of an unknown learner "${state.learner}"`)
  return entry.restore(state)
}

function sgdClassifier(model: Sgd): LinearClassifier {
  return new LinearClassifier('logistic', model, model.options.loss === 'log')
}

/** Wraps the learner that `make` builds of its own options in the scaling that the others ask for. */
function scaled(options: Record<string, never>, make: (own: Record<string, never>) => Learner): Learner {
  const {
    scale_features = false,
    scale_target = false,
    clip = false,
    ...own
  } = options as Record<string, Scalar>
  const inner = make(own as Record<string, never>)
  if (!scale_features && !scale_target && !clip) return inner
  const scaling = {
    scale_features: scale_features === true,
    scale_target: scale_target === true,
    clip: clip === true,
  }
  return isClassifier(inner) ? new ScaledClassifier(inner, scaling) : new Scaled(inner, scaling)
}

function checkOption(learner: string, entry: LearnerInfo, key: string, value: Scalar): void {
  const info = Object.hasOwn(entry.options, key) ? entry.options[key] : undefined
  if (info === undefined) {
    const known = Object.keys(entry.options).join(', ') || 'no options'
    throw new RangeError(`learner "${learner}" has no option "${key}"; it takes ${known}`)
  }
  const kind = info.type === 'integer' ? 'number' : info.type
  const fits =
    (value === null && info.default === null) ||
    (typeof value === kind &&
      (info.type !== 'integer' || Number.isInteger(value)) &&
      (info.values === undefined || info.values.includes(value)) &&
      (typeof value !== 'number' ||
        (value >= (info.minimum ?? -Infinity) && value <= (info.maximum ?? Infinity))))
  if (fits) return
  throw new RangeError(
    `learner "${learner}": "${key}" must be ${expectation(info)}, not ${JSON.stringify(value)}`,
  )
}

function expectation(info: ParamInfo): string {
  if (info.values !== undefined) return `one of ${info.values.join(', ')}`
  const low =
    info.minimum === ABOVE_ZERO ? ' above 0' : info.minimum === undefined ? '' : ` from ${info.minimum}`
  const high = info.maximum === undefined ? '' : ` to ${info.maximum}`
  return `a ${info.type}${low}${high}`
}
