import type { InputProblem } from '../workers/protocol/prepare.ts'

/** The user's words, files or folders are at fault, and the message says how to mend it. Exit code 2. */
export class UserError extends Error {
  override name = 'UserError'
  /** @param hint what to do next */
  constructor(message: string, hint?: string) {
    super(hint === undefined ? message : `${message}\n  ${hint}`)
  }
}

/** With file and line, where the message does not begin with them. */
export function userErrorFrom({ file, line, message, hint }: InputProblem): UserError {
  const place = [file, line].filter((part) => part !== undefined).join(':')
  return new UserError(place === '' || message.startsWith(place) ? message : `${place}: ${message}`, hint)
}

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
