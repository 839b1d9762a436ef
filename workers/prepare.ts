/**
 * The process of the job before all trials: its thread asks the workload what it is, and reads, hashes and counts each
 * dataset once.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import { nameOf } from './load-workload.ts'
import { permit } from './permit.ts'
import type { InputProblem, PrepareResult, PrepareSpec } from './protocol/prepare.ts'
import { GROUP_SIGNALS } from './protocol/trial-process.ts'
import type { WorkloadSource } from './protocol/trial-spec.ts'
import { trialErrorFrom } from './untrusted.ts'

// Without the coordinator this process has no purpose.
for (const signal of GROUP_SIGNALS) process.on(signal, () => {})
process.on('disconnect', () => process.exit(1))

/** Longest that a workload may take to load and describe itself where nothing else is said, s. */
const DESCRIBE_S = 60

/** In a thread, as a trial: what the workload's module changes in the runtime stays away from the coordinator's channel. */
export async function prepare(spec: PrepareSpec): Promise<PrepareResult> {
  const { describe_s = DESCRIBE_S } = spec
  const thread = new Piscina({
    filename: fileURLToPath(new URL('./prepare-worker.js', import.meta.url)),
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: Number.POSITIVE_INFINITY,
    recordTiming: false,
  })
  try {
    // Its thread stands, and what comes on top is the workload's.
    await thread.run(null, { name: 'empty' })
    await permit('empty')
    const described = await before(describe_s, thread.run(spec, { name: 'describeInThread' }))
    if (described === null) return { ok: false, error: tooSlow(spec.workload, describe_s) }
    const told = described as PrepareResult
    if (!told.ok || spec.only_describe === true) return told
    await permit('warm')
    return (await thread.run({ spec, info: told.workload }, { name: 'prepareInThread' })) as PrepareResult
  } catch (error) {
    return {
      ok: false,
      error: { message: `preparing ${nameOf(spec.workload)} failed: ${threadEnded(error)}` },
    }
  }
}

/** Null where that takes longer. */
async function before<T>(seconds: number, work: Promise<T>): Promise<T | null> {
  const timer = new AbortController()
  const late = sleep(seconds * 1000, null, { signal: timer.signal })
  // Ended by the abort below, which nobody waits for.
  late.catch(() => {})
  try {
    return await Promise.race([work, late])
  } finally {
    timer.abort()
  }
}

function tooSlow(workload: WorkloadSource, seconds: number): InputProblem {
  return {
    message: `workload ${nameOf(workload)}: it was not loaded and described after ${seconds} s`,
    hint: 'code outside of functions and describe() must end soon: leave what takes long to open(); a larger timeout_s gives more time, up to a minute',
  }
}

function threadEnded(error: unknown): string {
  const { message } = trialErrorFrom(error)
  const exit = /^worker exited with code: (-?\d+)$/.exec(message)?.[1]
  return exit === undefined ? message : `it ended its thread by process.exit(${exit})`
}
