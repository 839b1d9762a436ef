/** Searches an axis for where a goal begins to be met: which value next, and how many trials of it. */
import type { TrialResult } from '../../workers/protocol.ts'
import { type SearchInput, type SearchState, type Step, searchState } from '../analyse/search.ts'
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
    const { scenario, rounds } = wanted
    const done = new Set(this.#ended.map(({ trial }) => trial))
    for (let round = 1; round <= rounds; round++) {
      const trial = trialId(scenario, round)
      if (done.has(trial) || this.#running.has(trial)) continue
      this.#running.add(trial)
      return { do: 'run', job: { trial, scenario, round } }
    }
    return { do: 'wait' }
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
