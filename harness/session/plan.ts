/** What a search of `stint find` runs next, and what its manifest says once it is over. */
import type { TrialResult } from '../../workers/protocol.ts'
import { searchInputOf } from '../analyse/search.ts'
import { count } from '../format.ts'
import { Search } from '../plan/search.ts'
import type { Manifest } from '../record/types.ts'

const PLACED = {
  meets: 'seems to meet the goal',
  fails: 'seems to fail the goal',
  undecided: 'its trials do not measure the goal',
} as const

const CONFIRMED = {
  meets: 'meets the goal, confirmed',
  fails: 'fails the goal, confirmed',
  undecided: 'could not be decided',
} as const

/**
 * @param ended trials that ended before
 * @param tell hears of what is found out from now on
 * @returns null where the run is no search
 */
export function searchOf(
  manifest: Pick<Manifest, 'sweep' | 'workload'>,
  ended: readonly TrialResult[],
  tell: (text: string) => void,
): Search | null {
  if (manifest.sweep.search === null) return null
  const labels = new Map(manifest.sweep.scenarios.map(({ id, label }) => [id, label]))
  return new Search(searchInputOf(manifest), ended, ({ scenario, verdict, confirmed, trials, check }) => {
    const said = (confirmed ? CONFIRMED : PLACED)[verdict]
    const why = check && !confirmed ? ', tried to see whether the axis is monotone' : ''
    tell(`${labels.get(scenario)}: ${said} (${count(trials, 'trial')}${why})`)
  })
}

/** Of a manifest: what was not tried is no part of a search that is over. */
export function concludedSearch(
  { sweep }: Manifest,
  search: Search | null,
): Partial<Pick<Manifest, 'sweep' | 'planned_trials'>> {
  if (search === null) return {}
  const tried = new Set(search.endedTrials.map(({ scenario }) => scenario))
  const scenarios = sweep.scenarios.filter(({ id }) => tried.has(id))
  return { sweep: { ...sweep, scenarios }, planned_trials: search.endedTrials.length }
}
