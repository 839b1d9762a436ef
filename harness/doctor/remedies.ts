/** The one command that would enable what is missing, where this machine has what it takes. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { ComputeMechanism } from '../../workers/protocol.ts'

export type Missing = ComputeMechanism | 'memory_group' | 'rapl' | 'perf' | 'taskset'

const RUN = 'npx stint run SWEEP.yaml'
const PERF_EVENT = '/sys/bus/event_source/devices/power/events/energy-pkg'

/** Null where nothing that a user can type would help. */
export function remedyFor(missing: Missing): string | null {
  switch (missing) {
    case 'cgroup_v2':
      return delegable('cpu')
    case 'cgroup_v1':
      return !isRoot() && existsSync('/sys/fs/cgroup/cpu') ? `sudo ${RUN}` : null
    case 'memory_group':
      return delegable('memory') ?? (!isRoot() && existsSync('/sys/fs/cgroup/memory') ? `sudo ${RUN}` : null)
    case 'rapl':
      return raplPackages().length > 0 ? `sudo chmod a+r ${powercapRoot()}/intel-rapl:*/energy_uj` : null
    case 'perf': {
      if (!existsSync(PERF_EVENT)) return null
      return onPath('perf') ? 'sudo sysctl kernel.perf_event_paranoid=0' : 'sudo apt-get install linux-perf'
    }
    case 'taskset':
      return onPath('taskset') ? null : 'sudo apt-get install util-linux'
    default:
      return null
  }
}

/** Why the kernel's counters give no energy, where they do not: one package less would be a smaller energy. */
export function raplLacks(): string {
  const packages = raplPackages()
  const unreadable = packages.filter((domain) => !/^\d+$/.test(textOf(domain, 'energy_uj')))
  if (unreadable.length === 0 || unreadable.length === packages.length)
    return 'no package counter can be read here; many virtual machines have none'
  return `${packages.length - unreadable.length} of ${packages.length} package counters can be read, and energy needs them all: not ${unreadable.join(', ')}`
}

function powercapRoot(): string {
  return process.env['STINT_POWERCAP_ROOT'] ?? '/sys/class/powercap'
}

function raplPackages(): string[] {
  try {
    const domains = readdirSync(powercapRoot()).filter((name) => /^intel-rapl:\d+$/.test(name))
    return domains.filter((domain) => textOf(domain, 'name').startsWith('package')).sort()
  } catch {
    return []
  }
}

/** '' where it cannot be read. */
function textOf(domain: string, file: string): string {
  try {
    return readFileSync(join(powercapRoot(), domain, file), 'latin1').trim()
  } catch {
    return ''
  }
}

/** Why perf gives no energy, where it does not. */
export function perfLacks(): string {
  if (!existsSync(PERF_EVENT))
    return 'this machine has no event power/energy-pkg/; many virtual machines have none'
  return onPath('perf') ? 'reading power/energy-pkg/ is not permitted' : 'perf is not installed'
}

/** Groups of version 2 of one's own, where it has the controller at all: a scope was asked of systemd, in vain. */
function delegable(controller: string): string | null {
  try {
    const controllers = readFileSync('/sys/fs/cgroup/cgroup.controllers', 'latin1').trim().split(' ')
    if (!controllers.includes(controller)) return null
  } catch {
    return null
  }
  const runtime = `/run/user/${process.getuid?.()}`
  if (process.env['XDG_RUNTIME_DIR'] === undefined && existsSync(join(runtime, 'bus')))
    return `XDG_RUNTIME_DIR=${runtime} ${RUN}`
  return isRoot() ? null : `sudo ${RUN}`
}

function onPath(tool: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, tool)))
}

function isRoot(): boolean {
  return process.getuid?.() === 0
}
