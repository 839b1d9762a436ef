/** What a search of `stint find` runs next, and what its manifest says once it is over. */
import type { TrialResult } from '../../workers/protocol.ts'
import { searchInputOf } from '../analyse/search.ts'
import { Search } from '../plan/search.ts'
import type { Manifest } from '../record/types.ts'

const VERDICTS = {
  meets: 'meets the goal',
  fails: 'does not meet the goal',
  undecided: 'its trials do not tell',
} as const

/**
 * @param ended trials that ended before
 * @param tell hears of each value that is decided from now on
 * @returns null where the run is no search
 */
export function searchOf(
  manifest: Pick<Manifest, 'sweep' | 'workload'>,
  ended: readonly TrialResult[],
  tell: (text: string) => void,
): Search | null {
  if (manifest.sweep.search === null) return null
  const labels = new Map(manifest.sweep.scenarios.map(({ id, label }) => [id, label]))
  return new Search(searchInputOf(manifest), ended, ({ scenario, verdict, trials }) =>
    tell(`${labels.get(scenario)}: ${VERDICTS[verdict!]} (${trials === 1 ? '1 trial' : `${trials} trials`})`),
  )
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
