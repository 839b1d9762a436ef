/** The one place that turns an error into a message for a person and an exit code. */
import type { InputProblem } from '../../workers/protocol.ts'
import { plain } from '../report/words.ts'
import { RunStopped } from '../session/events.ts'
import { SweepError } from '../sweep/problems.ts'
import { UserError } from '../user-error.ts'
import { EXIT, FILE_ERRORS } from './exit.ts'

export function userErrorFrom(problem: InputProblem): UserError {
  const place = [problem.file, problem.line].filter((part) => part !== undefined).join(':')
  const told =
    place === '' || problem.message.startsWith(place) ? problem.message : `${place}: ${problem.message}`
  return new UserError(told, problem.hint)
}

/** No fault of the user's words. */
const DISK_ERRORS = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO']

export interface Complaint {
  message: string
  code: number
}

/** What to print and which exit code to end with. A stack is shown for nothing but a fault of our own. */
export function complaintOf(error: unknown): Complaint {
  const { message, code } = judge(error)
  return { message: printable(message), code }
}

function judge(error: unknown): Complaint {
  if (!(error instanceof Error)) return { message: String(error), code: EXIT.failed }
  if (error instanceof UserError || error instanceof SweepError)
    return { message: error.message, code: EXIT.usage }
  if (error instanceof RunStopped) {
    // It says itself what is kept and what to do.
    if (error.cause instanceof UserError) return { message: error.cause.message, code: EXIT.failed }
    const message = `${fileErrorOf(error.cause) ?? error.message}\n  every trial that ended is kept; "stint resume ${error.folder}" runs the others`
    return { message, code: EXIT.failed }
  }
  const told = fileErrorOf(error)
  if (told === null)
    return { message: `stint itself failed: ${error.stack ?? error.message}`, code: EXIT.failed }
  return { message: told, code: DISK_ERRORS.includes(codeOf(error) ?? '') ? EXIT.failed : EXIT.usage }
}

function fileErrorOf(error: unknown): string | null {
  const reason = FILE_ERRORS[codeOf(error) ?? '']
  const { path } = error as NodeJS.ErrnoException
  return reason === undefined || path === undefined ? null : `${path}: ${reason}`
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
}

/** Names and words of data and workloads must not steer the terminal; the lines stay. */
function printable(text: string): string {
  return text.split('\n').map(plain).join('\n')
}
