/** Who decides which job comes next, from the results so far. The scheduler only fills slots. */

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
