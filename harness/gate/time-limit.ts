/** When a gate must have ended, from the first thing that it does to the last. */

/** What follows on measuring takes about this share of what came before it, on a busy machine as on an idle one. */
const ENDING_SHARE = 0.25
/** Of the limit, at the most for that. */
const MOST_ENDING = 0.2

export class TimeLimit {
  private readonly now: () => number
  private readonly limitMs: number
  private readonly began: number
  /** Time of others' work. */
  private onTopMs = 0

  /**
   * @param limitMs from `began` on
   * @param now a clock that never jumps, ms
   */
  constructor(limitMs: number, now: () => number = () => performance.now(), began = now()) {
    this.limitMs = limitMs
    this.now = now
    this.began = began
  }

  /** Does what is not the gate's own, such as a build of the user's: its time comes on top of the limit. */
  async onTop<T>(work: () => Promise<T>): Promise<T> {
    const before = this.now()
    try {
      return await work()
    } finally {
      this.onTopMs += this.now() - before
    }
  }

  /** Ms until all must have ended. */
  leftMs(): number {
    return this.limitMs - this.spentMs()
  }

  /** Ms for measuring, where it starts now: the rest is for what follows. */
  forMeasuringMs(): number {
    return this.leftMs() - Math.min(ENDING_SHARE * this.spentMs(), MOST_ENDING * this.limitMs)
  }

  private spentMs(): number {
    return this.now() - this.began - this.onTopMs
  }
}
