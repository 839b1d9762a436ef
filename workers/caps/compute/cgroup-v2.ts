/** CPU quota by cgroup version 2: `cpu.max` in a group below this process's own or one of its ancestors. */
import {
  type CgroupFiles,
  type CgroupV2Place,
  kernelFiles,
  ownV2Place,
  passesOn,
  quotaFor,
  removeStaleGroups,
  upwards,
} from '../cgroup-files.ts'
import { capInGroup } from './cgroup-group.ts'
import type { ComputeCapper } from './mechanism.ts'

/**
 * One capper a group that may hold limited children, nearest first. A group with processes of its own cannot pass
 * its controllers on (except the root), so that in a user's session the first to serve is often the slice above.
 * The cpu controller stays switched on for the children: switching it off would lift another run's caps.
 * @throws where version 2 is not mounted
 */
export async function* openCgroupV2(
  place: CgroupV2Place = ownV2Place(),
  files: CgroupFiles = kernelFiles,
): AsyncGenerator<ComputeCapper> {
  for (const parent of upwards(place)) {
    if (!passesOn(files, parent, 'cpu')) continue
    await removeStaleGroups(files, parent)
    yield {
      mechanism: 'cgroup_v2',
      apply(pid, units, within) {
        const { periodUs, quotaUs } = quotaFor(units)
        const limit: [string, string][] = [['cpu.max', `${quotaUs} ${periodUs}`]]
        const unlimited: [string, string] = ['cpu.max', `max ${periodUs}`]
        return capInGroup({ files, parent, within, periodUs, limit, unlimited }, pid)
      },
    }
  }
}
