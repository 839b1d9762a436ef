/** Fills slots with the jobs of a planner: `slots` at a time, started in the order in which it gives them. */
import type { Planner } from '../plan/planner.ts'

export interface Schedule<Job, Result> {
  planner: Planner<Job, Result>
  /** Jobs that run at the same time. */
  slots: number
  run(job: Job): Promise<Result>
  onSkip?(job: Job): void
  onStart?(job: Job): void
  /** Called before the slot takes its next job, so that a finished trial is in the journal first. */
  onEnd(job: Job, result: Result): void
  /** Kills what runs; after a stop, `run` rejects. */
  close(): Promise<void>
  /** Once aborted nothing more starts, and what runs is killed and gives no result. */
  signal?: AbortSignal
}

export interface ScheduleEnd {
  finished: number
  interrupted: boolean
}

/** @throws the first error of `run` or of a callback, after the other slots have stopped */
export async function fillSlots<Job, Result>(schedule: Schedule<Job, Result>): Promise<ScheduleEnd> {
  const { planner, slots, signal } = schedule
  let finished = 0
  let stopped = signal?.aborted ?? false
  let failure: { error: unknown } | null = null
  let closing: Promise<void> | null = null
  let wakeAll: () => void = () => {}
  let someEnded = new Promise<void>((resolve) => {
    wakeAll = resolve
  })

  const wake = () => {
    wakeAll()
    someEnded = new Promise((resolve) => {
      wakeAll = resolve
    })
  }
  const stop = () => {
    stopped = true
    closing ??= schedule.close()
    // Awaited below; here only so that a rejection in between is not unhandled.
    closing.catch(() => {})
    wake()
  }
  signal?.addEventListener('abort', stop, { once: true })

  /** Never rejects. */
  const play = async (job: Job) => {
    try {
      schedule.onStart?.(job)
      const result = await schedule.run(job)
      schedule.onEnd(job, result)
      planner.ended(job, result)
      finished++
    } catch (error) {
      // After a stop the executor rejects what it killed.
      if (stopped) return
      failure = { error }
      stop()
    }
    wake()
  }
  const slot = async () => {
    while (!stopped) {
      try {
        const turn = planner.next()
        if (turn === null) return
        if (turn.do === 'wait') await someEnded
        else if (turn.do === 'skip') schedule.onSkip?.(turn.job)
        else await play(turn.job)
      } catch (error) {
        failure = { error }
        stop()
      }
    }
  }
  try {
    await Promise.all(Array.from({ length: slots }, slot))
    await (closing as Promise<void> | null)
  } finally {
    signal?.removeEventListener('abort', stop)
  }
  const failed = failure as { error: unknown } | null
  if (failed !== null) throw failed.error
  return { finished, interrupted: stopped }
}
