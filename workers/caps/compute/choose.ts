/** Finds the best compute cap that this machine permits, by trying each for real. */
import type { ComputeMechanism } from '../../protocol.ts'
import { tryOnSleeper } from '../try-out.ts'
import { openCgroupV1 } from './cgroup-v1.ts'
import { openCgroupV2 } from './cgroup-v2.ts'
import { dutyCycle } from './duty-cycle.ts'
import type { ComputeCapper } from './mechanism.ts'

export interface Choice {
  /** Null where no mechanism works. */
  capper: ComputeCapper | null
  /** Why better ones were passed over. */
  notes: string[]
}

const TRIAL_UNITS = 0.5

async function* candidates(): AsyncGenerator<[ComputeMechanism, () => AsyncIterable<ComputeCapper>]> {
  yield ['cgroup_v2', () => openCgroupV2()]
  yield ['cgroup_v1', () => one(openCgroupV1)]
  yield ['duty_cycle', () => one(async () => dutyCycle)]
}

/** @param only the one mechanism to try, for tests and comparisons; null for the best that works */
export async function chooseComputeCapper(only: ComputeMechanism | null): Promise<Choice> {
  const notes: string[] = []
  if (process.platform !== 'linux')
    return { capper: null, notes: [`compute caps need Linux, not ${process.platform}`] }
  for await (const [name, open] of candidates()) {
    if (only !== null && only !== name) {
      notes.push(`${name}: not tried, since ${only} alone was asked for`)
      continue
    }
    let reason = 'no group may hold limited children'
    try {
      for await (const capper of open()) {
        const refusal = await tryOut(capper)
        if (refusal === null) return { capper, notes }
        reason = refusal
      }
    } catch (error) {
      reason = (error as Error).message
    }
    notes.push(`${name}: ${reason}`)
  }
  return { capper: null, notes }
}

async function* one(open: () => Promise<ComputeCapper>): AsyncGenerator<ComputeCapper> {
  yield await open()
}

/** Caps a sleeping process, as a host would be; null where that worked. */
function tryOut(capper: ComputeCapper): Promise<string | null> {
  return tryOnSleeper((pid) => {
    const cap = capper.apply(pid, TRIAL_UNITS, null)
    cap.release()
    return cap
  })
}
