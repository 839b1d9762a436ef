/** Finds the best compute cap that this machine permits, by trying each for real. */
import type { ComputeMechanism } from '../../protocol.ts'
import { type CgroupV2Place, kernelFiles, offers, ownV2Place } from '../cgroup-files.ts'
import { enterScope } from '../systemd-scope.ts'
import { tryOnSleeper } from '../try-out.ts'
import { openCgroupV1 } from './cgroup-v1.ts'
import { openCgroupV2 } from './cgroup-v2.ts'
import { dutyCycle } from './duty-cycle.ts'
import type { ComputeCapper } from './mechanism.ts'

export interface Choice {
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
