/** The supervisor's view of one trial process: its memory, its deadline, its compute cap, and what to clear after it. */
import { dirname } from 'node:path'
import {
  type ChildrenUsage,
  type GroupUsage,
  type MemoryCapInForce,
  NO_CHILDREN,
  type TimeWindow,
  type WatchSummary,
} from '../protocol/supervisor.ts'
import type { MemoryScope } from '../protocol/trial-spec.ts'
import { monotonicMs } from '../telemetry/clock.ts'
import {
  mappedFilesMb,
  peakResidentMb,
  ResidentSize,
  restartPeakResident,
} from '../telemetry/process-files.ts'
import { type EnteredGroup, readGroupCpuMs } from './cgroup-files.ts'
import type { ComputeCap, ComputeCapper } from './compute-group.ts'
import { ALLOWED_PROGRAM_MB, MIB, residentAllowanceMb } from './memory.ts'
import type { MemoryGroup, MemoryGrouper, Waits } from './memory-group.ts'
import { continueUnseen, cpuMsOf, ProcessTree, type Usage } from './process-tree.ts'

/** A process that stands empty must be able to do something. */
const LEAST_GROWTH_MB = 4
/** Every so many readings of the memory the supervisor looks for processes that the trial process has started. */
const LOOK_EVERY = 4
/** Of CPU time that a group counts and a process in ticks, what they may differ by. */
const UNSEEN_MS = 30
/** The kernel charges a group for its own tables as well, which are no part of the resident size. */
const KERNEL_MB = 2

export class WatchedProcess {
  private readonly pid: number
  private deadline: number
  private readonly resident: ResidentSize | null
  private readonly tree: ProcessTree
  private polls = 0
  /** Whether code of a workload may have run in it. */
  private hasCode: boolean
  private group: MemoryGroup | null = null
  private groupMechanism: MemoryCapInForce['backstop'] = null
  private computeGroup: EnteredGroup | null = null
  private compute: ComputeCap | null = null
  private peakRssMb: number | null = null
  private emptyMb: number | null = null
  /** Largest resident size since the worker stood empty. */
  private peakSinceEmptyMb = 0
  /** The same without what Node's own program took beyond its part of the allowance. */
  private peakCountedMb = 0
  /** Null where the whole process counts, or the machine does not tell. */
  private program: ProgramPages | null = null
  /** Resident memory that is not the workload's. */
  private uncountedMb = 0
  private limitMb = Number.POSITIVE_INFINITY
  private killedFor: WatchSummary['killed'] = null
  private isOverdue = false
  /** What was used when the timed steps began, and when they ended; null before. */
  private begun: TreeUsage | null = null
  private finished: TreeUsage | null = null

  /** @param startsEmpty the workload's code comes after its memory was capped */
  constructor(pid: number, timeoutMs: number | null, temporary: string | null, startsEmpty: boolean) {
    this.hasCode = !startsEmpty
    this.pid = pid
    this.deadline = timeoutMs === null ? Number.POSITIVE_INFINITY : monotonicMs() + timeoutMs
    this.resident = openResident(pid)
    this.tree = new ProcessTree(pid, temporary)
  }

  /** It was started ahead, and runs its trial from now on. */
  assign(timeoutMs: number): void {
    this.deadline = monotonicMs() + timeoutMs
  }

  /** Moves the trial process into a group of its own, which counts what it takes from now on. */
  enterGroup(grouper: MemoryGrouper): void {
    try {
      this.group = grouper.enter(this.pid)
      this.groupMechanism = grouper.mechanism
    } catch {
      // The other mechanisms hold the cap; the trial's record shows which were in force.
    }
  }

  /** Moves the trial process to where it is capped later, while it starts: the move holds up the supervisor and the trial process alike. */
  enterComputeGroup(capper: ComputeCapper): void {
    try {
      this.computeGroup = capper.enter?.(this.pid) ?? null
    } catch {
      // The cap makes a group of its own then, or says why it cannot.
    }
  }

  /** Takes the present size as that of an idle worker, and bounds what may come on top. */
  capMemory(capMb: number | null, scope: MemoryScope): MemoryCapInForce {
    if (!this.hasCode) this.tree.begin()
    this.hasCode = true
    const empty = this.resident?.read() ?? null
    this.emptyMb = empty?.residentMb ?? null
    if (this.emptyMb === null) return { allowance_mb: null, backstop: null, error: null }
    restartPeakResident(this.pid)
    this.program = scope === 'process' ? null : ProgramPages.of(this.pid, empty!.sharedMb)
    const allowanceMb = scope === 'process' ? 0 : residentAllowanceMb(capMb)
    this.uncountedMb = scope === 'process' ? 0 : this.emptyMb + allowanceMb
    if (capMb === null) return { allowance_mb: allowanceMb, backstop: null, error: null }
    this.limitMb = this.uncountedMb + capMb
    const growthMb = this.limitMb - this.emptyMb
    if (growthMb < LEAST_GROWTH_MB) {
      const error = `memory_scope: process needs max_memory_mb ${Math.ceil(this.emptyMb + LEAST_GROWTH_MB)} or more here: the process takes ${this.emptyMb.toFixed(1)} MB before any work`
      return { allowance_mb: allowanceMb, backstop: null, error }
    }
    return { allowance_mb: allowanceMb, backstop: this.limitGroup(growthMb), error: null }
  }

  capCompute(cap: ComputeCap): void {
    this.compute = cap
  }

  /** All is ready: from now on what other processes of the trial use counts. */
  begin(): void {
    this.tree.look()
    this.program?.look()
    this.begun = this.readUsage()
  }

  /** The group that its quota must be set on: its own for that, or the one of version 2 that it is in for its memory. */
  quotaGroup({ mechanism }: ComputeCapper): string | null {
    if (this.computeGroup !== null) return this.computeGroup.path
    const unified = mechanism === 'cgroup_v2' && this.groupMechanism === 'cgroup_v2'
    return unified ? (this.group?.path ?? null) : null
  }

  /** All that is timed is over; once more when the trial is. */
  release(): void {
    // What is started now outlives its parent, of whom nothing then tells.
    this.tree.look()
    this.readPeak()
    this.finished ??= this.readUsage()
    this.compute?.release()
  }

  /** One reading; kills the trial process where it is over. */
  poll(): void {
    if (monotonicMs() > this.deadline) {
      this.kill('deadline')
      if (!this.isOverdue) continueUnseen(process.ppid)
      this.isOverdue = true
    }
    if (this.polls++ % LOOK_EVERY === 0 && this.hasCode) {
      this.tree.look()
      this.tree.note()
    }
    const own = this.resident?.read() ?? null
    if (own === null) return
    const rss = own.residentMb + this.tree.residentMb()
    if (rss > this.limitMb) this.program?.lookFor(own.sharedMb)
    const excessMb = this.program?.excessMb(own.sharedMb) ?? 0
    this.note(rss, excessMb)
    if (rss - excessMb > this.limitMb) this.kill('memory')
    else if (this.group?.isHeldUp()) {
      this.noteGroupPeak()
      this.kill('memory')
    }
  }

  kill(reason: WatchSummary['killed']): void {
    this.killedFor ??= reason
    this.tree.look()
    try {
      // SIGKILL ends a stopped process as well.
      process.kill(this.pid, 'SIGKILL')
      this.readPeak()
    } catch {
      // It has just ended by itself.
    }
    this.group?.kill()
    this.tree.kill()
  }

  summary(window: TimeWindow | null): Omit<WatchSummary, 'perf_joules'> {
    // What the kernel counts beats a reading from outside that came to the same.
    const isByKernel = (this.killedFor ?? 'memory') === 'memory' && this.group?.killed() === true
    const killed = isByKernel ? 'cgroup_memory' : this.killedFor
    if (killed === 'cgroup_memory') this.noteGroupPeak()
    return {
      peak_rss_mb: this.peakRssMb,
      peak_mb: this.emptyMb === null ? null : Math.max(0, this.peakCountedMb - this.uncountedMb),
      peak_above_idle_mb: this.emptyMb === null ? null : Math.max(0, this.peakSinceEmptyMb - this.emptyMb),
      killed,
      children: this.childrenUsage(),
      group: this.groupUsage(),
      throttled_ms: window === null ? null : (this.compute?.throttledMs(window) ?? null),
    }
  }

  /** The trial process has ended: ends what it left running, and frees what watching took. */
  async clear(): Promise<void> {
    await this.tree.end()
    this.tree.close()
    this.resident?.close()
    await this.compute?.remove()
    await this.computeGroup?.remove()
    await this.group?.remove()
  }

  private readUsage(): TreeUsage {
    return {
      children: this.tree.usage(),
      groupMs: this.readGroupMs(),
      ownMs: cpuMsOf(this.pid),
      waits: this.group?.waits() ?? null,
    }
  }

  /** CPU time of all that was ever in the trial's group, ms; null where it has none that counts it. */
  private readGroupMs(): number | null {
    const path = this.compute?.cpuStat != null ? dirname(this.compute.cpuStat) : this.group?.path
    return path === undefined ? null : readGroupCpuMs(path)
  }

  private childrenUsage(): ChildrenUsage {
    if (this.begun === null || this.finished === null) return { ...NO_CHILDREN, count: this.tree.count }
    const { begun, finished } = this
    const between = (key: keyof Usage) => finished.children[key] - begun.children[key]
    const group = difference(begun.groupMs, finished.groupMs)
    const own = difference(begun.ownMs, finished.ownMs)
    // What came and went unseen: the kernel's group counts it, the clock of the trial process only in ticks.
    const unseen = group === null || own === null ? 0 : group - own - UNSEEN_MS
    const cpu_ms = Math.max(0, between('cpuMs'), unseen)
    return {
      count: Math.max(this.tree.count, cpu_ms > 0 ? 1 : 0),
      cpu_ms,
      read_mb: between('readBytes') / MIB,
      written_mb: between('writtenBytes') / MIB,
    }
  }

  private groupUsage(): GroupUsage {
    const waited = (key: keyof Waits) =>
      difference(this.begun?.waits?.[key] ?? null, this.finished?.waits?.[key] ?? null)
    const peak = this.group?.peakBytes() ?? null
    return {
      peak_mb: peak === null ? null : peak / MIB,
      cpu_wait_ms: waited('cpu'),
      memory_wait_ms: waited('memory'),
      io_wait_ms: waited('io'),
    }
  }

  private limitGroup(growthMb: number): MemoryCapInForce['backstop'] {
    try {
      this.group?.limitGrowth((growthMb + KERNEL_MB) * MIB)
      return this.groupMechanism
    } catch {
      return null
    }
  }

  /** The kernel sees what grows between two readings: its own count is what is left. */
  private noteGroupPeak(): void {
    const growth = this.group?.growthBytes() ?? null
    if (growth !== null && this.emptyMb !== null) this.note(this.emptyMb + growth / MIB - KERNEL_MB, 0)
  }

  private note(rss: number, programExcessMb: number): void {
    this.peakRssMb = Math.max(this.peakRssMb ?? 0, rss)
    if (this.emptyMb === null) return
    this.peakSinceEmptyMb = Math.max(this.peakSinceEmptyMb, rss)
    this.peakCountedMb = Math.max(this.peakCountedMb, rss - programExcessMb)
  }

  /** The kernel's own high-water mark sees what comes and goes between two readings. */
  private readPeak(): void {
    const now = this.resident?.read() ?? null
    const peak = this.emptyMb === null ? null : peakResidentMb(this.pid)
    if (now === null || peak === null) return
    this.program?.look()
    this.note(peak, this.program?.excessMb(now.sharedMb) ?? 0)
  }
}

/**
 * Pages of Node's own program, its file and its libraries, become resident as their code first runs: after the worker
 * stood empty up to 5.5 MB with Node 20 and 9 MB with Node 26. They are no memory of the workload, and what is more
 * than the allowance holds is not counted. A file or shared memory that is mapped later may be the workload's, and is.
 */
class ProgramPages {
  private readonly pid: number
  private readonly emptySharedMb: number
  private readonly emptyMappedMb: number
  private mappedSinceMb = 0
  /** Largest size that `lookFor` was asked about. */
  private knownMb = 0

  private constructor(pid: number, sharedMb: number, mappedMb: number) {
    this.pid = pid
    this.emptySharedMb = sharedMb
    this.emptyMappedMb = mappedMb
  }

  /** Null where they cannot be told from others. */
  static of(pid: number, sharedMb: number): ProgramPages | null {
    const mappedMb = mappedFilesMb(pid)
    return mappedMb === null ? null : new ProgramPages(pid, sharedMb, mappedMb)
  }

  /** Reads what else has been mapped, which takes a quarter of a ms. */
  look(): void {
    const mappedMb = mappedFilesMb(this.pid)
    if (mappedMb !== null) this.mappedSinceMb = Math.max(0, mappedMb - this.emptyMappedMb)
  }

  /** Reads it where pages of files or shared memory have come since. */
  lookFor(sharedMb: number): void {
    if (sharedMb <= this.knownMb) return
    this.knownMb = sharedMb
    this.look()
  }

  /** What has come beyond the allowance, MB, of so many pages of files and shared memory. */
  excessMb(sharedMb: number): number {
    const grownMb = sharedMb - this.emptySharedMb - this.mappedSinceMb
    return Math.max(0, grownMb - ALLOWED_PROGRAM_MB)
  }
}

interface TreeUsage {
  children: Usage
  groupMs: number | null
  ownMs: number | null
  waits: Waits | null
}

function difference(before: number | null, after: number | null): number | null {
  return before === null || after === null ? null : after - before
}

function openResident(pid: number): ResidentSize | null {
  try {
    return new ResidentSize(pid)
  } catch {
    return null
  }
}
