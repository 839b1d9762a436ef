/** CPU quota by cgroup version 2: `cpu.max` in a group below this process's own or one of its ancestors. */
import { dirname, join } from 'node:path'
import {
  type CgroupFiles,
  findMount,
  kernelFiles,
  ownGroup,
  quotaFor,
  removeStaleGroups,
} from './cgroup-files.ts'
import { capInGroup } from './cgroup-group.ts'
import type { ComputeCapper } from './mechanism.ts'

export interface CgroupV2Place {
  /** Where the hierarchy is mounted. */
  mount: string
  /** This process's group, relative to the mount. */
  own: string
}

/**
 * One capper a group that may hold limited children, nearest first. A group with processes of its own cannot pass
 * its controllers on (except the root), so that in a user's session the first to serve is often the slice above.
 * The cpu controller stays switched on for the children: switching it off would lift another run's caps.
 * @throws where version 2 is not mounted
 */
export async function* openCgroupV2(
  place: CgroupV2Place = ownPlace(),
  files: CgroupFiles = kernelFiles,
): AsyncGenerator<ComputeCapper> {
  for (const parent of upwards(place)) {
    if (!passesCpuOn(files, parent)) continue
    await removeStaleGroups(files, parent)
    yield {
      mechanism: 'cgroup_v2',
      apply(pid, units) {
        const { periodUs, quotaUs } = quotaFor(units)
        const limit: [string, string][] = [['cpu.max', `${quotaUs} ${periodUs}`]]
        return capInGroup({ files, parent, periodUs, limit, unlimited: ['cpu.max', `max ${periodUs}`] }, pid)
      },
    }
  }
}

function* upwards(place: CgroupV2Place): Generator<string> {
  for (let group = join('/', place.own); ; group = dirname(group)) {
    yield group === '/' ? place.mount : join(place.mount, group)
    if (group === '/') return
  }
}

/** Whether children of the group have the cpu controller, switched on now where that is permitted. */
function passesCpuOn(files: CgroupFiles, group: string): boolean {
  try {
    const has = (file: string) => files.read(join(group, file)).trim().split(/\s+/).includes('cpu')
    if (!has('cgroup.controllers')) return false
    if (!has('cgroup.subtree_control')) files.write(join(group, 'cgroup.subtree_control'), '+cpu')
    return has('cgroup.subtree_control')
  } catch {
    return false
  }
}

function ownPlace(): CgroupV2Place {
  const mount = findMount('cgroup2')
  if (mount === null) throw new Error('cgroup version 2 is not mounted')
  return { mount, own: ownGroup('') ?? '/' }
}
