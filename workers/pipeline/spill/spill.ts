/** How many of the rows that wait may stay in memory, and where the others go. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { makeSpillFolder, removeDeadFolders } from './folder.ts'
import { type BlockShape, Segments } from './segments.ts'

const MIB = 1024 * 1024
/** Share of the memory cap for rows that wait; the rest is for the learner, the buffers and garbage. */
const RESIDENT_SHARE = 0.25

/** One run's spill: shared by all that keeps rows, so that their memory is bounded together. */
export class Spill {
  private readonly parent: string | undefined
  private readonly stores: Segments[] = []
  private folder: string | null = null
  private freeBytes: number

  /**
   * @param capMb the memory cap
   * @param parent of the folder to make; the system's temporary folder by default
   */
  constructor(capMb: number, parent?: string) {
    this.parent = parent
    this.freeBytes = capMb * MIB * RESIDENT_SHARE
    removeDeadFolders(parent)
  }

  /** Takes memory for a block that stays; false where it must go to disk. */
  claim(bytes: number): boolean {
    if (bytes > this.freeBytes) return false
    this.freeBytes -= bytes
    return true
  }

  /** A block that stayed was consumed. */
  release(bytes: number): void {
    this.freeBytes += bytes
  }

  segments(shape: BlockShape): Segments {
    this.folder ??= makeSpillFolder(this.parent)
    const segments = new Segments(join(this.folder, `store-${this.stores.length}`), shape)
    this.stores.push(segments)
    return segments
  }

  get blocks(): number {
    return this.stores.reduce((sum, { blocks }) => sum + blocks, 0)
  }

  get bytes(): number {
    return this.stores.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Removes every file; safe to call twice. */
  close(): void {
    for (const segments of this.stores) segments.close()
    if (this.folder !== null) rmSync(this.folder, { recursive: true, force: true })
    this.folder = null
  }
}
