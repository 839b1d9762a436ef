/** The folder of one run's spilled rows. Its name says whose it is, so that what a killed run left can be removed. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Process id, and the ticks from boot to its start, since ids are used again. 0: the system does not tell. */
const FOLDER = /^stint-spill-(\d+)-(\d+)-[A-Za-z0-9]+$/

export function makeSpillFolder(parent: string = tmpdir()): string {
  return mkdtempSync(join(parent, `stint-spill-${process.pid}-${startOf(process.pid) ?? 0}-`))
}

/** Removes the folders in `parent` whose process is gone; how many there were. */
export function removeDeadFolders(parent: string = tmpdir()): number {
  let removed = 0
  for (const name of readdirSync(parent)) {
    const [, pid, started] = FOLDER.exec(name) ?? []
    if (pid === undefined || isAlive(Number(pid), started!)) continue
    try {
      rmSync(join(parent, name), { recursive: true, force: true })
      removed += 1
    } catch {
      // Another user's: theirs to remove.
    }
  }
  return removed
}

function isAlive(pid: number, started: string): boolean {
  const now = startOf(pid)
  if (now !== null) return started === '0' || now === started
  try {
    process.kill(pid, 0)
    return started === '0'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' && started === '0'
  }
}

/** Ticks from boot to the start of a process; null where there is none, or no /proc. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the program's name, which may hold spaces and brackets.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}
