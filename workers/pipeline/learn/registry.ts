/** Every learner by name: its task, its options with defaults and bounds, and how it is made or restored. */
import type { ParamInfo, Scalar } from '../../workload.ts'
import { LastValue, MajorityClass, NoChange, RunningMean } from './baselines.ts'
import { ABOVE_ZERO, checkOption, choice, flag, number } from './declare-option.ts'
import { optionsOf, USUAL_EXPERTS, usualExperts } from './expert-specs.ts'
import { Experts, ExpertsClassifier, type ExpertsOptions, type Member } from './experts.ts'
import { FTRL_DEFAULTS, Ftrl } from './ftrl.ts'
import { KERNEL_RIDGE_DEFAULTS, KernelRidge } from './kernel-ridge.ts'
import { LabelChain } from './label-chain.ts'
import { WithLastLabel } from './last-label.ts'
import type { Classifier, Learner, LearnerOptions, LearnerState, Task } from './learner.ts'
import { LinearClassifier, LinearRegressor } from './linear-learner.ts'
import { MONDRIAN_DEFAULTS, MondrianForest, MondrianForestClassifier } from './mondrian-forest.ts'
import { PA_DEFAULTS, PassiveAggressive } from './pa.ts'
import { RIDGE_DEFAULTS, Ridge } from './ridge.ts'
import { isClassifier, Scaled, ScaledClassifier } from './scaled.ts'
import { SGD_DEFAULTS, Sgd } from './sgd.ts'
import { SOFTMAX_DEFAULTS, Softmax } from './softmax.ts'
import { TARGET_TRANSFORMS, type TargetTransform, Transformed } from './target-transform.ts'
import { WINDOW_LOGISTIC_DEFAULTS, WindowLogistic } from './window-logistic.ts'

export interface LearnerInfo {
  /** Null: either. */
  task: Task | null
  /** Looks only at the targets: a yardstick for the others. */
  baseline?: true
  /** Tells two classes apart and no more. */
  two_classes?: true
  /** Once over the rows of batch mode unless told otherwise: more passes only count each row several times. */
  one_pass?: true
  description: string
  options: Record<string, ParamInfo>
}

interface Entry extends LearnerInfo {
  create: (options: Record<string, never>, seed: number, task: Task) => Learner
  restore: (state: LearnerState) => Learner
}

/** What learns where none is named, numbers and labels alike. */
export const DEFAULT_LEARNER = 'experts'

/** Step sizes that `logistic` and `softmax` try side by side where none is given; the first two fall, the others stay. */
const STEPS: readonly LearnerOptions[] = [
  { eta0: 0.05 },
  { eta0: 0.5 },
  ...[0.01, 0.03, 0.1, 0.3, 1].map((eta0) => ({ eta0, power_t: 0 })),
]
const STEPS_OPTIONS: ExpertsOptions = { eta: 1, share: 0.0005, alike: true }

const SCALE_FEATURES = flag(true, 'standardise dense features by their running mean and deviation')
const SCALE_TARGET = flag(true, 'standardise the target by its running mean and deviation')

const INTERCEPT_LR: ParamInfo = {
  type: 'number',
  default: null,
  minimum: 0,
  description: 'constant step size of the intercept, 0 to keep it at 0; where not given, that of the weights',
}

const FORGETTING = number(1, 'weight of a row relative to the next', ABOVE_ZERO, 1)

const TARGET_TRANSFORM = choice(
  'none',
  TARGET_TRANSFORMS,
  'what is learned: the target, its logarithm sign(y) ln(1 + |y|), or its root; with the latter two predictions stay within the range of the targets seen',
)

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

const LAST_LABEL = flag(false, 'the labels of the last three rows learned are features as well')

const FIRST_STEP: ParamInfo = {
  type: 'number',
  default: null,
  minimum: ABOVE_ZERO,
  description:
    'first step size; where not given, two that fall from 0.05 and 0.5 and constant ones from 0.01 to 1 run side by side, weighted by their log loss',
}

const ENTRIES: Record<string, Entry> = {
  experts: {
    task: null,
    one_pass: true,
    description:
      'several learners side by side, weighted by how they did (fixed share): never much worse than the best of them',
    options: {
      experts: {
        type: 'string',
        default: null,
        description: `learners and options, such as "ridge, ridge forgetting=0.99, kernel_ridge"; where not given, for numbers ${usualExperts('regression')}; for labels ${usualExperts('classification')}`,
      },
      eta: number(1, 'how fast the weights follow the losses', ABOVE_ZERO),
      share: number(0.002, 'share of the weights that returns to where it began with each row', 0, 1),
    },
    create: (options, seed, task) => experts(options, seed, task),
    restore: (state) => Experts.fromJSON(state, learnerFromJSON),
  },
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
      target_transform: TARGET_TRANSFORM,
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
  kernel_ridge: {
    task: 'regression',
    one_pass: true,
    description: `kernel ridge regression, radial and linear: exact over the first rows, which are the landmarks of those after them`,
    options: {
      lambda: number(
        KERNEL_RIDGE_DEFAULTS.lambda,
        'penalty: the variance of the noise beside that of the kernel',
        ABOVE_ZERO,
      ),
      length_scale: number(
        KERNEL_RIDGE_DEFAULTS.length_scale,
        'distance at which rows are alike, in standard deviations of a feature',
        ABOVE_ZERO,
      ),
      linear: number(KERNEL_RIDGE_DEFAULTS.linear, 'weight of the linear part beside the radial one', 0),
      landmarks: {
        type: 'integer',
        default: KERNEL_RIDGE_DEFAULTS.landmarks,
        minimum: 1,
        maximum: 4096,
        description: 'rows kept; memory and time a row grow with its square',
      },
      clip: CLIP,
      target_transform: TARGET_TRANSFORM,
    },
    create: (options) => new KernelRidge(options),
    restore: (state) => KernelRidge.fromJSON(state),
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
      target_transform: TARGET_TRANSFORM,
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
      target_transform: TARGET_TRANSFORM,
    },
    create: (options) => scaled(options, (own) => new LinearRegressor('pa', new PassiveAggressive(own))),
    restore: (state) => new LinearRegressor('pa', PassiveAggressive.fromJSON(state)),
  },
  ftrl: {
    task: 'regression',
    one_pass: true,
    description: 'linear regression by FTRL-Proximal',
    options: {
      ...FTRL_OPTIONS,
      scale_features: SCALE_FEATURES,
      scale_target: SCALE_TARGET,
      clip: CLIP,
      target_transform: TARGET_TRANSFORM,
    },
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
      eta0: FIRST_STEP,
      last_label: LAST_LABEL,
      scale_features: SCALE_FEATURES,
    },
    create: (options) => bySteps(options, (given) => scaled(given, (own) => sgdClassifier(new Sgd(own)))),
    restore: (state) => sgdClassifier(Sgd.fromJSON(state)),
  },
  softmax: {
    task: 'classification',
    description: 'multinomial logistic regression by stochastic gradient descent; classes may appear late',
    options: {
      eta0: FIRST_STEP,
      power_t: number(SOFTMAX_DEFAULTS.power_t, 'step t has size eta0 / t^power_t', 0),
      alpha: number(SOFTMAX_DEFAULTS.alpha, 'L2 penalty', 0),
      intercept_lr: INTERCEPT_LR,
      last_label: LAST_LABEL,
      scale_features: SCALE_FEATURES,
    },
    create: (options) => bySteps(options, (given) => scaled(given, (own) => new Softmax(own))),
    restore: (state) => Softmax.fromJSON(state),
  },
  window_logistic: {
    task: 'classification',
    one_pass: true,
    description:
      'multinomial logistic regression on the last rows, fitted anew as they change; classes may appear late',
    options: {
      fit_rows: {
        type: 'integer',
        default: WINDOW_LOGISTIC_DEFAULTS.fit_rows,
        minimum: 2,
        description: 'rows kept and fitted; memory and time grow with it',
      },
      penalty: number(
        WINDOW_LOGISTIC_DEFAULTS.penalty,
        'L2 penalty beside the summed log loss of the rows kept',
        ABOVE_ZERO,
      ),
    },
    create: (options) => new WindowLogistic(options),
    restore: (state) => WindowLogistic.fromJSON(state),
  },
  label_chain: {
    task: 'classification',
    one_pass: true,
    description: 'the shares of the labels that followed the last one: looks at labels only',
    options: {},
    create: () => new LabelChain(),
    restore: (state) => LabelChain.fromJSON(state),
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
export function createLearner(
  name: string,
  options: LearnerOptions = {},
  seed = 0,
  task: Task = 'regression',
): Learner {
  const entry = Object.hasOwn(ENTRIES, name) ? ENTRIES[name] : undefined
  if (entry === undefined) {
    throw new RangeError(`unknown learner "${name}"; there are ${Object.keys(ENTRIES).join(', ')}`)
  }
  for (const [key, value] of Object.entries(options)) checkOption(name, entry.options, key, value)
  const filled = Object.fromEntries(
    Object.entries(entry.options).map(([key, info]) => [key, options[key] ?? info.default]),
  )
  const { target_transform, last_label, ...own } = filled
  const learner = entry.create(own as Record<string, never>, seed, entry.task ?? task)
  if (last_label === true) return new WithLastLabel(learner as Classifier)
  if (target_transform === undefined || target_transform === 'none') return learner
  return new Transformed(learner, target_transform as TargetTransform)
}

/** @throws {TypeError} where the state is not one that a learner wrote */
export function learnerFromJSON(state: LearnerState): Learner {
  if (state.learner === 'scaled') return Scaled.fromJSON(state, learnerFromJSON)
  if (state.learner === 'with_last_label') {
    return WithLastLabel.fromJSON(state, (inner) => learnerFromJSON(inner) as Classifier)
  }
  if (state.learner === 'transformed') return Transformed.fromJSON(state, learnerFromJSON)
  if (state.learner === 'experts_classifier') return ExpertsClassifier.fromJSON(state, learnerFromJSON)
  const entry = Object.hasOwn(ENTRIES, state.learner) ? ENTRIES[state.learner] : undefined
  if (entry === undefined) throw new TypeError(`state of an unknown learner "${state.learner}"`)
  return entry.restore(state)
}

function experts(options: Record<string, never>, seed: number, task: Task): Learner {
  const { experts: named, eta, share } = options as unknown as ExpertsOptions & { experts: string | null }
  const specs =
    named === null ? USUAL_EXPERTS[task] : named.split(',').map((spec) => [spec.trim(), 1] as const)
  const members = specs.map(([spec, prior]) => {
    const fresh = () => namedExpert(spec, seed, task)
    return { name: spec, learner: fresh(), fresh, prior }
  })
  if (members.length < 2) throw new RangeError('learner "experts": "experts" must name two learners or more')
  return task === 'regression'
    ? new Experts(members, { eta, share })
    : new ExpertsClassifier(members as Member<Classifier>[], { eta, share })
}

/** A learner as the option `experts` spells it. */
function namedExpert(spec: string, seed: number, task: Task): Learner {
  const [name = ''] = spec.split(/\s+/, 1)
  const info = Object.hasOwn(ENTRIES, name) ? ENTRIES[name]! : undefined
  if (info?.task !== task) {
    const fitting = Object.keys(ENTRIES).filter((one) => ENTRIES[one]!.task === task)
    throw new RangeError(
      `learner "experts": "experts" must list learners such as "${fitting.slice(0, 2).join(', ')}", and "${name}" is none that learns ${task === 'regression' ? 'numbers' : 'labels'}; there are ${fitting.join(', ')}`,
    )
  }
  return createLearner(name, optionsOf(spec), seed, task)
}

/** The learner with the step size given, or one for each of STEPS, weighted by how they do. */
function bySteps(options: Record<string, never>, make: (given: Record<string, never>) => Learner): Learner {
  const { eta0, loss, intercept_lr } = options as LearnerOptions
  const plain = (steps: LearnerOptions) => {
    const constant = steps['power_t'] === 0 && 'learning_rate' in options
    return make({ ...options, ...steps, ...(constant && { learning_rate: 'constant' }) } as Record<
      string,
      never
    >)
  }
  if (eta0 !== null) return make(options)
  // Hinge losses and other schedules keep the one step size that they had.
  const learning_rate = (options as LearnerOptions)['learning_rate'] ?? 'invscaling'
  if (loss === 'hinge' || learning_rate !== 'invscaling' || intercept_lr !== null)
    return plain({ eta0: 0.05 })
  const name = (steps: LearnerOptions) =>
    Object.entries(steps)
      .map((pair) => pair.join('='))
      .join(' ')
  const members = STEPS.map((steps) => ({
    name: name(steps),
    learner: plain(steps),
    fresh: () => plain(steps),
    prior: 1,
  }))
  return new ExpertsClassifier(members as Member<Classifier>[], STEPS_OPTIONS)
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
