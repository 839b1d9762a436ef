/** Exit codes, and what Node's codes for files mean. Loaded by every command, so it loads nothing. */

export const EXIT = {
  ok: 0,
  /** A gate has proven a regression. */
  regression: 1,
  /** Bad usage or bad input; nothing was run. */
  usage: 2,
  /** A gate could neither prove a regression nor rule it out. */
  undecided: 3,
  /** Some trial `failed`, or the harness did. */
  failed: 4,
  /** By Ctrl-C; what was measured is kept. */
  interrupted: 130,
} as const

/** Node's codes for input and output that failed for a reason that the user can mend. */
export const FILE_ERRORS: Record<string, string> = {
  EACCES: 'no permission',
  ENOENT: 'no such file or folder',
  ENOSPC: 'the disk is full; free some space',
  EDQUOT: 'your share of the disk is used up; free some space',
  EFBIG: 'the file may not grow any further',
  EIO: 'the disk reports an error',
  ENOTDIR: 'a part of the path is a file',
  EISDIR: 'is a folder',
  EROFS: 'the file system is read-only',
}
