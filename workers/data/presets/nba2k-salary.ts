/**
 * What generated players earn: a known function of what the file shows, times known noise. The salary cap jumps from
 * season to season and grows within one, and from season to season a star's premium grows: that is the drift.
 */
import type { Random } from './random.ts'

export interface Player {
  rating: number
  age: number
  experience: number
  /** 1 to 60; 0 for undrafted. */
  pick: number
}

/** The league's salary cap by season, 2015-16 to 2020-21, in dollars. */
const CAP = [70_000_000, 94_143_000, 99_093_000, 101_869_000, 109_140_000, 115_000_000]
export const SEASONS = CAP.length
/** How much the cap grows from a season's first row to its last. */
const GROWTH_WITHIN_SEASON = 0.05

const LOWEST_RATING = 67
const RATING_RANGE = 30
const FIRST_ROUND_PICKS = 30
const ROOKIE_SEASONS = 4
const PRIME_AGE = 29
const FULL_TENURE_YEARS = 8
/** Standard deviation of a salary, relative to its expectation. */
const NOISE = 0.28

/** Expected salary in dollars; `phase` in [0, 1) is the place within the season. */
export function expectedSalary(player: Player, season: number, phase: number): number {
  const cap = CAP[season]! * (1 + GROWTH_WITHIN_SEASON * phase)
  return cap * (isRookie(player) ? rookieShare(player) : marketShare(player, season))
}

/** Expected salary times noise of mean 1 that never reaches 0, so that no salary is clipped. */
export function noisySalary(expected: number, random: Random): number {
  return Math.round(expected * (1 + NOISE * random.bounded()))
}

function isRookie({ pick, experience }: Player): boolean {
  return pick >= 1 && pick <= FIRST_ROUND_PICKS && experience <= ROOKIE_SEASONS
}

/** First-round picks are paid by pick and season of service, hardly by rating. */
function rookieShare({ pick, experience, rating }: Player): number {
  return (0.012 + 0.07 / (1 + pick / 6)) * (1 + 0.08 * experience) * (0.9 + 0.2 * talent(rating))
}

function marketShare({ rating, age, experience, pick }: Player, season: number): number {
  const t = talent(rating)
  const starPremium = 0.2 + 0.05 * season
  const byRating = 0.012 + (0.28 - 0.02 * season) * t + starPremium * t * t
  const fromPrime = age - PRIME_AGE
  const byAge = Math.max(0.6, 1 - 0.004 * fromPrime * fromPrime)
  const byTenure = 0.6 + (0.4 * Math.min(experience, FULL_TENURE_YEARS)) / FULL_TENURE_YEARS
  const byDraft = pick === 0 ? 0.8 : pick <= FIRST_ROUND_PICKS ? 1 : 0.9
  return byRating * byAge * byTenure * byDraft
}

function talent(rating: number): number {
  return (rating - LOWEST_RATING) / RATING_RANGE
}
