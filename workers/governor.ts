/**
 * The governor: one process beside the coordinator and outside every cap. It polls the hosts' memory and deadlines,
 * holds their compute caps, and when the coordinator is gone kills the hosts and clears what they left.
 */
import { setPriority } from 'node:os'
import { chooseComputeCapper } from './caps/compute/choose.ts'
import type { ComputeCapper } from './caps/compute/mechanism.ts'
import { WatchedHost } from './caps/watched-host.ts'
import type {
  Capabilities,
  ComputeCapInForce,
  ComputeMechanism,
  GovernorReply,
  GovernorRequest,
} from './contract.ts'

/** A workload that touches new pages grows by up to 2 MB a ms: 10 MB in this time. */
const POLL_MS = 5
const HIGH_PRIORITY = -10

const hosts = new Map<number, WatchedHost>()
let poll: NodeJS.Timeout | null = null
let capper: ComputeCapper | null = null

function reply(message: GovernorReply): void {
  // Undelivered replies need no care: the coordinator is gone, and `disconnect` follows.
  process.send?.(message, undefined, undefined, () => {})
}

function watch(pid: number, timeoutMs: number | null, temporary: string | null): void {
  hosts.set(pid, new WatchedHost(pid, timeoutMs, temporary))
  poll ??= setInterval(() => {
    for (const host of hosts.values()) host.poll()
  }, POLL_MS)
}

function capCompute(pid: number, units: number): ComputeCapInForce {
  const none = { mechanism: 'none', period_ms: null, cpu_stat: null } as const
  const host = hosts.get(pid)
  if (capper === null) return { ...none, error: 'this machine permits no way to cap compute' }
  if (host === undefined) return { ...none, error: 'the host is not watched' }
  try {
    const cap = capper.apply(pid, units)
    host.capCompute(cap)
    return { mechanism: capper.mechanism, period_ms: cap.periodMs, cpu_stat: cap.cpuStat, error: null }
  } catch (error) {
    return { ...none, error: `${capper.mechanism}: ${(error as Error).message}` }
  }
}

async function unwatch(request: Extract<GovernorRequest, { op: 'unwatch' }>): Promise<void> {
  const host = hosts.get(request.pid)
  const unknown = { peak_rss_mb: null, peak_mb: null, killed: null, throttled_ms: null }
  const summary = host?.summary(request.window) ?? unknown
  hosts.delete(request.pid)
  if (hosts.size === 0 && poll !== null) {
    clearInterval(poll)
    poll = null
  }
  await clear(host)
  reply({ op: 'summary', id: request.id, summary })
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
      watch(request.pid, request.timeout_ms, request.temporary)
      break
    case 'cap_memory': {
      const allowance_mb = hosts.get(request.pid)?.capMemory(request.cap_mb) ?? null
      reply({ op: 'memory_capped', id: request.id, allowance_mb })
      break
    }
    case 'cap_compute':
      reply({ op: 'compute_capped', id: request.id, ...capCompute(request.pid, request.units) })
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
  process.exit(0)
}

async function capabilities(): Promise<Capabilities> {
  const only = process.env['STINT_COMPUTE_MECHANISM'] as ComputeMechanism | undefined
  const choice = await chooseComputeCapper(only ?? null)
  capper = choice.capper
  const memory: Capabilities['memory'] = ['resource_limits', 'between_steps']
  if (process.platform === 'linux') memory.push('governor_rss')
  return { compute: capper?.mechanism ?? 'none', memory, notes: choice.notes }
}

try {
  setPriority(HIGH_PRIORITY)
} catch {
  // Root alone may; without it a busy machine delays a kill by a few ms.
}
// Ctrl-C and a closing terminal reach every process of the group: the end of the pipe alone counts.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.on('message', handle)
process.on('disconnect', () => void leave())
reply({ op: 'ready', capabilities: await capabilities() })
