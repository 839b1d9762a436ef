/** Who goes first: drawn at random, and each side equally often in every two. */
import type { DuetSide } from '../../workers/protocol.ts'

export class Places {
  private readonly random: () => number
  private pending: DuetSide | null = null

  constructor(random: () => number) {
    this.random = random
  }

  next(): DuetSide {
    const first = this.pending ?? (this.random() < 0.5 ? 'baseline' : 'candidate')
    this.pending = this.pending === null ? (first === 'baseline' ? 'candidate' : 'baseline') : null
    return first
  }
}
