/** What a search of `stint find` runs next, and what its manifest says once it is over. */
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import type { WorkloadInfo } from '../../workers/workload.ts'
import { searchInputOf } from '../analyse/search.ts'
import { count } from '../format.ts'
import { Search } from '../plan/search.ts'
import type { Manifest } from '../record/types.ts'
import { isMapping } from '../sweep/document.ts'
import type { Sweep } from '../sweep/types.ts'

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

/** As many trials of a value at once as its test may want. */
const MOST_SLOTS = 5
/** Of the free memory, what the caps of trials that run at once may take. */
const SHARE_OF_FREE = 0.5

/**
 * Trials that a search runs at once where its sweep does not say: more than one only where its goal is about metrics
 * without noise, which trials beside each other do not disturb, and where every trial has a memory cap that leaves room.
 * @param machine what the run may use: cores, and MB of memory
 */
export function slotsOf(
  { search, goal, scenarios, n_jobs, source }: Sweep,
  { metrics }: Pick<WorkloadInfo, 'metrics'>,
  machine: { cores: number; free_mb: number },
): number {
  if (search === null || goal === null) return n_jobs
  if (isMapping(source.document) && Object.hasOwn(source.document, 'n_jobs')) return n_jobs
  const isExact = ({ metric }: { metric: string }) =>
    Object.hasOwn(metrics, metric) && metrics[metric]!.kind === 'deterministic'
  const caps = scenarios.map(({ settings }) => (settings.mode === 'realtime' ? null : settings.max_memory_mb))
  if (!goal.subject_to.every(isExact) || caps.includes(null)) return n_jobs
  const largest = caps.reduce<number>((most, cap) => Math.max(most, cap!), 1)
  const room = Math.floor((machine.free_mb * SHARE_OF_FREE) / largest)
  return Math.max(n_jobs, Math.min(MOST_SLOTS, Math.floor(machine.cores), room))
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
