/** Finds the best mechanism for each cap that this machine permits, by trying each for real. */
import { type ChildProcess, spawn } from 'node:child_process'
import type { ComputeMechanism } from '../protocol/trial-result.ts'
import { type ComputeCapper, openCgroupV1, openCgroupV2 } from './compute-group.ts'
import { dutyCycle } from './duty-cycle.ts'
import { readOwnLimits } from './limits.ts'
import { MIB } from './memory.ts'
import { type MemoryGrouper, openMemoryV1, openMemoryV2 } from './memory-group.ts'
import { findPlacement, type Placement } from './placement.ts'

export interface Choice {
  /** Null where no mechanism works. */
  capper: ComputeCapper | null
  /** Null where no version works, or none was wanted: the other mechanisms hold the cap alone. */
  grouper: MemoryGrouper | null
  /** Why better ones were passed over, and where the chosen one had to be found. */
  notes: string[]
  /** Undoes what was done to make place for groups, once every group is gone. */
  leave(): Promise<void>
}

interface Wanted {
  /** The one compute mechanism to try, for tests and comparisons; null for the best that works. */
  only: ComputeMechanism | null
  /** Whether a cgroup may back up the memory cap; false for tests and comparisons without it. */
  memoryGroup: boolean
}

/** Of a core. Version 1 refuses a share beyond that of a group above. */
const TRIAL_UNITS = 0.5
const TRIAL_BYTES = 64 * MIB

export async function chooseMechanisms({ only, memoryGroup }: Wanted): Promise<Choice> {
  if (process.platform !== 'linux') {
    const notes = [`compute caps need Linux, not ${process.platform}`]
    return { capper: null, grouper: null, notes, leave: async () => {} }
  }
  const place = new LazyPlacement()
  const notes: string[] = []
  const units = Math.min(TRIAL_UNITS, readOwnLimits().cpu_quota_cores ?? TRIAL_UNITS)
  const capper = await chooseCapper(only, units, place, notes)
  const grouper = memoryGroup ? await chooseGrouper(place, notes) : null
  return { capper, grouper, notes, leave: () => place.leave() }
}

/** Looked for once and only where a mechanism needs it, since it may move this run into another group. */
class LazyPlacement {
  private found: Promise<Placement> | null = null

  find(): Promise<Placement> {
    this.found ??= findPlacement()
    return this.found
  }

  async leave(): Promise<void> {
    await (await this.found?.catch(() => null))?.leave()
  }
}

async function chooseCapper(
  only: ComputeMechanism | null,
  units: number,
  place: LazyPlacement,
  notes: string[],
): Promise<ComputeCapper | null> {
  const candidates: [ComputeMechanism, () => Promise<ComputeCapper>][] = [
    ['cgroup_v2', async () => openCgroupV2(await place.find())],
    ['cgroup_v1', () => openCgroupV1()],
    ['duty_cycle', async () => dutyCycle],
  ]
  for (const [name, open] of candidates) {
    if (only !== null && only !== name) {
      notes.push(`${name}: not tried, since only ${only} was asked for`)
      continue
    }
    try {
      const capper = await open()
      await tryOnSleeper((pid) => {
        const cap = capper.apply(pid, units, null)
        cap.release()
        return cap
      })
      if (capper.place !== undefined) notes.push(`${name}: ${capper.place}`)
      return capper
    } catch (error) {
      notes.push(`${name}: ${(error as Error).message}`)
    }
  }
  return null
}

async function chooseGrouper(place: LazyPlacement, notes: string[]): Promise<MemoryGrouper | null> {
  const candidates: [string, () => Promise<MemoryGrouper>][] = [
    ['cgroup_v2', async () => openMemoryV2(await place.find())],
    ['cgroup_v1', () => openMemoryV1()],
  ]
  for (const [name, open] of candidates) {
    try {
      const grouper = await open()
      await tryOnSleeper((pid) => {
        const group = grouper.enter(pid)
        group.limitGrowth(TRIAL_BYTES)
        return group
      })
      return grouper
    } catch (error) {
      notes.push(`memory by ${name}: ${(error as Error).message}`)
    }
  }
  return null
}

// ---------------------------------------------------------------- trying

/**
 * Tries a limit for real on a process that does nothing.
 * @param apply puts the limit in force
 * @throws why it does not work
 */
async function tryOnSleeper(apply: (pid: number) => { remove(): Promise<void> }): Promise<void> {
  // It waits for input that never comes, and ends with this process, whatever ends that.
  const sleeper = spawn('cat', [], { stdio: ['pipe', 'ignore', 'ignore'] })
  sleeper.stdin.on('error', () => {})
  const ended = new Promise<void>((resolve) => {
    sleeper.once('exit', () => resolve())
    sleeper.once('error', () => resolve())
  })
  try {
    if (sleeper.pid === undefined) throw new Error('could not start a process to try it on')
    const applied = apply(sleeper.pid)
    await end(sleeper, ended)
    await applied.remove()
  } finally {
    await end(sleeper, ended)
  }
}

async function end(sleeper: ChildProcess, ended: Promise<void>): Promise<void> {
  sleeper.kill('SIGKILL')
  await ended
}
