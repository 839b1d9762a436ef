/** The closed loop: the next step starts when the last one ended, and always with a whole chunk. */
import type { Offer } from '../workload.ts'
import type { Driver } from './driver.ts'

export class ClosedLoop implements Driver {
  private readonly offer: Offer

  constructor(chunkSize: number) {
    this.offer = { rows: chunkSize, train: true }
  }

  next(): Offer {
    return this.offer
  }
}
