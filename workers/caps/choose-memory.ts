/** Finds a memory cgroup as backstop, by trying each version for real. */
import { MIB } from './memory.ts'
import { type MemoryGrouper, openMemoryV1, openMemoryV2 } from './memory-group.ts'
import { tryOnSleeper } from './try-out.ts'

export interface MemoryChoice {
  /** Null where no version works: the other mechanisms hold the cap alone. */
  grouper: MemoryGrouper | null
  /** Why versions were passed over. */
  notes: string[]
}

const TRIAL_BYTES = 64 * MIB

/**
 * @param wanted false for tests and comparisons without it
 * @param alsoCpu whether the quota is one of version 2, which must share the group
 */
export async function chooseMemoryGrouper(wanted: boolean, alsoCpu: boolean): Promise<MemoryChoice> {
  const notes: string[] = []
  if (process.platform !== 'linux' || !wanted) return { grouper: null, notes }
  const candidates: [string, () => AsyncIterable<MemoryGrouper>][] = [
    ['cgroup_v2', () => openMemoryV2(alsoCpu)],
    ['cgroup_v1', versionOne],
  ]
  for (const [name, open] of candidates) {
    let reason = 'no group may hold children with limited memory'
    try {
      for await (const grouper of open()) {
        const refusal = await tryOnSleeper((pid) => {
          const group = grouper.enter(pid)
          group.limitGrowth(TRIAL_BYTES)
          return group
        })
        if (refusal === null) return { grouper, notes }
        reason = refusal
      }
    } catch (error) {
      reason = (error as Error).message
    }
    notes.push(`memory by ${name}: ${reason}`)
  }
  return { grouper: null, notes }
}

async function* versionOne(): AsyncGenerator<MemoryGrouper> {
  yield await openMemoryV1()
}
