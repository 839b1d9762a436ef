/** Whether a file that a parameter names may be replaced: a sweep from elsewhere must not cost its user a file. */
import { closeSync, lstatSync, openSync, readSync } from 'node:fs'

/**
 * @param start how every file begins that a run writes there
 * @throws {Error} where the path is taken by anything but such a file
 */
export function checkReplaceable(param: string, path: string, start: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return
  if (stat.isFile() && beginsWith(path, Buffer.from(start))) return
  throw new Error(
    `params.${param} names ${path}, which exists and is not what this parameter writes there: remove it, or name another file`,
  )
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
