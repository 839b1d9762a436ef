/** A run could not go on. What it measured is kept and `stint resume` completes it. */
export class RunStopped extends Error {
  override name = 'RunStopped'
  readonly folder: string
  /** @param cause why it stopped */
  constructor(folder: string, cause: unknown) {
    super(`the run in ${folder} stopped: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
    this.folder = folder
  }
}
