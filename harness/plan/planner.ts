/** Who decides which job comes next, from the results so far. The scheduler only fills slots. */
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import type { Stopping } from '../analyse/precision.ts'
import { orderStream, shuffle } from '../random.ts'
import type { PlannedTrial, Sweep } from '../sweep/types.ts'

export type Turn<Job> =
  | { do: 'run'; job: Job }
  /** Not needed any more. */
  | { do: 'skip'; job: Job }
  /** What comes next depends on jobs that are still under way. */
  | { do: 'wait' }

export interface Planner<Job, Result> {
  /** What a free slot is to do; null when nothing is left. `wait` only while a job is under way. */
  next(): Turn<Job> | null
  /** A job that `next` gave out has ended. */
  ended(job: Job, result: Result): void
}

/** Jobs that are known ahead: enough for as many cores as most machines have. */
const LIKELY = 16

// ---------------------------------------------------------------- rounds: all of them, or until each scenario's mean is known well enough

/** Trials that may be put off while later ones run: enough for a few slots, and cheap to look through. */
const MOST_PUT_OFF = 16

export class Rounds implements Planner<PlannedTrial, TrialResult> {
  private readonly plan: readonly PlannedTrial[]
  private readonly stopping: Stopping | null
  private upcoming = 0
  /** Trials that hang on one of their scenario that is under way, in the order planned. */
  private readonly putOff: PlannedTrial[] = []
  /** Trials under way, by scenario. */
  private readonly running = new Map<string, number>()

  /**
   * @param plan trials that have not ended, in their order
   * @param stopping knows the trials that ended before; null where every planned trial runs
   */
  constructor(plan: readonly PlannedTrial[], stopping: Stopping | null) {
    this.plan = plan
    this.stopping = stopping
  }

  next(): Turn<PlannedTrial> | null {
    const ready = this.putOff.findIndex((trial, index) => !this.mustWait(trial, this.putOff.slice(0, index)))
    if (ready >= 0) return this.turn(this.putOff.splice(ready, 1)[0]!)
    while (this.upcoming < this.plan.length && this.putOff.length < MOST_PUT_OFF) {
      const trial = this.plan[this.upcoming++]!
      if (!this.mustWait(trial, this.putOff)) return this.turn(trial)
      this.putOff.push(trial)
    }
    return this.upcoming === this.plan.length && this.putOff.length === 0 ? null : { do: 'wait' }
  }

  /** What `next` is likely to give out, some of it. */
  likely(): PlannedTrial[] {
    const planned = this.plan.slice(this.upcoming, this.upcoming + LIKELY)
    return [...this.putOff, ...planned].filter((trial) => this.stopping?.needs(trial) !== false)
  }

  ended({ scenario }: PlannedTrial, result: TrialResult): void {
    this.running.set(scenario, this.running.get(scenario)! - 1)
    this.stopping?.add(result)
  }

  /** Whether the trial is needed hangs on earlier ones of its scenario that have not ended. */
  private mustWait(trial: PlannedTrial, before: readonly PlannedTrial[]): boolean {
    if (!this.stopping?.isOptional(trial)) return false
    const { scenario } = trial
    return (this.running.get(scenario) ?? 0) > 0 || before.some((earlier) => earlier.scenario === scenario)
  }

  private turn(job: PlannedTrial): Turn<PlannedTrial> {
    if (this.stopping?.needs(job) === false) return { do: 'skip', job }
    const { scenario } = job
    this.running.set(scenario, (this.running.get(scenario) ?? 0) + 1)
    return { do: 'run', job }
  }
}

// ---------------------------------------------------------------- whole rounds, each on one machine of its label

/** The scenarios of one round that run on machines of one label, in their order. */
export interface Block {
  /** Unique in a run. */
  key: string
  label: string
  trials: readonly PlannedTrial[]
}

export class Blocks implements Planner<Block, readonly TrialResult[]> {
  private readonly upcoming: Block[]
  private readonly stopping: Stopping | null
  /** Blocks under way, by label. */
  private readonly running = new Map<string, number>()

  /**
   * @param plan trials that have not ended, in their order
   * @param stopping as in `Rounds`
   * @param labelOf of a scenario's id
   */
  constructor(
    plan: readonly PlannedTrial[],
    stopping: Stopping | null,
    labelOf: (scenario: string) => string,
  ) {
    const blocks = new Map<string, PlannedTrial[]>()
    const labels = new Map<string, string>()
    for (const trial of plan) {
      const label = labelOf(trial.scenario)
      const key = `r${String(trial.round).padStart(3, '0')}-${label}`
      labels.set(key, label)
      const trials = blocks.get(key)
      if (trials === undefined) blocks.set(key, [trial])
      else trials.push(trial)
    }
    this.upcoming = [...blocks].map(([key, trials]) => ({ key, label: labels.get(key)!, trials })).reverse()
    this.stopping = stopping
  }

  next(): Turn<Block> | null {
    const block = this.upcoming.at(-1)
    if (block === undefined) return null
    const { stopping } = this
    const running = this.running.get(block.label) ?? 0
    // Whether its trials are needed hangs on the round before.
    if (stopping !== null && running > 0 && block.trials.some((trial) => stopping.isOptional(trial)))
      return { do: 'wait' }
    this.upcoming.pop()
    const needless = block.trials.filter((trial) => stopping?.needs(trial) === false)
    if (needless.length > 0) {
      const needed = block.trials.filter((trial) => !needless.includes(trial))
      if (needed.length > 0) this.upcoming.push({ ...block, trials: needed })
      return { do: 'skip', job: { ...block, trials: needless } }
    }
    this.running.set(block.label, running + 1)
    return { do: 'run', job: block }
  }

  ended({ label }: Block, results: readonly TrialResult[]): void {
    this.running.set(label, this.running.get(label)! - 1)
    for (const result of results) this.stopping?.add(result)
  }
}

// ---------------------------------------------------------------- the order of rounds

/** `<scenario>-r<round, three digits>` */
export function trialId(scenario: string, round: number): string {
  return `${scenario}-r${String(round).padStart(3, '0')}`
}

/**
 * Every trial of a sweep: rounds from 1, each all scenarios that still have runs left, in an order shuffled anew.
 * The same seed gives the same order; more rounds leave the earlier ones as they were.
 */
export function planTrials(
  sweep: Pick<Sweep, 'benchmark_runs' | 'random_seed'> & {
    scenarios: readonly { id: string; runs: number | null }[]
  },
): PlannedTrial[] {
  const random = orderStream(sweep.random_seed)
  const inRound = (round: number) =>
    sweep.scenarios.filter(({ runs }) => round <= (runs ?? sweep.benchmark_runs)).map(({ id }) => id)
  return Array.from({ length: sweep.benchmark_runs }, (_, index) => index + 1).flatMap((round) =>
    shuffle(inRound(round), random).map((scenario) => ({ trial: trialId(scenario, round), scenario, round })),
  )
}
