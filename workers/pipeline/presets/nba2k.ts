/** NBA 2K player ratings: the salary from what is known before it is paid. No feature is made from the salary. */
import type { Formula } from '../features/table.ts'
import type { ColumnSpec } from '../ingest/columns.ts'
import { monthOf, yearOf } from '../ingest/dates.ts'
import type { FeatureSet, Plan } from '../plan.ts'

const UNDRAFTED = { Undrafted: 0 }

const SPECS: readonly ColumnSpec[] = [
  { name: 'rating', kind: 'number' },
  { name: 'team', kind: 'category' },
  { name: 'position', kind: 'category' },
  { name: 'b_day', kind: 'date', format: 'mdy2' },
  { name: 'height', kind: 'number', after: ' / ' },
  { name: 'weight', kind: 'number', after: ' / ', loose: true },
  { name: 'salary', kind: 'number', after: '$' },
  { name: 'country', kind: 'category' },
  { name: 'draft_year', kind: 'number' },
  { name: 'draft_round', kind: 'category' },
  { name: 'draft_peak', kind: 'number', words: UNDRAFTED },
  { name: 'version', kind: 'number', after: 'NBA2k' },
]

/** Ratings lie between 67 and 97; powers are taken about a middle one, so that they are not all the same line. */
const MIDDLE_RATING = 75
/** First-round picks are paid by a fixed scale, by pick, for their first four seasons. */
const ROOKIE_SEASONS = 4
const FIRST_ROUND_PICKS = 30
/** An undrafted player comes after the 60 picks. */
const UNDRAFTED_PICK = 61

const FORMULAS: readonly Formula[] = [
  { name: 'version_year', from: ['version'], of: (version) => 2000 + version },
  { name: 'birth_year', from: ['b_day'], of: yearOf },
  { name: 'age', from: ['version_year', 'birth_year'], of: (version, birth) => version - birth },
  { name: 'experience', from: ['version_year', 'draft_year'], of: (version, draft) => version - draft },
  { name: 'bmi', from: ['weight', 'height'], of: (kg, m) => kg / (m * m) },
  { name: 'birth_month', from: ['b_day'], of: monthOf },
  { name: 'draft_decade', from: ['draft_year'], of: (year) => Math.floor(year / 10) * 10 },
]

const RICH_FORMULAS: readonly Formula[] = [
  { name: 'rating_2', from: ['rating'], of: (rating) => (rating - MIDDLE_RATING) * (rating - MIDDLE_RATING) },
  {
    name: 'rating_3',
    from: ['rating', 'rating_2'],
    of: (rating, square) => (rating - MIDDLE_RATING) * square,
  },
  { name: 'experience_2', from: ['experience'], of: (years) => years * years },
  {
    name: 'rookie',
    from: ['experience', 'draft_peak'],
    of: (years, pick) => (years <= ROOKIE_SEASONS && pick >= 1 && pick <= FIRST_ROUND_PICKS ? 1 : 0),
  },
  {
    name: 'rating_x_experience',
    from: ['rating', 'experience'],
    of: (rating, years) => (rating - MIDDLE_RATING) * years,
  },
  {
    name: 'rating_x_rookie',
    from: ['rating', 'rookie'],
    of: (rating, rookie) => (rating - MIDDLE_RATING) * rookie,
  },
  { name: 'log_pick', from: ['draft_peak'], of: (pick) => Math.log1p(pick === 0 ? UNDRAFTED_PICK : pick) },
  { name: 'log_pick_x_rookie', from: ['log_pick', 'rookie'], of: (pick, rookie) => pick * rookie },
  { name: 'experience_x_rookie', from: ['experience', 'rookie'], of: (years, rookie) => years * rookie },
]

const BASE_DENSE = ['rating', 'age', 'experience', 'bmi', 'birth_month', 'draft_decade']
const RICH_DENSE = [...BASE_DENSE, ...RICH_FORMULAS.map((formula) => formula.name)]

export function nba2kPlan(features: FeatureSet): Plan {
  const rich = features === 'rich'
  return {
    specs: SPECS,
    target: 'salary',
    categories: {
      team: { missing: 'No Team' },
      country: { spell: (country) => (country === 'USA' ? 'USA' : 'Not-USA') },
      draft_round: { spell: (round) => (round === 'Undrafted' ? '0' : round) },
    },
    features: {
      formulas: rich ? [...FORMULAS, ...RICH_FORMULAS] : FORMULAS,
      dense: rich ? RICH_DENSE : BASE_DENSE,
      slots: ['team', 'position', 'country', 'draft_round'],
    },
    notes: [],
  }
}
