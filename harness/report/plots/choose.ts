/** Which pictures the words of `--plots` mean. */
import { refuseUnknown } from '../../nearest.ts'
import { UserError } from '../../user-error.ts'
import { PLOTS } from './names.ts'

/**
 * The names of the pictures that are meant, each once.
 * @param words names, or `all` or `none` by itself
 * @throws {UserError} for a name that is none
 */
export function choosePlots(kind: keyof typeof PLOTS, words: readonly string[]): string[] {
  const known = Object.keys(PLOTS[kind])
  if (words.length === 0) throw new UserError('--plots: a name is missing', 'all, none, or names with commas')
  refuseUnknown('plot', words, [...known, 'all', 'none'], null, '--plots')
  const whole = words.find((word) => word === 'all' || word === 'none')
  if (whole === undefined) return [...new Set(words)]
  const other = words.find((word) => word !== whole)
  if (other !== undefined) throw new UserError(`--plots: ${whole} and ${other} cannot both be`)
  return whole === 'all' ? known : []
}
