/** A cap held by one cgroup, whatever its version. */
import { join } from 'node:path'
import { type CgroupFiles, newGroupName, removeGroup } from '../cgroup-files.ts'
import type { ComputeCap } from './mechanism.ts'

export interface GroupSettings {
  files: CgroupFiles
  parent: string
  /** A group that holds the process already, to be limited instead of one of its own; its owner removes it. */
  within: string | null
  periodUs: number
  /** Control file and text, in the order in which they are written. */
  limit: [file: string, text: string][]
  unlimited: [file: string, text: string]
}

/** Makes a group, limits it, and moves the process in; nothing stays behind where one of these fails. */
export function capInGroup(settings: GroupSettings, pid: number): ComputeCap {
  const { files, parent, within, periodUs, limit, unlimited } = settings
  const group = within ?? join(parent, newGroupName())
  if (within === null) files.makeGroup(group)
  try {
    for (const [file, text] of limit) files.write(join(group, file), text)
    if (within === null) files.write(join(group, 'cgroup.procs'), String(pid))
  } catch (error) {
    if (within === null) files.removeGroup(group)
    throw error
  }
  return {
    periodMs: periodUs / 1000,
    cpuStat: join(group, 'cpu.stat'),
    throttledMs: () => null,
    release() {
      try {
        files.write(join(group, unlimited[0]), unlimited[1])
      } catch {
        // The process is about to be killed, which a quota does not stop.
      }
    },
    remove: async () => {
      if (within === null) await removeGroup(files, group)
    },
  }
}
