/** The one command that would enable what is missing, where this machine has what it takes. */
import { existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { ComputeMechanism } from '../../workers/protocol.ts'

export type Missing = ComputeMechanism | 'memory_group' | 'rapl' | 'perf' | 'taskset'

const RUN = 'npx stint run SWEEP.yaml'

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
      if (!existsSync('/sys/bus/event_source/devices/power/events/energy-pkg')) return null
      return onPath('perf') ? 'sudo sysctl kernel.perf_event_paranoid=0' : 'sudo apt-get install linux-perf'
    }
    case 'taskset':
      return onPath('taskset') ? null : 'sudo apt-get install util-linux'
    default:
      return null
  }
}

/** A scope of one's own, where version 2 has the controller at all. */
function delegable(controller: string): string | null {
  try {
    const controllers = readFileSync('/sys/fs/cgroup/cgroup.controllers', 'latin1').trim().split(' ')
    if (!controllers.includes(controller)) return null
  } catch {
    return null
  }
  return onPath('systemd-run') ? `systemd-run --user --scope -p Delegate=yes ${RUN}` : null
}

function onPath(tool: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, tool)))
}

function isRoot(): boolean {
  return process.getuid?.() === 0
}
