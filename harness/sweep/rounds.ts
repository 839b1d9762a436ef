/** How often each scenario runs: a number, or until a metric's mean is known well enough. */
import { z } from 'zod'
import { isMapping } from './document.ts'
import { shareOf, shareType, wholeNumber } from './numbers.ts'
import type { Places } from './places.ts'
import { dotted, type Finding, type Path } from './problems.ts'
import type { StoppingRule } from './types.ts'

/** A round has three digits in a trial's id. */
const MAX_ROUNDS = 999
/** One value has no interval. */
const FEWEST_ROUNDS = 2

const METRIC_WORDS = 'the name of a metric, such as latency_mean_ms'
const UNTIL_WORDS = 'a mapping, such as { metric: latency_mean_ms, ci: 2% }'
const RANGE_WORDS = 'a mapping, such as { min: 5, max: 40, until: { metric: latency_mean_ms, ci: 2% } }'

/** Keys of `benchmark_runs` where it is a mapping, by the path of the mapping. */
export function roundsKeys(path: Path): readonly string[] {
  return path.length === 1 ? ['min', 'max', 'until'] : ['metric', 'ci']
}

/** A number of trials, where nothing else will do. */
export function trialCount(): z.ZodType<number> {
  return wholeNumber(1, MAX_ROUNDS)
}

/** A number of trials, or a range with what ends it. */
export function roundsType(): z.ZodType {
  const until = z.strictObject(
    {
      metric: z
        .string({ error: METRIC_WORDS })
        .min(1, { error: METRIC_WORDS })
        .describe('the metric whose mean is to be known'),
      ci: shareType(true).describe('half width of the 95% interval of the mean that is enough, as a share'),
    },
    { error: UNTIL_WORDS },
  )
  const range = z.strictObject(
    {
      min: wholeNumber(FEWEST_ROUNDS, MAX_ROUNDS).describe('trials that every scenario gets'),
      max: wholeNumber(FEWEST_ROUNDS, MAX_ROUNDS).describe('trials after which a scenario ends in any case'),
      until: until.describe('what ends the rounds of a scenario before max'),
    },
    { error: RANGE_WORDS },
  )
  const error = `a whole number, 1 to ${MAX_ROUNDS}, or ${RANGE_WORDS}`
  return z.union([trialCount(), range], { error })
}

interface Range {
  min: number
  max: number
  until: { metric: string; ci: number | string }
}

/** @param given what passed `roundsType` */
export function roundsOf(given: unknown): { benchmark_runs: number; until: StoppingRule | null } {
  if (!isMapping(given)) return { benchmark_runs: given as number, until: null }
  const { min, max, until } = given as unknown as Range
  const rule: StoppingRule = { min, metric: until.metric, ci: shareOf(until.ci) }
  return { benchmark_runs: max, until: rule }
}

/** A range whose ends do not fit together. */
export function roundsFindings(given: unknown, places: Places): Finding[] {
  if (!isMapping(given)) return []
  const { min, max } = given
  if (typeof min !== 'number' || typeof max !== 'number' || min < max) return []
  const path: Path = ['benchmark_runs', 'max']
  return [
    {
      place: places.value(path),
      key: dotted(path),
      what: `got ${max}, expected more than min, which is ${min}`,
      hint: `raise max, lower min, or give one number: benchmark_runs: ${min}`,
    },
  ]
}
