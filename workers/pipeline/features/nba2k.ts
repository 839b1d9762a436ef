/** Features of NBA 2K players: the salary from what is known before it is paid. No feature is made from the salary. */
import type { CategoryRule } from '../clean/respelling.ts'
import type { FeatureSet, PresetFeatures } from '../plan.ts'
import { type Fill, type Formula, minus, month, months, plus, times, year } from './table.ts'

/** Ratings lie between 67 and 97; powers are taken about a middle one, so that they are not all the same line. */
const MIDDLE_RATING = 75
/** First-round picks are paid by a fixed scale, by pick, for their first four seasons. */
const ROOKIE_SEASONS = 4
const FIRST_ROUND_PICKS = 30
/** An undrafted player comes after the 60 picks. */
const UNDRAFTED_PICK = 61

const bodyMassIndex: Fill = {
  js: (out, rows, kg, m) => {
    for (let i = 0; i < rows; i += 1) out[i] = kg[i]! / (m[i]! * m[i]!)
  },
  wasm: (run, out, rows, a, b) => run.bodyMassIndex(out, rows, a, b),
}

const decade: Fill = {
  js: (out, rows, years) => {
    for (let i = 0; i < rows; i += 1) out[i] = Math.floor(years[i]! / 10) * 10
  },
  wasm: (run, out, rows, a, b) => run.decade(out, rows, a, b),
}

const rookie: Fill = {
  js: (out, rows, experience, pick) => {
    for (let i = 0; i < rows; i += 1) {
      const firstRound = pick[i]! >= 1 && pick[i]! <= FIRST_ROUND_PICKS
      out[i] = firstRound && experience[i]! <= ROOKIE_SEASONS ? 1 : 0
    }
  },
  wasm: (run, out, rows, experience, pick) =>
    run.rookie(out, rows, experience, pick, FIRST_ROUND_PICKS, ROOKIE_SEASONS),
}

/** By pick, 0 for undrafted. */
const LOG_PICKS = Float64Array.from({ length: UNDRAFTED_PICK + 1 }, (_, pick) =>
  Math.log1p(pick === 0 ? UNDRAFTED_PICK : pick),
)

/** Picks are worth less and less apart the later they come. */
const logPick: Fill = {
  js: (out, rows, pick) => {
    for (let i = 0; i < rows; i += 1) {
      const place = pick[i]!
      const whole = place | 0
      const listed = whole === place && whole >= 0 && whole <= UNDRAFTED_PICK
      out[i] = listed ? LOG_PICKS[whole]! : Math.log1p(place)
    }
  },
  wasm: (run, out, rows, pick, _, table) => run.lookUp(out, rows, pick, table, UNDRAFTED_PICK),
  table: LOG_PICKS,
}

const FORMULAS: readonly Formula[] = [
  { name: 'version_year', from: ['version'], fill: plus(2000) },
  { name: 'birth_months', from: ['b_day'], fill: months },
  { name: 'birth_year', from: ['birth_months'], fill: year },
  { name: 'birth_month', from: ['birth_months'], fill: month },
  { name: 'age', from: ['version_year', 'birth_year'], fill: minus },
  { name: 'experience', from: ['version_year', 'draft_year'], fill: minus },
  { name: 'bmi', from: ['weight', 'height'], fill: bodyMassIndex },
  { name: 'draft_decade', from: ['draft_year'], fill: decade },
]

const RICH_FORMULAS: readonly Formula[] = [
  { name: 'rating_above', from: ['rating'], fill: plus(-MIDDLE_RATING) },
  { name: 'rating_2', from: ['rating_above', 'rating_above'], fill: times },
  { name: 'rating_3', from: ['rating_above', 'rating_2'], fill: times },
  { name: 'experience_2', from: ['experience', 'experience'], fill: times },
  { name: 'rookie', from: ['experience', 'draft_peak'], fill: rookie },
  { name: 'rating_x_experience', from: ['rating_above', 'experience'], fill: times },
  { name: 'rating_x_rookie', from: ['rating_above', 'rookie'], fill: times },
  { name: 'log_pick', from: ['draft_peak'], fill: logPick },
  { name: 'log_pick_x_rookie', from: ['log_pick', 'rookie'], fill: times },
  { name: 'experience_x_rookie', from: ['experience', 'rookie'], fill: times },
]

const CATEGORIES = new Map<string, CategoryRule>([
  ['team', { missing: 'No Team' }],
  ['country', { spell: (country) => (country === 'USA' ? 'USA' : 'Not-USA') }],
  ['draft_round', { spell: (round) => (round === 'Undrafted' ? '0' : round) }],
])

const BASE_DENSE = ['rating', 'age', 'experience', 'bmi', 'birth_month', 'draft_decade']
const RICH_DENSE = [
  ...BASE_DENSE,
  ...['rating_2', 'rating_3', 'experience_2', 'rookie', 'rating_x_experience', 'rating_x_rookie'],
  ...['log_pick', 'log_pick_x_rookie', 'experience_x_rookie'],
]

export function nba2kFeatures(set: FeatureSet): PresetFeatures {
  const rich = set === 'rich'
  return {
    categories: CATEGORIES,
    features: {
      formulas: rich ? [...FORMULAS, ...RICH_FORMULAS] : FORMULAS,
      dense: rich ? RICH_DENSE : BASE_DENSE,
      slots: ['team', 'position', 'country', 'draft_round'],
    },
  }
}
