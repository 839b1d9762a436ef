/** How the coordinator gets work done, so that scheduling can be tested without processes. */
import type {
  Capabilities,
  DuetReport,
  DuetSpec,
  LocalResources,
  PrepareResult,
  PrepareSpec,
  TrialResult,
  TrialSpec,
} from '../../workers/protocol.ts'

export interface Executor {
  /** What caps can be enforced here, so that a sweep can be refused before its first trial. */
  capabilities(): Promise<Capabilities>
  /** Reads, hashes and counts the data and asks the workload what it is; once, before any trial. */
  prepare(spec: PrepareSpec): Promise<PrepareResult>
  /** Says where the things lie that the specs of a session refer to; before the first `run`. */
  provide(resources: LocalResources): void
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
