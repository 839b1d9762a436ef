/** The learners of `experts`: which there are where none are named, and how the option spells them. */
import type { LearnerOptions, Task } from './learner.ts'

/**
 * The experts of `experts` where none are named, as that option spells them, with what each is trusted at first. Those
 * that suit few streams are trusted little: they cost the others next to nothing, and are there when they are needed.
 */
export const USUAL_EXPERTS: Record<Task, readonly (readonly [spec: string, prior: number])[]> = {
  regression: [
    ['ridge', 2],
    ['ridge target_transform=sqrt', 2],
    ['ridge target_transform=log', 1],
    ['ridge forgetting=0.99', 0.5],
    ['ridge forgetting=0.9', 0.1],
    ['kernel_ridge', 4],
    ['sgd', 1.5],
    ['last_value', 0.1],
    ['mondrian_forest trees=5', 0.5],
  ],
  classification: [
    ['window_logistic', 24],
    ['softmax eta0=0.05', 1],
    ['softmax eta0=0.02 power_t=0', 1],
    ['softmax eta0=0.2 power_t=0', 1],
    ['softmax eta0=1 power_t=0', 0.5],
    ['softmax eta0=0.05 power_t=0 last_label=true', 1],
    ['label_chain', 1],
    ['mondrian_forest_classifier trees=5', 1],
  ],
}

/** The usual experts in words, for the option's description. */
export function usualExperts(task: Task): string {
  return USUAL_EXPERTS[task].map(([spec, prior]) => `${spec} (${prior})`).join(', ')
}

/**
 * @param spec a learner's name, then options as `name=value`
 * @throws {RangeError} where one of them is no option
 */
export function optionsOf(spec: string): LearnerOptions {
  const [name = '', ...pairs] = spec.split(/\s+/)
  const options = pairs.map((pair) => {
    const [key = '', value] = pair.split('=')
    if (value === undefined) {
      throw new RangeError(`learner "experts": "${pair}" after "${name}" must be an option such as lambda=5`)
    }
    const number = Number(value)
    if (value === 'true' || value === 'false') return [key, value === 'true'] as const
    return [key, value !== '' && Number.isFinite(number) ? number : value] as const
  })
  return Object.fromEntries(options)
}
