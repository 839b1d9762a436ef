/** What a scenario is wanted for: the best value of one metric, among those that hold every bound. */
import { z } from 'zod'
import { isMapping } from './document.ts'
import type { Places } from './places.ts'
import { dotted, type Finding, type Path, shown } from './problems.ts'
import type { Constraint, Goal, Operator } from './types.ts'

const METRIC_WORDS = 'the name of a metric, such as r2'
const CONSTRAINT_WORDS = 'METRIC <= NUMBER, such as "latency_p99_ms <= 20"; operators: <=, <, >=, >'
const LIST_WORDS = 'a list of bounds, such as [latency_p99_ms <= 20, peak_memory_mb <= 64]'
const GOAL_WORDS = 'a mapping, such as { maximize: r2, subject_to: [latency_p99_ms <= 20] }'

/** A metric's name may hold anything but an operator; the number is JSON's. */
const CONSTRAINT = /^\s*([^<>=\s][^<>=]*)(<=|<|>=|>)\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*$/

export const GOAL_KEYS: readonly string[] = ['maximize', 'minimize', 'subject_to']

/** `goal` as a sweep writes it. */
export interface GoalInput {
  maximize?: string
  minimize?: string
  subject_to?: string[]
}

export function goalType(): z.ZodType {
  const metric = z.string({ error: METRIC_WORDS }).min(1, { error: METRIC_WORDS })
  const constraint = z.string({ error: CONSTRAINT_WORDS }).regex(CONSTRAINT, { error: CONSTRAINT_WORDS })
  return z.strictObject(
    {
      maximize: metric.describe('the metric to make as large as the bounds allow').optional(),
      minimize: metric.describe('the metric to make as small as the bounds allow').optional(),
      subject_to: z
        .array(constraint, { error: LIST_WORDS })
        .min(1, { error: LIST_WORDS })
        .meta({
          description:
            "bounds on metrics, those of every run and the workload's own: METRIC <= NUMBER, with <=, <, >= or >",
          examples: [['latency_p99_ms <= 20', 'peak_memory_mb <= 64']],
        })
        .optional(),
    },
    { error: GOAL_WORDS },
  )
}

/** @param text that matches `CONSTRAINT` */
function constraintOf(text: string): Constraint {
  const [, metric, operator, bound] = CONSTRAINT.exec(text)!
  return { metric: metric!.trimEnd(), operator: operator as Operator, bound: Number(bound) }
}

/** @param given what passed `goalType` */
export function goalOf(given: GoalInput | undefined): Goal | null {
  if (given === undefined) return null
  const { maximize, minimize, subject_to = [] } = given
  const objective =
    maximize !== undefined
      ? { metric: maximize, direction: 'maximize' as const }
      : minimize !== undefined
        ? { metric: minimize, direction: 'minimize' as const }
        : null
  return { objective, subject_to: subject_to.map(constraintOf) }
}

/** `latency_p99_ms <= 20` */
export function constraintText({ metric, operator, bound }: Constraint): string {
  return `${metric} ${operator} ${bound}`
}

/** `maximize r2, subject to peak_memory_mb <= 64`, as people read it. */
export function goalText({ objective, subject_to }: Goal): string {
  const bounds = subject_to.map(constraintText).join(', ')
  const wanted = objective === null ? null : `${objective.direction} ${objective.metric}`
  return [wanted, bounds === '' ? null : `subject to ${bounds}`].filter((part) => part !== null).join(', ')
}

/**
 * Every metric that the goal names, with the key at which it stands and, in a list, the text there.
 * @param document the sweep as read
 */
export function goalMetrics(
  { objective, subject_to }: Goal,
  document: unknown,
): { name: string; key: string; text?: string }[] {
  const written = isMapping(document) && isMapping(document['goal']) ? document['goal']['subject_to'] : null
  const texts: unknown[] = Array.isArray(written) ? written : []
  return [
    ...(objective === null ? [] : [{ name: objective.metric, key: `goal.${objective.direction}` }]),
    ...subject_to.map((constraint, index) => ({
      name: constraint.metric,
      key: 'goal.subject_to',
      text: String(texts[index] ?? constraintText(constraint)),
    })),
  ]
}

const isUpper = (operator: Operator): boolean => operator === '<=' || operator === '<'

/** What fits the schema and yet is no goal: two objectives, none at all, bounds that contradict or repeat each other. */
export function goalFindings(given: unknown, places: Places): Finding[] {
  if (!isMapping(given)) return []
  const at = (path: Path, what: string, hint: string): Finding => ({
    place: places.value(path),
    key: dotted(path),
    what,
    hint,
  })
  if (given['maximize'] !== undefined && given['minimize'] !== undefined) {
    const hint = 'keep one, and give the other metric a bound under subject_to'
    return [at(['goal', 'minimize'], 'stands beside maximize: a goal has one metric to make best', hint)]
  }
  if (Object.keys(given).length === 0)
    return [at(['goal'], `got ${shown(given)} without a key, expected ${GOAL_WORDS}`, 'name a metric')]
  const listed = given['subject_to']
  if (!Array.isArray(listed)) return []
  const before: Constraint[] = []
  return listed.flatMap((text: unknown, index): Finding[] => {
    if (typeof text !== 'string' || !CONSTRAINT.test(text)) return []
    const constraint = constraintOf(text)
    const path: Path = ['goal', 'subject_to', index]
    const same = before.filter(({ metric }) => metric === constraint.metric)
    before.push(constraint)
    const repeated = same.find(({ operator }) => isUpper(operator) === isUpper(constraint.operator))
    if (repeated !== undefined) {
      const what = `bounds ${constraint.metric} from the same side as "${constraintText(repeated)}"`
      return [at(path, what, 'keep the stricter one')]
    }
    const other = same.find((one) => contradict(one, constraint))
    if (other === undefined) return []
    const what = `contradicts "${constraintText(other)}": no value meets both`
    return [at(path, what, 'change one of them')]
  })
}

/** @param a and `b` bound one metric from either side */
function contradict(a: Constraint, b: Constraint): boolean {
  const [upper, lower] = isUpper(a.operator) ? [a, b] : [b, a]
  const touching = upper.operator === '<=' && lower.operator === '>='
  return touching ? upper.bound < lower.bound : upper.bound <= lower.bound
}
