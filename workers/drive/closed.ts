/** The closed loop: the next step starts when the last one ended, and always with a whole chunk. */
import type { Offer } from '../workload.ts'
import type { Driver } from './driver.ts'

export class ClosedLoop implements Driver {
  readonly waits = false
  private readonly offer: Offer
  private left: number

  /** @param steps at most; without, to the end of the data */
  constructor(chunkSize: number, steps = Number.POSITIVE_INFINITY) {
    this.offer = { rows: chunkSize, train: true }
    this.left = steps
  }

  next(): Offer | null {
    return this.left-- > 0 ? this.offer : null
  }
}
