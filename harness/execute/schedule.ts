/** Runs a plan over an executor: `jobs` trials at a time, started in plan order. */
import type { TrialResult, TrialSpec } from '../../workers/protocol.ts'
import type { PlannedTrial } from '../sweep/types.ts'
import type { Executor } from './executor.ts'

/** Which trials are not needed any more when they are due. */
export interface StoppingRules {
  /** Whether that rests on how the earlier trials of its scenario ended; the others run in any case. */
  isOptional(trial: PlannedTrial): boolean
  /** Asked of an optional trial once all earlier ones of its scenario have ended. */
  needs(trial: PlannedTrial): boolean
}

export interface Schedule {
  plan: readonly PlannedTrial[]
  executor: Executor
  /** Slots: trials that run at the same time. */
  jobs: number
  toSpec(trial: PlannedTrial): TrialSpec
  /** Absent: every trial runs. */
  stopping?: StoppingRules
  onSkip?(trial: PlannedTrial): void
  onStart?(trial: PlannedTrial): void | Promise<void>
  /** Awaited before the slot starts its next trial, so that a finished trial is in the journal first. */
  onResult(result: TrialResult): void | Promise<void>
  /** Once aborted nothing more starts, and what runs is killed and gives no result. */
  signal?: AbortSignal
}

export interface ScheduleEnd {
  finished: number
  interrupted: boolean
}

/** @throws the first error of the executor or of a callback, after the other slots have stopped */
export async function runPlan(schedule: Schedule): Promise<ScheduleEnd> {
  const { plan, executor, jobs, signal, stopping } = schedule
  let next = 0
  let finished = 0
  let stopped = signal?.aborted ?? false
  let failure: { error: unknown } | null = null
  let closing: Promise<void> | null = null

  const stop = () => {
    stopped = true
    closing ??= executor.close()
    // Awaited below; here only so that a rejection in between is not unhandled.
    closing.catch(() => {})
  }
  signal?.addEventListener('abort', stop, { once: true })

  /** Never rejects. */
  const runIfNeeded = async (trial: PlannedTrial, earlier: Promise<unknown> | undefined) => {
    try {
      if (stopping?.isOptional(trial)) {
        await earlier
        if (stopped) return
        if (!stopping.needs(trial)) return schedule.onSkip?.(trial)
      }
      await schedule.onStart?.(trial)
      const result = await executor.run(schedule.toSpec(trial))
      await schedule.onResult(result)
      finished++
    } catch (error) {
      // After a stop the executor rejects what it killed.
      if (stopped) return
      failure = { error }
      stop()
    }
  }
  /** By scenario: when all of its trials that were taken so far have ended. */
  const ended = new Map<string, Promise<unknown>>()
  const slot = async () => {
    while (!stopped && next < plan.length) {
      const trial = plan[next++]!
      const earlier = ended.get(trial.scenario)
      const turn = runIfNeeded(trial, earlier)
      if (stopping) ended.set(trial.scenario, Promise.all([earlier, turn]))
      await turn
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(jobs, plan.length) }, slot))
    await (closing as Promise<void> | null)
  } finally {
    signal?.removeEventListener('abort', stop)
  }
  const failed = failure as { error: unknown } | null
  if (failed !== null) throw failed.error
  return { finished, interrupted: stopped }
}
