/** The learners' options as parameters of the workload. A name may belong to several learners. */
import type { ParamInfo, Scalar } from '../../contract.ts'
import type { Learner } from './learner.ts'
import { createLearner, LEARNERS, type Task } from './registry.ts'

/** Learners that a sweep may choose; baselines always run beside them. */
export const CHOICES: readonly string[] = Object.keys(LEARNERS).filter((name) => !LEARNERS[name]!.baseline)

/**
 * Every option of any learner. Null, the default, leaves the choice to the learner: an option that the chosen learner
 * does not take is an error as soon as it is given.
 */
export function optionParams(): Record<string, ParamInfo> {
  const params: Record<string, ParamInfo> = {}
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
    owners.set(info.description, [...said, `${learner} ${info.default}`])
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
 * The chosen learner, fresh.
 * @throws {RangeError} where it does not take one of the options given, or not with that value
 */
export function chosenLearner(params: Readonly<Record<string, unknown>> & { learner: string }): Learner {
  return createLearner(params.learner, givenOptions(params))
}

/** The target as far as a learner's fitness for it goes. */
export interface TargetInfo {
  name: string
  task: Task
  /** Distinct labels; null while unknown, and for a number. */
  classes: number | null
}

/**
 * Refuses a learner that cannot learn the target.
 * @throws {Error} saying which learners can
 */
export function checkTarget(learner: string, target: TargetInfo): void {
  const info = LEARNERS[learner]!
  if (info.task !== target.task) {
    const fitting = CHOICES.filter((name) => LEARNERS[name]!.task === target.task).join(', ')
    throw new Error(
      target.task === 'regression'
        ? `params.learner "${learner}" predicts labels, but the target "${target.name}" is a number: choose ${fitting}, or set dataset.columns.${target.name} to category`
        : `params.learner "${learner}" predicts numbers, but the target "${target.name}" is a label: choose ${fitting}, or set dataset.columns.${target.name} to number`,
    )
  }
  if (info.two_classes && target.classes !== null && target.classes > 2) {
    throw new Error(
      `params.learner "${learner}" tells two labels apart, but the target "${target.name}" has ${target.classes}: choose softmax`,
    )
  }
}
