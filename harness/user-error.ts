/** The user's words, files or folders are at fault, and the message says how to mend it. Exit code 2. */
export class UserError extends Error {
  override name = 'UserError'
  /** @param hint what to do next */
  constructor(message: string, hint?: string) {
    super(hint === undefined ? message : `${message}\n  ${hint}`)
  }
}
