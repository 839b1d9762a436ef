/** Removal of trials' temporary files, which the coordinator does, or the supervisor where that is dead. */
import { chmodSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Removes a folder and all in it, also where a workload has taken the rights to do so from its owner.
 * @throws where something of it stays
 */
export function removeTemporary(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch {
    openUp(folder)
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Links are not followed. */
function openUp(folder: string): void {
  chmodSync(folder, 0o700)
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) openUp(join(folder, entry.name))
}
