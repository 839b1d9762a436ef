/** How the coordinator gets work done, so that scheduling can be tested without processes. */
import type { DuetReport, DuetSpec } from '../../workers/protocol/duet.ts'
import type { PrepareResult, PrepareSpec } from '../../workers/protocol/prepare.ts'
import type { Capabilities } from '../../workers/protocol/supervisor.ts'
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import type { LocalResources, TrialSpec } from '../../workers/protocol/trial-spec.ts'
import type { FleetMachine } from '../record/types.ts'

export interface Executor {
  /** What caps can be enforced here, so that a sweep can be refused before its first trial. */
  capabilities(): Promise<Capabilities>
  /** Reads, hashes and counts the data and asks the workload what it is; once, before any trial. */
  prepare(spec: PrepareSpec): Promise<PrepareResult>
  /** Says where the things lie that the specs of a session refer to; before the first `run`. */
  provide(resources: LocalResources): void
  /** Says which trials are likely to follow the next one; with none, that none does. What can be made ready for them is. */
  expect?(next: readonly TrialSpec[]): void
  /**
   * Runs one trial to its outcome. Resolves for every outcome, `failed` included.
   * @throws only when the executor itself is broken or was closed
   */
  run(spec: TrialSpec): Promise<TrialResult>
  /** Kills what runs and frees what was taken; safe to call twice. */
  close(): Promise<void>
}

/** An executor that can also play two versions against each other in one trial process. */
export interface DuetExecutor extends Executor {
  /**
   * Plays one duet to its end. Resolves for every ending, with a `failure` where it gave nothing.
   * @throws only when the executor itself is broken or was closed
   */
  duet(spec: DuetSpec): Promise<DuetReport>
}

// ---------------------------------------------------------------- other machines

/** An executor whose trials run on other machines, a round at a time: scenarios are compared within one machine. */
export interface Fleet extends DuetExecutor {
  /** Without credentials. */
  readonly server: string
  /** The label for scenarios that name no machine; null where all do. */
  readonly on: string | null
  /** @throws {UserError} where a scenario names no machine, and there is no label for such */
  labelOf(machine: unknown): string
  /** Rounds that all agents together run at once. */
  slots(): Promise<number>
  /**
   * Begins or takes up a run; what was measured while no coordinator was there comes in from here on.
   * @throws {UserError} where another coordinator works on it
   */
  take(run: FleetRun): Promise<void>
  /**
   * Runs a round's trials one after the other on one machine, in this order.
   * @throws {UserError} where an agent refuses them
   */
  round(round: RoundOfTrials): Promise<RoundEnd>
  /** Resolves once nothing that came in waits to be looked at. */
  heard(): Promise<void>
  /** Those that are there now and may run trials. */
  places(): Promise<FleetMachine[]>
  /** Those that handed in results of this run. */
  machines(): FleetMachine[]
  /** Lets watchers know. */
  tell(event: object, progress: RunProgress): void
  /** Gives the run back. `interrupted`: what waits is taken back, and what runs elsewhere is stopped. */
  release(done: 'finished' | 'interrupted'): Promise<void>
}

export interface FleetRun {
  /** The same for a run that is resumed, and for no other on the server. */
  id: string
  name: string
  /** For watchers: what the run is about; null for what is no recorded run. */
  manifest: object | null
  progress: RunProgress
  /** Whether the journal has the trial. */
  isFinished(trial: string): boolean
  /** Those that the record of the run names. */
  machines: readonly FleetMachine[]
  /** A trial has been begun by an agent. */
  onStart(trial: string): void
  /** `machines` of the fleet has one more. */
  onMachine(): void
  onNote(text: string): void
}

export interface RoundOfTrials {
  /** The same for the same round of a run that is resumed. */
  key: string
  label: string
  specs: readonly TrialSpec[]
}

export interface RoundEnd {
  /** In the order of the specs. */
  results: TrialResult[]
  /** To be called once they are on disk: until then they can be had again. */
  settle(): void
}

export interface RunProgress {
  planned: number
  finished: number
  not_ok: number
}

export function fleetOf(executor: Executor): Fleet | null {
  return 'round' in executor ? (executor as Fleet) : null
}
