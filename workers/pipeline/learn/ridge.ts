/** Ridge regression on sufficient statistics: at any time the exact solution over all rows seen. */
import { isKernelArray, type Kernels, kernelsFor } from '../../kernels.ts'
import { CoMoments } from './comoments.ts'
import type { FeatureBatch, Learner, LearnerState } from './learner.ts'
import { OneHotSums } from './one-hot-sums.ts'
import { RidgeSolver, type RidgeWeights } from './ridge-solve.ts'
import { readNumber, readObject } from './state.ts'

const FLOAT_BYTES = 8
const INT_BYTES = 4

export interface RidgeOptions {
  /** Penalty on squared weights, of standardised dense features and of one-hot columns as they are. */
  lambda: number
  /** Weight of a row relative to the next one's, in (0, 1]; 1 forgets nothing. */
  forgetting: number
  /** Keep predictions within the range of the targets seen. */
  clip: boolean
  /** One-hot indexes at and above this are ignored: memory grows with its square. */
  max_one_hot: number
}

export const RIDGE_DEFAULTS: RidgeOptions = { lambda: 5, forgetting: 1, clip: true, max_one_hot: 1024 }

/**
 * Keeps co-moments of [x, y] (Welford) and sparse sums for one-hot columns: O(d^2 + d slots + slots^2) a row.
 * Weights are solved for when a prediction first needs them, so once per batch. Predicts 0 before any row.
 * The result depends on the rows and their order only through rounding, so merge is exact in the same sense.
 */
export class Ridge implements Learner {
  readonly options: RidgeOptions
  private moments: CoMoments | null = null
  private groups: OneHotSums | null = null
  private lowest = 0
  private highest = 0
  private readonly solver = new RidgeSolver()
  private weights: RidgeWeights | null = null
  private solved = false

  constructor(options: Partial<RidgeOptions> = {}) {
    this.options = { ...RIDGE_DEFAULTS, ...options }
    const { lambda, forgetting } = this.options
    if (!(lambda >= 0)) throw new RangeError(`lambda must be 0 or more, not ${lambda}`)
    if (!(forgetting > 0 && forgetting <= 1)) {
      throw new RangeError(`forgetting must be above 0 and at most 1, not ${forgetting}`)
    }
  }

  /** Active one-hot entries that the limit left out. */
  get ignored(): number {
    return this.groups?.ignored ?? 0
  }

  predictMany(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    if (this.moments === null) {
      out.fill(0, 0, to - from)
      return
    }
    const weights = this.solve()
    const { dense, hot, width, slots } = batch
    this.checkWidth(width)
    const { offset, centre, dense: beta, hot: gamma } = weights
    const known = gamma.length
    const { clip } = this.options
    const { lowest, highest } = this
    const kernels = kernelsFor(batch, to - from)
    if (kernels !== null && isKernelArray(out)) {
      this.predictCompiled(kernels, weights, batch, from, to, out)
      return
    }
    for (let row = from; row < to; row += 1) {
      let value = offset
      const base = row * width
      for (let i = 0; i < width; i += 1) value += beta[i]! * (dense[base + i]! - centre[i]!)
      const hotBase = row * slots
      for (let s = 0; s < slots; s += 1) {
        const j = hot[hotBase + s]!
        if (j >= 0 && j < known) value += gamma[j]!
      }
      if (clip) value = Math.max(lowest, Math.min(highest, value))
      out[row - from] = value
    }
  }

  learnMany(batch: FeatureBatch, from: number, to: number): void {
    if (to <= from) return
    const { dense, hot, target, width, slots } = batch
    if (this.moments === null) this.lowest = this.highest = target[from]!
    this.moments ??= new CoMoments(width + 1)
    this.groups ??= new OneHotSums(width + 1, this.options.max_one_hot)
    this.checkWidth(width)
    const { moments, groups } = this
    const { forgetting } = this.options
    groups.reserve(batch.hotSize)
    for (let row = from; row < to; row += 1) {
      const y = target[row]!
      if (y < this.lowest) this.lowest = y
      if (y > this.highest) this.highest = y
    }
    const kernels = kernelsFor(batch, to - from)
    if (forgetting === 1) {
      if (kernels === null) moments.addMany(dense, target, from, to)
      else moments.addCompiled(kernels, dense, target, from, to)
      const added = kernels !== null && groups.addCompiled(kernels, batch, from, to, moments.rowWeight)
      for (let row = from; row < to && !added; row += 1) {
        groups.add(hot, row * slots, slots, dense, row * width, target[row]!, moments.rowWeight)
      }
    } else {
      for (let row = from; row < to; row += 1) {
        moments.add(dense, row, target[row]!)
        groups.add(hot, row * slots, slots, dense, row * width, target[row]!, moments.rowWeight)
        const factor = moments.age(forgetting)
        if (factor !== 1) groups.scale(factor)
      }
    }
    this.solved = false
  }

  /** @throws {RangeError} with forgetting, where the order of the rows matters, and for other options or widths */
  merge(other: Ridge): void {
    if (this.options.forgetting < 1 || other.options.forgetting < 1) {
      throw new RangeError('ridge with forgetting cannot be merged: the order of the rows matters')
    }
    if (other.moments === null || other.groups === null) return
    if (this.moments === null || this.groups === null) {
      this.moments = new CoMoments(other.moments.size)
      this.groups = new OneHotSums(other.moments.size, this.options.max_one_hot)
      this.lowest = other.lowest
      this.highest = other.highest
    }
    this.checkWidth(other.moments.size - 1)
    this.moments.merge(other.moments)
    this.groups.merge(other.groups)
    this.lowest = Math.min(this.lowest, other.lowest)
    this.highest = Math.max(this.highest, other.highest)
    this.solved = false
  }

  /** Solutions change only in that the penalty weighs more beside fewer rows. */
  forget(keep: number): void {
    this.moments?.scale(keep)
    this.groups?.scale(keep)
    this.solved = false
  }

  toJSON(): LearnerState {
    const state: LearnerState = { learner: 'ridge', options: this.options }
    if (this.moments !== null && this.groups !== null) {
      state['moments'] = this.moments.toJSON()
      state['groups'] = this.groups.toJSON()
      state['lowest'] = this.lowest
      state['highest'] = this.highest
    }
    return state
  }

  static fromJSON(state: LearnerState): Ridge {
    const learner = new Ridge(readObject(state, 'options'))
    if (state['moments'] === undefined) return learner
    learner.moments = CoMoments.fromJSON(readObject(state, 'moments'))
    const { size } = learner.moments
    learner.groups = OneHotSums.fromJSON(readObject(state, 'groups'), size, learner.options.max_one_hot)
    learner.lowest = readNumber(state, 'lowest')
    learner.highest = readNumber(state, 'highest')
    return learner
  }

  private predictCompiled(
    kernels: Kernels,
    { offset, centre, dense: beta, hot: gamma }: RidgeWeights,
    { dense, hot, width, slots }: FeatureBatch,
    from: number,
    to: number,
    out: Float64Array,
  ): void {
    const { clip } = this.options
    const room = kernels.scratch(2 * width + gamma.length)
    room.set(centre)
    room.set(beta, width)
    room.set(gamma, 2 * width)
    kernels.run.ridgePredictions(
      dense.byteOffset + FLOAT_BYTES * from * width,
      hot.byteOffset + INT_BYTES * from * slots,
      to - from,
      width,
      slots,
      offset,
      room.byteOffset,
      room.byteOffset + FLOAT_BYTES * width,
      room.byteOffset + FLOAT_BYTES * 2 * width,
      gamma.length,
      clip ? this.lowest : Number.NEGATIVE_INFINITY,
      clip ? this.highest : Number.POSITIVE_INFINITY,
      out.byteOffset,
    )
  }

  private solve(): RidgeWeights {
    const moments = this.moments!
    this.weights ??= {
      offset: 0,
      centre: new Float64Array(moments.size - 1),
      dense: new Float64Array(moments.size - 1),
      hot: new Float64Array(0),
    }
    if (!this.solved) {
      // The last row counts fully, so the penalty is in units of its weight.
      const unit = moments.rowWeight * this.options.forgetting
      this.solver.solve(moments, this.groups!, this.options.lambda * unit, this.weights)
      this.solved = true
    }
    return this.weights
  }

  private checkWidth(width: number): void {
    const expected = this.moments!.size - 1
    if (width !== expected)
      throw new RangeError(`rows have ${width} dense features, ridge learnt ${expected}`)
  }
}
