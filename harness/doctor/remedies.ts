/** The one command that would enable what is missing, where this machine has what it takes. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { PerfLack } from '../../workers/protocol/supervisor.ts'
import type { ComputeMechanism } from '../../workers/protocol/trial-result.ts'

/** What came of trying something. */
export interface Finding {
  /** Null where it was not measured, as on a machine that is too slow or too busy: neither yes nor no. */
  able: boolean | null
  /** What happened. */
  found: string
}

export type Missing = ComputeMechanism | 'memory_group' | 'rapl' | 'perf' | 'taskset'

const RUN = 'npx stint run SWEEP.yaml'
const PERF_EVENT = '/sys/bus/event_source/devices/power/events/energy-pkg'

/** Null where nothing that a user can type would help. */
export function remedyFor(missing: Missing): string | null {
  switch (missing) {
    case 'cgroup_v2':
      return delegable('cpu')
    case 'cgroup_v1':
      return existsSync('/sys/fs/cgroup/cpu') ? asRoot(RUN) : null
    case 'memory_group':
      return delegable('memory') ?? (existsSync('/sys/fs/cgroup/memory') ? asRoot(RUN) : null)
    case 'rapl':
      return raplPackages().length > 0 ? `sudo chmod a+r ${powercapRoot()}/intel-rapl:*/energy_uj` : null
    case 'perf': {
      if (!existsSync(PERF_EVENT)) return null
      return onPath('perf') ? 'sudo sysctl kernel.perf_event_paranoid=0' : debianPackage('linux-perf')
    }
    case 'taskset':
      return onPath('taskset') ? null : debianPackage('util-linux')
    default:
      return null
  }
}

/** Why the kernel's counters give no energy, where they do not: one package less would be a smaller energy. */
export function raplLacks(): string {
  const packages = raplPackages()
  if (packages.length === 0) return 'no package counter can be read here; many virtual machines have none'
  const lacking = (file: string) => packages.filter((domain) => !/^\d+$/.test(textOf(domain, file)))
  const unreadable = lacking('energy_uj')
  if (unreadable.length === packages.length)
    return `none of ${packages.length} package counters can be read by this user: ${unreadable.join(', ')}`
  if (unreadable.length === 0)
    return `package counters whose range cannot be read (max_energy_range_uj): ${lacking('max_energy_range_uj').join(', ')}`
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

/** Why perf gives no energy, where it does not. @param lack as the supervisor found it */
export function perfLacks(lack: PerfLack | null): Finding {
  if (!existsSync(PERF_EVENT)) {
    const found = 'this machine has no event power/energy-pkg/; many virtual machines have none'
    return { able: false, found }
  }
  if (lack?.late === true) return { able: null, found: lack.why }
  if (!onPath('perf')) return { able: false, found: 'perf is not installed' }
  return { able: false, found: 'reading power/energy-pkg/ is not permitted' }
}

/** Groups of version 2 of one's own, where it has the controller at all: a scope was asked of systemd, in vain. */
function delegable(controller: string): string | null {
  try {
    const controllers = readFileSync('/sys/fs/cgroup/cgroup.controllers', 'latin1').trim().split(' ')
    if (!controllers.includes(controller)) return null
  } catch {
    return null
  }
  // Root can write no more there than anyone else.
  if (groupsAreReadOnly()) return null
  const runtime = `/run/user/${process.getuid?.()}`
  if (process.env['XDG_RUNTIME_DIR'] === undefined && existsSync(join(runtime, 'bus')))
    return `XDG_RUNTIME_DIR=${runtime} ${RUN}`
  return asRoot(RUN)
}

/** As in most containers. */
function groupsAreReadOnly(): boolean {
  try {
    const mounts = readFileSync('/proc/self/mountinfo', 'latin1').split('\n')
    const groups = mounts.filter((line) => / - cgroup2? /.test(line)).map((line) => line.split(' ')[5] ?? '')
    return groups.length > 0 && groups.every((options) => options.split(',').includes('ro'))
  } catch {
    return false
  }
}

/** Null for root, who has tried it already. */
function asRoot(command: string): string | null {
  return isRoot() || !onPath('sudo') ? null : `sudo ${command}`
}

/** Null on other systems, whose names for it were not tried. */
function debianPackage(name: string): string | null {
  try {
    const debian = /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'))
    return debian ? `sudo apt-get install ${name}` : null
  } catch {
    return null
  }
}

function onPath(tool: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, tool)))
}

function isRoot(): boolean {
  return process.getuid?.() === 0
}
