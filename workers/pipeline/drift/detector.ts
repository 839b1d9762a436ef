/** What every drift detector can do. */

/** Everything that is needed to go on; plain numbers, so JSON keeps it bit by bit. */
export type DetectorState = { detector: string } & Record<string, unknown>

export interface DriftDetector {
  /** Takes the next value of the stream; true when the detector now holds that the stream has changed. */
  add(value: number): boolean
  toJSON(): DetectorState
}

/** A detector that is fed every row, and so takes many values at a time. */
export interface BulkDetector extends DriftDetector {
  /**
   * Takes values `from` to `to`, the same as one at a time, up to the first at which it holds that the stream has changed.
   * @returns the place of that value, the last that was taken; -1 where there is none
   */
  addMany(values: Float64Array, from: number, to: number): number
}
