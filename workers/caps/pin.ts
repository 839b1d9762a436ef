/** Holds a process on one core. */
import { spawnSync } from 'node:child_process'

/**
 * Every thread of the process, and those that they start later, by util-linux's `taskset`.
 * @throws where the tool is missing or the core is not this machine's or this process's to use
 */
export function pinToCore(pid: number, core: number): void {
  const { error, status, stderr } = spawnSync('taskset', ['-a', '-c', '-p', String(core), String(pid)], {
    encoding: 'utf8',
  })
  if (error !== undefined) throw new Error(`taskset cannot be run (${error.message}); install util-linux`)
  if (status !== 0) throw new Error(`taskset: ${stderr.trim().split('\n').at(-1)}`)
}
