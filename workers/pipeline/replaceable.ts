/** Whether a file that a parameter names may be replaced: a sweep from elsewhere must not cost its user a file. */
import { accessSync, closeSync, constants, lstatSync, openSync, readSync } from 'node:fs'
import { dirname } from 'node:path'

/** An error whose parameter the coordinator finds in the sweep. */
export function atParam(param: string, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { param })
}

/**
 * @param start how every file begins that a run writes there; null where any file may be replaced
 * @throws {Error} where the path is taken by anything but such a file, or its folder cannot be written
 */
export function checkReplaceable(param: string, path: string, start: string | null): void {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined) {
    checkFolder(param, path)
    return
  }
  if (stat.isFile() && (start === null || beginsWith(path, Buffer.from(start)))) return
  throw atParam(
    param,
    `params.${param} names ${path}, which exists and is not what this parameter writes there: remove it, name another file, or say --overwrite`,
  )
}

function checkFolder(param: string, path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK)
  } catch (error) {
    throw atParam(param, `params.${param} cannot be written: ${(error as Error).message}`, error)
  }
}

function beginsWith(path: string, start: Buffer): boolean {
  const file = openSync(path, 'r')
  try {
    const found = Buffer.alloc(start.length)
    return readSync(file, found, 0, start.length, 0) === start.length && found.equals(start)
  } finally {
    closeSync(file)
  }
}
