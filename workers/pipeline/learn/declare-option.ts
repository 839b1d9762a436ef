/** Options of learners: how they are declared, and which values they take. */
import type { ParamInfo, Scalar } from '../../workload.ts'

/** Smallest value of an option that must be above 0. */
export const ABOVE_ZERO = Number.MIN_VALUE

export function number(value: number, description: string, minimum?: number, maximum?: number): ParamInfo {
  return {
    type: 'number',
    default: value,
    description,
    ...(minimum !== undefined && { minimum }),
    ...(maximum !== undefined && { maximum }),
  }
}

export const flag = (value: boolean, description: string): ParamInfo => ({
  type: 'boolean',
  default: value,
  description,
})
export const choice = (value: string, values: readonly string[], description: string): ParamInfo => ({
  type: 'string',
  default: value,
  values: [...values],
  description,
})

/** @throws {RangeError} where `learner` has no option `key`, or `value` lies outside its bounds */
export function checkOption(
  learner: string,
  options: Readonly<Record<string, ParamInfo>>,
  key: string,
  value: Scalar,
): void {
  const info = Object.hasOwn(options, key) ? options[key] : undefined
  if (info === undefined) {
    const known = Object.keys(options).join(', ') || 'no options'
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
