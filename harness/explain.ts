/** Turns an error into a message for a person. */
import { plain } from './format.ts'
import { RunStopped } from './session/events.ts'
import { FILE_ERRORS, UserError } from './user-error.ts'

export interface Explanation {
  /** One line or more, without characters that could steer a terminal. A stack only where the fault is Stint's own. */
  message: string
  /**
   * `input`: the user's words, files or folders are at fault, and nothing was run. `stopped`: a run began and could not
   * go on, what it measured is kept. `machine`: the disk failed or is full. `fault`: Stint's own.
   */
  kind: 'input' | 'stopped' | 'machine' | 'fault'
}

/** No fault of the user's words. */
const DISK_ERRORS = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO']

export function explain(error: unknown): Explanation {
  const { message, kind } = judge(error)
  // Names and words of data and workloads must not steer the terminal; the lines stay.
  return { message: message.split('\n').map(plain).join('\n'), kind }
}

function judge(error: unknown): Explanation {
  if (!(error instanceof Error)) return { message: String(error), kind: 'fault' }
  if (error instanceof UserError) return { message: error.message, kind: 'input' }
  if (error instanceof RunStopped) {
    // It says itself what is kept and what to do.
    if (error.cause instanceof UserError) return { message: error.cause.message, kind: 'stopped' }
    const message = `${fileErrorOf(error.cause) ?? error.message}\n  every trial that ended is kept; "stint resume ${error.folder}" runs the others`
    return { message, kind: 'stopped' }
  }
  const message = fileErrorOf(error)
  if (message === null)
    return { message: `stint itself failed: ${error.stack ?? error.message}`, kind: 'fault' }
  return { message, kind: DISK_ERRORS.includes(codeOf(error) ?? '') ? 'machine' : 'input' }
}

function fileErrorOf(error: unknown): string | null {
  const reason = FILE_ERRORS[codeOf(error) ?? '']
  const { path } = error as NodeJS.ErrnoException
  return reason === undefined || path === undefined ? null : `${path}: ${reason}`
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
}
