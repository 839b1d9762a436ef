/** CPU quota by cgroup version 1: `cpu.cfs_quota_us` in a group below this process's own. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  type CgroupFiles,
  enterGroup,
  findMount,
  kernelFiles,
  ownGroup,
  quotaFor,
  removeStaleGroups,
} from '../cgroup-files.ts'
import { capInGroup } from './cgroup-group.ts'
import type { ComputeCapper } from './mechanism.ts'

/**
 * @param parent the group to make groups in; by default this process's own, or the mount's root where a container hides it
 * @throws where no cpu controller of version 1 is mounted
 */
export async function openCgroupV1(
  parent = ownParent(),
  files: CgroupFiles = kernelFiles,
): Promise<ComputeCapper> {
  await removeStaleGroups(files, parent)
  return {
    mechanism: 'cgroup_v1',
    enter: (pid) => enterGroup(files, parent, pid),
    apply(pid, units, within) {
      const { periodUs, quotaUs } = quotaFor(units)
      const limit: [string, string][] = [
        ['cpu.cfs_period_us', String(periodUs)],
        ['cpu.cfs_quota_us', String(quotaUs)],
      ]
      const unlimited: [string, string] = ['cpu.cfs_quota_us', '-1']
      return capInGroup({ files, parent, within, periodUs, limit, unlimited }, pid)
    },
  }
}

function ownParent(): string {
  const mount = findMount('cgroup', 'cpu')
  if (mount === null) throw new Error('no cpu controller of cgroup version 1 is mounted')
  const own = join(mount, ownGroup('cpu') ?? '/')
  return existsSync(own) ? own : mount
}
