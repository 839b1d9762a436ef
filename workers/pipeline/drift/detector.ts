/** What every drift detector can do. */

/** Everything that is needed to go on; plain numbers, so JSON keeps it bit by bit. */
export type DetectorState = { detector: string } & Record<string, unknown>

export interface DriftDetector {
  /** Takes the next value of the stream; true when the detector now holds that the stream has changed. */
  add(value: number): boolean
  toJSON(): DetectorState
}
