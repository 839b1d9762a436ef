/** Searches an axis for where a goal begins to be met: which value next, and how many trials of it. */
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import {
  type SearchInput,
  type SearchState,
  type Step,
  searchState,
  type Wanted,
  wantedAhead,
} from '../analyse/search.ts'
import type { PlannedTrial } from '../sweep/types.ts'
import { type Planner, type Turn, trialId } from './planner.ts'

export class Search implements Planner<PlannedTrial, TrialResult> {
  readonly #input: SearchInput
  readonly #ended: TrialResult[]
  readonly #running = new Set<string>()
  readonly #onStep: (step: Step) => void
  #state: SearchState

  /**
   * @param ended trials that ended before, in any order
   * @param onStep hears of what is found out from now on
   */
  constructor(input: SearchInput, ended: readonly TrialResult[], onStep: (step: Step) => void = () => {}) {
    this.#input = input
    this.#ended = [...ended]
    this.#onStep = onStep
    this.#state = searchState(input, this.#ended)
  }

  get isOver(): boolean {
    return this.#state.wanted === null
  }

  /** Every trial that has ended. */
  get endedTrials(): readonly TrialResult[] {
    return this.#ended
  }

  next(): Turn<PlannedTrial> | null {
    const { wanted } = this.#state
    if (wanted === null) return null
    const [job] = this.likely()
    if (job === undefined) return { do: 'wait' }
    this.#running.add(job.trial)
    return { do: 'run', job }
  }

  /** What `next` is likely to give out, some of it: where all that is wanted is under way, what will be if that goes as expected. */
  likely(): PlannedTrial[] {
    const { wanted } = this.#state
    if (wanted === null) return []
    const open = this.#openOf(wanted)
    if (open.length > 0) return open
    const isRunning = (scenario: string, round: number) => this.#running.has(trialId(scenario, round))
    const ahead = wantedAhead(this.#input, this.#ended, isRunning)
    return ahead === null ? [] : this.#openOf(ahead)
  }

  /** Of the trials that are wanted, those that are neither over nor under way. */
  #openOf({ scenario, rounds }: Wanted): PlannedTrial[] {
    const begun = new Set([...this.#running, ...this.#ended.map(({ trial }) => trial)])
    return Array.from({ length: rounds }, (_, i) => ({
      trial: trialId(scenario, i + 1),
      scenario,
      round: i + 1,
    })).filter(({ trial }) => !begun.has(trial))
  }

  ended({ trial }: PlannedTrial, result: TrialResult): void {
    this.#running.delete(trial)
    this.#ended.push(result)
    const before = stepsOf(this.#state)
    this.#state = searchState(this.#input, this.#ended)
    for (const step of stepsOf(this.#state).slice(before.length)) this.#onStep(step)
  }
}

function stepsOf({ lines }: SearchState): Step[] {
  return lines.flatMap(({ steps }) => steps)
}
