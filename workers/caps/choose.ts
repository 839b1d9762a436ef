/** Finds the best mechanism for each cap that this machine permits, by trying each for real. */

import { type ChildProcess, spawn } from 'node:child_process'
import type { ComputeMechanism } from '../protocol.ts'
import { type CgroupV2Place, kernelFiles, offers, ownV2Place } from './cgroup-files.ts'
import { type ComputeCapper, openCgroupV1, openCgroupV2 } from './compute-group.ts'
import { dutyCycle } from './duty-cycle.ts'
import { MIB } from './memory.ts'
import { type MemoryGrouper, openMemoryV1, openMemoryV2 } from './memory-group.ts'
import { enterScope } from './systemd-scope.ts'

// ---------------------------------------------------------------- compute

interface Choice {
  /** Null where no mechanism works. */
  capper: ComputeCapper | null
  /** Why better ones were passed over, and where the chosen one had to be found. */
  notes: string[]
}

const TRIAL_UNITS = 0.5
const IN_SCOPE = "in a scope that systemd's user manager made for this run"

async function* candidates(): AsyncGenerator<[ComputeMechanism, () => AsyncIterable<ComputeCapper>]> {
  yield ['cgroup_v2', () => unified()]
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
        if (refusal === null) {
          if (capper.place !== undefined) notes.push(`${name}: ${capper.place}`)
          return { capper, notes }
        }
        reason = refusal
      }
    } catch (error) {
      reason = (error as Error).message
    }
    notes.push(`${name}: ${reason}`)
  }
  return { capper: null, notes }
}

/**
 * Of version 2: the groups that are there, and only where none of them serves one that systemd makes.
 * @throws where version 2 has no cpu controller, or systemd makes no scope
 */
export async function* unified(
  here = ownV2Place(),
  files = kernelFiles,
  enter: (pids: number[]) => Promise<CgroupV2Place> = enterScope,
): AsyncGenerator<ComputeCapper> {
  if (!offers(files, here.mount, 'cpu'))
    throw new Error('the cpu controller is not in version 2 on this machine')
  yield* openCgroupV2(here, files)
  // The coordinator starts the trial processes, which come to stand where it stands.
  const scope = await enter([process.pid, process.ppid])
  let offered = false
  for await (const capper of openCgroupV2(scope, files)) {
    offered = true
    yield { ...capper, place: IN_SCOPE }
  }
  if (!offered)
    throw new Error('systemd made a scope, but gives its user manager no cpu controller to pass on')
}

async function* one(open: () => Promise<ComputeCapper>): AsyncGenerator<ComputeCapper> {
  yield await open()
}

/** Caps a sleeping process, as a trial process would be; null where that worked. */
function tryOut(capper: ComputeCapper): Promise<string | null> {
  return tryOnSleeper((pid) => {
    const cap = capper.apply(pid, TRIAL_UNITS, null)
    cap.release()
    return cap
  })
}

// ---------------------------------------------------------------- memory: a cgroup as backstop

interface MemoryChoice {
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

// ---------------------------------------------------------------- trying

/**
 * Tries a limit for real on a process that does nothing.
 * @param apply puts the limit in force
 * @returns null where that worked and could be cleared, else why not
 */
async function tryOnSleeper(apply: (pid: number) => { remove(): Promise<void> }): Promise<string | null> {
  const sleeper = spawn('sleep', ['60'], { stdio: 'ignore' })
  const ended = new Promise<void>((resolve) => {
    sleeper.once('exit', () => resolve())
    sleeper.once('error', () => resolve())
  })
  try {
    if (sleeper.pid === undefined) return 'could not start a process to try it on'
    const applied = apply(sleeper.pid)
    await end(sleeper, ended)
    await applied.remove()
    return null
  } catch (error) {
    return (error as Error).message
  } finally {
    await end(sleeper, ended)
  }
}

async function end(sleeper: ChildProcess, ended: Promise<void>): Promise<void> {
  sleeper.kill('SIGKILL')
  await ended
}
