/**
 * The supervisor: one process beside the coordinator and outside every cap. It polls the trial processes' memory and deadlines,
 * holds their compute caps, and when the coordinator is gone kills the trial processes and clears what they left.
 */

import { spawnSync } from 'node:child_process'
import { setPriority } from 'node:os'
import { chooseMechanisms } from './caps/choose.ts'
import type { ComputeCapper } from './caps/compute-group.ts'
import { readOwnLimits } from './caps/limits.ts'
import type { MemoryGrouper } from './caps/memory-group.ts'
import { WatchedProcess } from './caps/watched-process.ts'
import { plain } from './data/plain-text.ts'
import {
  type Capabilities,
  type ComputeCapInForce,
  type MemoryCapInForce,
  NO_CHILDREN,
  NO_GROUP_USAGE,
  type SupervisorReply,
  type SupervisorRequest,
  type TimeWindow,
} from './protocol/supervisor.ts'
import { removeTemporary } from './protocol/temporary.ts'
import { GROUP_SIGNALS } from './protocol/trial-process.ts'
import type { ComputeMechanism } from './protocol/trial-result.ts'
import { EnergyMeter } from './telemetry/energy.ts'
import { PerfEnergy } from './telemetry/perf-energy.ts'

/** A workload that touches new pages grows by up to 2 MB a ms: 6 MB in this time. A reading costs some 5 us. */
const POLL_MS = 3
const HIGH_PRIORITY = -10

/** The coordinator's folder for all trials' temporary files. */
const temporary = process.argv[2]
// What it starts does not clear up.
delete process.env['STINT_CLEARS']

const watched = new Map<number, WatchedProcess>()
let poll: NodeJS.Timeout | null = null
let capper: ComputeCapper | null = null
let grouper: MemoryGrouper | null = null
let perf: PerfEnergy | null = null
/** Undoes what was done to make place for the trials' groups. */
let leavePlace: () => Promise<void> = async () => {}

function reply(message: SupervisorReply): void {
  // Undelivered replies need no care: the coordinator is gone, and `disconnect` follows.
  process.send?.(message, undefined, undefined, () => {})
}

function watch(request: Extract<SupervisorRequest, { op: 'watch' }>): void {
  const child = new WatchedProcess(request.pid, request.timeout_ms, request.temporary, request.starts_empty)
  watched.set(request.pid, child)
  // A group of version 2 also counts and ends whatever the trial starts, and costs nothing.
  if (grouper !== null && (request.caps_memory || grouper.mechanism === 'cgroup_v2'))
    child.enterGroup(grouper)
  if (request.caps_compute && capper !== null) child.enterComputeGroup(capper)
  poll ??= setInterval(() => {
    for (const child of watched.values()) child.poll()
  }, POLL_MS)
}

function capMemory(request: Extract<SupervisorRequest, { op: 'cap_memory' }>): MemoryCapInForce {
  const child = watched.get(request.pid)
  if (child === undefined) return { allowance_mb: null, backstop: null, error: null }
  return child.capMemory(request.cap_mb, request.scope)
}

function capCompute({
  pid,
  units,
  core,
}: Extract<SupervisorRequest, { op: 'cap_compute' }>): ComputeCapInForce {
  const none = { mechanism: 'none', period_ms: null, cpu_stat: null, pinned_core: null } as const
  const child = watched.get(pid)
  if (child === undefined) return { ...none, error: 'the trial process is not watched' }
  try {
    if (core !== null) pinToCore(pid, core)
  } catch (error) {
    return { ...none, error: `pin_core ${core}: ${(error as Error).message}` }
  }
  const pinned = { ...none, pinned_core: core }
  if (units === null) return { ...pinned, error: null }
  if (capper === null) return { ...pinned, error: 'this machine permits no way to cap compute' }
  try {
    const cap = capper.apply(pid, units, child.quotaGroup(capper))
    child.capCompute(cap)
    const { mechanism } = capper
    return { mechanism, period_ms: cap.periodMs, cpu_stat: cap.cpuStat, pinned_core: core, error: null }
  } catch (error) {
    return { ...pinned, error: `${capper.mechanism}: ${(error as Error).message}` }
  }
}

async function unwatch(request: Extract<SupervisorRequest, { op: 'unwatch' }>): Promise<void> {
  const child = watched.get(request.pid)
  const unknown = {
    peak_rss_mb: null,
    peak_mb: null,
    peak_above_idle_mb: null,
    killed: null,
    throttled_ms: null,
    children: NO_CHILDREN,
    group: NO_GROUP_USAGE,
  }
  const summary = child?.summary(request.window) ?? unknown
  watched.delete(request.pid)
  if (watched.size === 0 && poll !== null) {
    clearInterval(poll)
    poll = null
  }
  await clear(child)
  const perf_joules = await perfJoules(request.window)
  reply({ op: 'summary', id: request.id, summary: { ...summary, perf_joules } })
}

async function perfJoules(window: TimeWindow | null): Promise<number | null> {
  if (perf === null || window === null) return null
  await perf.catchUp()
  return perf.within(window)
}

function clear(child: WatchedProcess | undefined): Promise<void> {
  return attempt('remove a cgroup', () => child?.clear())
}

/** What fails is said, and keeps nothing else from being done. */
async function attempt(what: string, act: () => unknown): Promise<void> {
  try {
    await act()
  } catch (error) {
    process.stderr.write(`stint: could not ${what}: ${plain((error as Error).message)}\n`)
  }
}

function handle(request: SupervisorRequest): void {
  switch (request.op) {
    case 'watch':
      watch(request)
      break
    case 'cap_memory':
      reply({ op: 'memory_capped', id: request.id, ...capMemory(request) })
      break
    case 'cap_compute':
      reply({ op: 'compute_capped', id: request.id, ...capCompute(request) })
      break
    case 'assign':
      watched.get(request.pid)?.assign(request.timeout_ms)
      break
    case 'begin':
      watched.get(request.pid)?.begin()
      break
    case 'release':
      watched.get(request.pid)?.release()
      break
    case 'unwatch':
      void unwatch(request)
  }
}

/** The coordinator has closed its end, or is dead. */
async function leave(): Promise<void> {
  if (poll !== null) clearInterval(poll)
  const children = [...watched.values()]
  for (const child of children) await attempt('end a trial', () => child.kill(null))
  await Promise.all(children.map(clear))
  if (temporary !== undefined) await attempt('remove temporary files', () => removeTemporary(temporary))
  await attempt('end perf', () => perf?.stop())
  await attempt('leave a cgroup', leavePlace)
  process.exit(0)
}

async function capabilities(): Promise<Capabilities> {
  const choice = await chooseMechanisms({
    only: (process.env['STINT_COMPUTE_MECHANISM'] as ComputeMechanism | undefined) ?? null,
    memoryGroup: process.env['STINT_MEMORY_BACKSTOP'] !== 'none',
  })
  capper = choice.capper
  grouper = choice.grouper
  leavePlace = choice.leave
  // One source is enough, and the kernel's files cost nothing.
  const counts = new EnergyMeter().works
  const started = counts ? null : await PerfEnergy.start()
  if (started instanceof PerfEnergy) perf = started
  const perf_lacks = started === null || started instanceof PerfEnergy ? null : started
  const energy = counts ? 'rapl' : perf === null ? null : 'perf'
  const memory: Capabilities['memory'] = ['resource_limits', 'between_steps']
  if (process.platform === 'linux') memory.push('supervisor_rss')
  if (grouper !== null) memory.push(grouper.mechanism)
  const { notes } = choice
  const compute = capper?.mechanism ?? 'none'
  return { compute, memory, energy, perf_lacks, limits: readOwnLimits(), notes }
}

/**
 * Holds a process on one core: every thread, and those that they start later, by util-linux's `taskset`.
 * @throws where the tool is missing or the core is not this machine's or this process's to use
 */
function pinToCore(pid: number, core: number): void {
  const { error, status, stderr } = spawnSync('taskset', ['-a', '-c', '-p', String(core), String(pid)], {
    encoding: 'utf8',
  })
  if (error !== undefined) throw new Error(`taskset cannot be run (${error.message}); install util-linux`)
  if (status !== 0) throw new Error(`taskset: ${stderr.trim().split('\n').at(-1)}`)
}

try {
  setPriority(HIGH_PRIORITY)
} catch {
  // Only root may; without it a busy machine delays a kill by a few ms.
}
// Only the end of the pipe counts.
for (const signal of GROUP_SIGNALS) process.on(signal, () => {})
// A reader of stderr who goes away ends neither a run nor this.
process.stderr.on('error', () => {})
process.on('message', handle)
process.on('disconnect', () => void leave())
reply({ op: 'ready', capabilities: await capabilities() })
