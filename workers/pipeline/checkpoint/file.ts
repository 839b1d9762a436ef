/** A checkpoint file: all that a run needs to go on, written whole or not at all. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

const FORMAT = 3

export interface Checkpoint {
  /** What must be the same for the run that goes on, in names that a user knows. */
  made_with: Record<string, unknown>
  /** Data rows read. */
  rows: number
  /** The state of each part of the pipeline by name. */
  parts: Record<string, unknown>
}

/**
 * Replaces the file in one step: whatever happens, it holds either the old checkpoint or the new one.
 * @throws {Error} where it cannot be written
 */
export function writeCheckpoint(path: string, checkpoint: Checkpoint): void {
  const draft = `${path}.${process.pid}.part`
  try {
    const file = openSync(draft, 'w')
    try {
      writeSync(file, JSON.stringify({ stint_checkpoint: FORMAT, ...checkpoint }))
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(draft, path)
    syncFolder(dirname(path))
  } catch (error) {
    rmSync(draft, { force: true })
    throw new Error(`cannot write checkpoint ${path}: ${(error as Error).message}`, { cause: error })
  }
}

/** @throws {Error} where there is no such file, or it is no checkpoint that this version reads */
export function readCheckpoint(path: string): Checkpoint {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`cannot read checkpoint ${path}: ${(error as Error).message}`, { cause: error })
  }
  const content = parsed(text)
  const { stint_checkpoint: format, made_with, rows, parts } = content
  if (format === undefined || !isObject(made_with) || !isObject(parts) || typeof rows !== 'number') {
    throw new Error(`${path} is no checkpoint: expected a file that a run wrote as params.checkpoint_to`)
  }
  if (format !== FORMAT) {
    throw new Error(
      `${path} is a checkpoint of format ${String(format)}, and this version reads ${FORMAT}: start afresh`,
    )
  }
  return { made_with, rows, parts }
}

/**
 * @param mine as `made_with`, of the run that is to go on
 * @throws {Error} naming every setting that differs
 */
export function checkSame(path: string, checkpoint: Checkpoint, mine: Record<string, unknown>): void {
  const names = [...new Set([...Object.keys(checkpoint.made_with), ...Object.keys(mine)])]
  const differing = names.flatMap((name) => {
    const [then, now] = [JSON.stringify(checkpoint.made_with[name]), JSON.stringify(mine[name])]
    return then === now ? [] : [`${name} was ${then ?? 'absent'} and is ${now ?? 'absent'}`]
  })
  if (differing.length === 0) return
  throw new Error(
    `${path} is a checkpoint of another run: ${differing.join('; ')}. Set what differs back, or drop params.resume_from`,
  )
}

function parsed(text: string): Record<string, unknown> {
  try {
    const content: unknown = JSON.parse(text)
    return isObject(content) ? content : {}
  } catch {
    return {}
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** So that the new name survives a power cut; not every file system allows it. */
function syncFolder(path: string): void {
  let folder: number
  try {
    folder = openSync(path, 'r')
  } catch {
    return
  }
  try {
    fsyncSync(folder)
  } catch {
    // The rename itself is done.
  } finally {
    closeSync(folder)
  }
}
