/** The one command that would enable what is missing, where this machine has what it takes. */
import { existsSync, readFileSync } from 'node:fs'
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
      return existsSync('/sys/class/powercap/intel-rapl:0')
        ? 'sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj'
        : null
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
