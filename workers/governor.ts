/**
 * The governor: one process beside the coordinator and outside every cap. It polls the hosts' memory and deadlines,
 * holds their compute caps, and when the coordinator is gone kills the hosts and clears what they left.
 */
import { setPriority } from 'node:os'
import { chooseMemoryGrouper } from './caps/choose-memory.ts'
import { chooseComputeCapper } from './caps/compute/choose.ts'
import type { ComputeCapper } from './caps/compute/mechanism.ts'
import type { MemoryGrouper } from './caps/memory-group.ts'
import { pinToCore } from './caps/pin.ts'
import { WatchedHost } from './caps/watched-host.ts'
import {
  type Capabilities,
  type ComputeCapInForce,
  type ComputeMechanism,
  type GovernorReply,
  type GovernorRequest,
  GROUP_SIGNALS,
  type MemoryCapInForce,
  type TimeWindow,
} from './protocol.ts'
import { EnergyMeter } from './telemetry/energy.ts'
import { PerfEnergy } from './telemetry/perf-energy.ts'

/** A workload that touches new pages grows by up to 2 MB a ms: 6 MB in this time. A reading costs some 5 us. */
const POLL_MS = 3
const HIGH_PRIORITY = -10

const hosts = new Map<number, WatchedHost>()
let poll: NodeJS.Timeout | null = null
let capper: ComputeCapper | null = null
let grouper: MemoryGrouper | null = null
let perf: PerfEnergy | null = null

function reply(message: GovernorReply): void {
  // Undelivered replies need no care: the coordinator is gone, and `disconnect` follows.
  process.send?.(message, undefined, undefined, () => {})
}

function watch(request: Extract<GovernorRequest, { op: 'watch' }>): void {
  const host = new WatchedHost(request.pid, request.timeout_ms, request.temporary)
  hosts.set(request.pid, host)
  if (request.caps_memory && grouper !== null) host.enterGroup(grouper)
  if (request.caps_compute && capper !== null) host.enterComputeGroup(capper)
  poll ??= setInterval(() => {
    for (const host of hosts.values()) host.poll()
  }, POLL_MS)
}

function capMemory(request: Extract<GovernorRequest, { op: 'cap_memory' }>): MemoryCapInForce {
  const host = hosts.get(request.pid)
  if (host === undefined) return { allowance_mb: null, backstop: null, error: null }
  return host.capMemory(request.cap_mb, request.scope)
}

function capCompute({
  pid,
  units,
  core,
}: Extract<GovernorRequest, { op: 'cap_compute' }>): ComputeCapInForce {
  const none = { mechanism: 'none', period_ms: null, cpu_stat: null, pinned_core: null } as const
  const host = hosts.get(pid)
  if (host === undefined) return { ...none, error: 'the host is not watched' }
  try {
    if (core !== null) pinToCore(pid, core)
  } catch (error) {
    return { ...none, error: `pin_core ${core}: ${(error as Error).message}` }
  }
  const pinned = { ...none, pinned_core: core }
  if (units === null) return { ...pinned, error: null }
  if (capper === null) return { ...pinned, error: 'this machine permits no way to cap compute' }
  try {
    const cap = capper.apply(pid, units, host.quotaGroup(capper))
    host.capCompute(cap)
    const { mechanism } = capper
    return { mechanism, period_ms: cap.periodMs, cpu_stat: cap.cpuStat, pinned_core: core, error: null }
  } catch (error) {
    return { ...pinned, error: `${capper.mechanism}: ${(error as Error).message}` }
  }
}

async function unwatch(request: Extract<GovernorRequest, { op: 'unwatch' }>): Promise<void> {
  const host = hosts.get(request.pid)
  const unknown = {
    peak_rss_mb: null,
    peak_mb: null,
    peak_above_empty_mb: null,
    killed: null,
    throttled_ms: null,
  }
  const summary = host?.summary(request.window) ?? unknown
  hosts.delete(request.pid)
  if (hosts.size === 0 && poll !== null) {
    clearInterval(poll)
    poll = null
  }
  await clear(host)
  const perf_joules = await perfJoules(request.window)
  reply({ op: 'summary', id: request.id, summary: { ...summary, perf_joules } })
}

async function perfJoules(window: TimeWindow | null): Promise<number | null> {
  if (perf === null || window === null) return null
  await perf.catchUp()
  return perf.within(window)
}

async function clear(host: WatchedHost | undefined): Promise<void> {
  try {
    await host?.clear()
  } catch (error) {
    process.stderr.write(`stint: could not remove a cgroup: ${(error as Error).message}\n`)
  }
}

function handle(request: GovernorRequest): void {
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
    case 'release':
      hosts.get(request.pid)?.release()
      break
    case 'unwatch':
      void unwatch(request)
  }
}

/** The coordinator has closed its end, or is dead. */
async function leave(): Promise<void> {
  if (poll !== null) clearInterval(poll)
  for (const host of hosts.values()) host.kill(null)
  await Promise.all([...hosts.values()].map(clear))
  for (const host of hosts.values()) host.removeTemporary()
  perf?.stop()
  process.exit(0)
}

async function capabilities(): Promise<Capabilities> {
  const only = process.env['STINT_COMPUTE_MECHANISM'] as ComputeMechanism | undefined
  const choice = await chooseComputeCapper(only ?? null)
  capper = choice.capper
  const backstop = await chooseMemoryGrouper(
    process.env['STINT_MEMORY_BACKSTOP'] !== 'none',
    capper?.mechanism === 'cgroup_v2',
  )
  grouper = backstop.grouper
  // One source is enough, and the kernel's files cost nothing.
  const counts = new EnergyMeter().works
  if (!counts) perf = await PerfEnergy.start()
  const energy = counts ? 'rapl' : perf === null ? null : 'perf'
  const memory: Capabilities['memory'] = ['resource_limits', 'between_steps']
  if (process.platform === 'linux') memory.push('governor_rss')
  if (grouper !== null) memory.push(grouper.mechanism)
  const notes = [...choice.notes, ...backstop.notes]
  return { compute: capper?.mechanism ?? 'none', memory, energy, notes }
}

try {
  setPriority(HIGH_PRIORITY)
} catch {
  // Root alone may; without it a busy machine delays a kill by a few ms.
}
// Only the end of the pipe counts.
for (const signal of GROUP_SIGNALS) process.on(signal, () => {})
// A reader of stderr who goes away ends neither a run nor this.
process.stderr.on('error', () => {})
process.on('message', handle)
process.on('disconnect', () => void leave())
reply({ op: 'ready', capabilities: await capabilities() })
