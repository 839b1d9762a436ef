/** The learners' options as parameters of the workload. A name may belong to several learners. */
import type { ParamInfo, Scalar } from '../../workload.ts'
import type { Learner, Task } from './learner.ts'
import { createLearner, DEFAULT_LEARNER, LEARNERS, type LearnerInfo } from './registry.ts'

/** Learners that a sweep may choose; the baselines also run beside whichever it is. */
export const CHOICES: readonly string[] = Object.keys(LEARNERS)

/**
 * Every option of any learner. Null, the default, leaves the choice to the learner: an option that the chosen learner
 * does not take is an error as soon as it is given.
 */
export function optionParams(): Record<string, ParamInfo> {
  const params: Record<string, ParamInfo> = Object.create(null)
  for (const learner of CHOICES) {
    for (const [name, info] of Object.entries(LEARNERS[learner]!.options)) {
      const known = params[name]
      params[name] = known === undefined ? { ...info, default: null } : widened(known, info)
    }
  }
  for (const [name, info] of Object.entries(params)) info.description = described(name)
  return params
}

/** What both options allow. */
function widened(a: ParamInfo, b: ParamInfo): ParamInfo {
  if (a.type !== b.type) throw new TypeError(`options of one name must have one type: ${a.type}, ${b.type}`)
  const { values, minimum, maximum, ...rest } = a
  return {
    ...rest,
    ...(values && b.values && { values: [...new Set([...values, ...b.values])] }),
    ...(minimum !== undefined && b.minimum !== undefined && { minimum: Math.min(minimum, b.minimum) }),
    ...(maximum !== undefined && b.maximum !== undefined && { maximum: Math.max(maximum, b.maximum) }),
  }
}

/** Whose option it is, with each learner's own default, the same descriptions together. */
function described(option: string): string {
  const owners = new Map<string, string[]>()
  for (const learner of CHOICES) {
    const info = LEARNERS[learner]!.options[option]
    if (info === undefined) continue
    const said = owners.get(info.description) ?? []
    owners.set(info.description, [...said, info.default === null ? learner : `${learner} ${info.default}`])
  }
  return [...owners].map(([description, said]) => `${description} (${said.join(', ')})`).join('; ')
}

const OPTION_NAMES = Object.keys(optionParams())

/** The options among the parameters that were given. */
export function givenOptions(params: Readonly<Record<string, unknown>>): Record<string, Scalar> {
  const given = OPTION_NAMES.map((name) => [name, params[name]] as const)
  return Object.fromEntries(given.filter(([, value]) => value !== null && value !== undefined)) as Record<
    string,
    Scalar
  >
}

/**
 * The chosen learner, fresh. `seed` as for createLearner.
 * @throws {RangeError} where it does not take one of the options given, or not with that value
 */
export function chosenLearner(
  params: Readonly<Record<string, unknown>> & { learner: string },
  task: Task,
  seed = 0,
): Learner {
  return createLearner(params.learner, givenOptions(params), seed, task)
}

/**
 * The learner where none is named: experts, or the plain one for the target where an option is given that only that takes.
 * @param classes distinct labels; null while unknown
 */
export function defaultLearner(
  params: Readonly<Record<string, unknown>>,
  { task, classes }: Pick<TargetInfo, 'task' | 'classes'>,
): string {
  const given = Object.keys(givenOptions(params))
  if (given.every((name) => LEARNERS[DEFAULT_LEARNER]!.options[name] !== undefined)) return DEFAULT_LEARNER
  if (task === 'regression') return 'ridge'
  return classes !== null && classes <= 2 ? 'logistic' : 'softmax'
}

/** The target as far as a learner's fitness for it goes. */
export interface TargetInfo {
  name: string
  task: Task
  /** Distinct labels, or distinct numbers as far as they were counted; null while unknown. */
  classes: number | null
  /** Every label is a number. */
  numeric?: boolean
}

/** More distinct numbers than this are not taken for labels. */
export const MOST_NUMBERED_LABELS = 20

/**
 * Refuses a learner that cannot learn the target.
 * @throws {Error} saying what would
 */
export function checkTarget(learner: string, target: TargetInfo): void {
  const { name, task, classes } = target
  const info = LEARNERS[learner]!
  const tooMany = (one: LearnerInfo) => one.two_classes === true && (classes === null || classes > 2)
  const learns = (one: LearnerInfo) => one.task === null || one.task === task
  if (learns(info) && (task === 'regression' || classes === null || !tooMany(info))) return
  const fitting = CHOICES.filter((name) => {
    const one = LEARNERS[name]!
    return learns(one) && one.baseline !== true && !tooMany(one)
  })
  const ways = [`choose ${fitting.join(', ')}`, 'leave params.learner out']
  if (task === 'regression') {
    if (classes !== null && classes <= MOST_NUMBERED_LABELS && !tooMany(info)) {
      ways.push(`if its numbers are labels, set dataset.columns.${name} to category`)
    }
    throw new Error(
      `params.learner "${learner}" predicts labels, but the target "${name}" is a number: ${ways.join(', or ')}`,
    )
  }
  if (info.task === 'regression' && target.numeric === true) {
    ways.push(`set dataset.columns.${name} to number`)
  }
  const labels = classes === null ? 'is a label' : `has ${classes} labels`
  const what = info.task === 'regression' ? 'predicts numbers' : 'tells two labels apart'
  throw new Error(
    `params.learner "${learner}" ${what}, but the target "${name}" ${labels}: ${ways.join(', or ')}`,
  )
}
