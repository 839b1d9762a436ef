/** What every command has: its words and exit codes, and shares and times as people write them. */
import type { Argv } from 'yargs'
import { UserError } from '../index.ts'

export const EXIT = {
  ok: 0,
  /** A gate has proven a regression. */
  regression: 1,
  /** Bad usage or bad input; nothing was run. */
  usage: 2,
  /** A gate could neither prove a regression nor rule it out. */
  undecided: 3,
  /** Some trial `failed`, or the harness did. */
  failed: 4,
  /** For `git bisect run`: this commit says nothing. */
  skipped: 125,
  /** By Ctrl-C; what was measured is kept. */
  interrupted: 130,
} as const

/** Of a gate, in percent: what is ten times slower needs none to be seen. */
export const MOST_MARGIN = 1000

/** A command, apart from its name and description, which help lists without loading it. */
export interface Command<Words> {
  /** Declares its words. */
  builder?: (yargs: Argv) => unknown
  handler: (words: Words) => void | Promise<void>
}

/** `a` or `a,b`. */
export function parseNames(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

/**
 * `2%` or `0.02`.
 * @param most in percent, where 100% and more are shares too, such as of a slowdown
 */
export function parseShare(option: string, text: string, most?: number): number {
  const [, digits, percent] = /^\s*(\d+(?:\.\d+)?)\s*(%?)\s*$/.exec(text) ?? []
  const share = digits === undefined ? Number.NaN : Number(digits) / (percent === '' ? 1 : 100)
  const isBelow = share < 1 || (most !== undefined && percent !== '' && 100 * share <= most)
  if (share >= 0 && isBelow) return share
  const from = most === undefined ? 'from 0% to below 100%' : `from 0% to ${most}%`
  const meant = digits !== undefined && percent === '' ? `; ${digits}% is written with its sign` : ''
  throw new UserError(`${option} ${text}: expected a share ${from}, such as 2% or 0.02${meant}`)
}

/** `60s`, `3m` or `60`. */
export function parseSeconds(option: string, text: string): number {
  const [, digits, unit] = /^\s*(\d+(?:\.\d+)?)\s*(s|m|min)?\s*$/.exec(text) ?? []
  const seconds = digits === undefined ? 0 : Number(digits) * (unit === undefined || unit === 's' ? 1 : 60)
  if (seconds > 0) return seconds
  throw new UserError(`${option} ${text}: expected a time above 0, such as 60s or 3m`)
}
