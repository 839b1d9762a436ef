/** Exit codes and the one place that turns an error into a message for a person. */
import type { InputProblem } from '../../workers/contract.ts'
import { SweepError } from '../sweep/problems.ts'
import { UserError } from '../user-error.ts'

export const EXIT = {
  ok: 0,
  /** Bad usage or bad input; nothing was run. */
  usage: 2,
  /** Some trial `failed`, or the harness did. */
  failed: 4,
  /** By Ctrl-C; what was measured is kept. */
  interrupted: 130,
} as const

export function userErrorFrom(problem: InputProblem): UserError {
  const place = [problem.file, problem.line].filter((part) => part !== undefined).join(':')
  const told =
    place === '' || problem.message.startsWith(place) ? problem.message : `${place}: ${problem.message}`
  return new UserError(told, problem.hint)
}

/** Node's codes for input and output that failed for a reason that the user can mend. */
const FILE_ERRORS: Record<string, string> = {
  EACCES: 'no permission',
  ENOENT: 'no such file or folder',
  ENOSPC: 'the disk is full; free some space and run it again',
  ENOTDIR: 'a part of the path is a file',
  EISDIR: 'is a folder',
  EROFS: 'the file system is read-only',
}

export interface Complaint {
  message: string
  code: number
}

/** What to print and which exit code to end with. A stack is shown for nothing but a fault of our own. */
export function complaintOf(error: unknown): Complaint {
  if (!(error instanceof Error)) return { message: String(error), code: EXIT.failed }
  if (error instanceof UserError || error instanceof SweepError)
    return { message: error.message, code: EXIT.usage }
  const { code, path } = error as NodeJS.ErrnoException
  const reason = code === undefined ? undefined : FILE_ERRORS[code]
  if (reason !== undefined && path !== undefined) {
    return { message: `${path}: ${reason}`, code: code === 'ENOSPC' ? EXIT.failed : EXIT.usage }
  }
  return { message: `stint itself failed: ${error.stack ?? error.message}`, code: EXIT.failed }
}
