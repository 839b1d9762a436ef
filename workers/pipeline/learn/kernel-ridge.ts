/** Kernel ridge regression with a bounded number of landmarks: exact until there are more rows than landmarks. */
import type { FeatureBatch, Learner, LearnerState } from './learner.ts'
import { StandardScaler } from './scaler.ts'
import {
  encodeFloats,
  encodeInts,
  grownFloats,
  readFloats,
  readInts,
  readNumber,
  readObject,
} from './state.ts'

export interface KernelRidgeOptions {
  /** Variance of the noise beside that of the kernel: the penalty. */
  lambda: number
  /** Length scale of the radial part, in standard deviations of an average feature. */
  length_scale: number
  /** Weight of the linear part. */
  linear: number
  /** Rows kept as landmarks; memory grows with its square. */
  landmarks: number
  /** Keep predictions within the range of the targets seen. */
  clip: boolean
}

export const KERNEL_RIDGE_DEFAULTS: KernelRidgeOptions = {
  lambda: 0.3,
  length_scale: 1,
  linear: 0.03,
  landmarks: 256,
  clip: true,
}

/** What an active one-hot index is worth beside a feature of variance 1, squared: .3 each. */
const HOT_SQUARED = 0.09
/** The scale of the features is taken anew when there are so many times the rows that it was taken at. */
const RESCALE_GROWTH = 1.25
/** Once the landmarks are chosen, weights are solved for anew when the rows have grown by this share. */
const SOLVE_GROWTH = 1 / 32
/** From so many rows on only every 2nd is learned, with twice the weight, then every 3rd, and so on. */
const THINNED_FROM = 2048
/** Added to the kernel's diagonal, beside its mean, so that rows that repeat one another keep it positive definite. */
const JITTER = 1e-9

/**
 * k(a, b) = exp(-|a - b|^2 / (2 s^2 d)) + linear a . b on standardised features and one-hot indexes of weight .3, d being
 * the features and slots of a row: a Gaussian process with a linear trend. The first `landmarks` rows are all kept,
 * and the solution over them is exact: (K + lambda I)^-1 (y - mean) by a Cholesky factor that grows by a row at a time.
 * Later rows are projected on these (the subset of regressors of Rasmussen and Williams 2006, section 8.3.1, in
 * whitened form): memory and cost per row stay O(landmarks^2). The features' scale is taken anew as rows come, until the
 * landmarks are full.
 */
export class KernelRidge implements Learner {
  readonly options: KernelRidgeOptions
  private scaler = new StandardScaler()
  private width = -1
  private slots = 0
  /** Rows kept, as they came. */
  private kept = 0
  private dense = new Float64Array(0)
  private hot = new Int32Array(0)
  private target = new Float64Array(0)
  private weight = new Float64Array(0)
  /** The scale in force, and the rows that it was taken at. */
  private scaledAt = 0
  private mean = new Float64Array(0)
  private inverse = new Float64Array(0)
  /** The rows kept, standardised. */
  private standard = new Float64Array(0)
  /** While not full the factor of K + lambda I, then that of K; row i at i (i + 1) / 2. */
  private factor = new Float64Array(0)
  private factored = 0
  /** Once full: sums over all rows of whitened kernel rows p: p p' (lower triangle), p y and p. */
  private full = false
  private gram = new Float64Array(0)
  private sumY = new Float64Array(0)
  private sumOne = new Float64Array(0)
  private alpha = new Float64Array(0)
  private solvedAt = -1
  private rows = 0
  private total = 0
  private targetMean = 0
  private lowest = 0
  private highest = 0
  private row = new Float64Array(0)
  private point = new Float64Array(0)
  private solved = false

  constructor(options: Partial<KernelRidgeOptions> = {}) {
    this.options = { ...KERNEL_RIDGE_DEFAULTS, ...options }
  }

  predictMany(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    if (this.kept === 0) {
      out.fill(0, 0, to - from)
      return
    }
    this.checkWidth(batch)
    this.solve()
    const { alpha, kept, targetMean, lowest, highest } = this
    const { clip } = this.options
    for (let row = from; row < to; row += 1) {
      this.standardise(batch.dense, row * batch.width, this.point, 0)
      this.kernelRow(batch.hot, row * batch.slots, kept)
      let value = targetMean
      for (let i = 0; i < kept; i += 1) value += alpha[i]! * this.row[i]!
      if (clip) value = Math.max(lowest, Math.min(highest, value))
      out[row - from] = value
    }
  }

  learnMany(batch: FeatureBatch, from: number, to: number): void {
    if (to <= from) return
    if (this.width < 0) this.start(batch, batch.target[from]!)
    this.checkWidth(batch)
    for (let row = from; row < to; row += 1) {
      const y = batch.target[row]!
      if (y < this.lowest) this.lowest = y
      if (y > this.highest) this.highest = y
      if (!this.full) this.keep(batch, row)
      else this.project(batch, row)
    }
    const due = this.solvedAt < 0 || this.rows >= this.solvedAt * (1 + SOLVE_GROWTH)
    if (this.full && due) this.solveSums()
  }

  forget(keep: number): void {
    this.total *= keep
    if (!this.full) {
      for (let i = 0; i < this.kept; i += 1) this.weight[i]! *= keep
      this.factored = 0
      this.solved = false
      return
    }
    for (let i = 0; i < this.gram.length; i += 1) this.gram[i]! *= keep
    for (let i = 0; i < this.kept; i += 1) {
      this.sumY[i]! *= keep
      this.sumOne[i]! *= keep
    }
    this.solvedAt = -1
  }

  toJSON(): LearnerState {
    const { kept, width, slots, full } = this
    const state: LearnerState = { learner: 'kernel_ridge', options: this.options }
    if (width < 0) return state
    return {
      ...state,
      width,
      slots,
      scaler: this.scaler.toJSON(),
      dense: encodeFloats(this.dense.subarray(0, kept * width)),
      hot: encodeInts(this.hot.subarray(0, kept * slots)),
      target: encodeFloats(this.target.subarray(0, kept)),
      weight: encodeFloats(this.weight.subarray(0, kept)),
      scaled_at: this.scaledAt,
      mean: encodeFloats(this.mean),
      inverse: encodeFloats(this.inverse),
      rows: this.rows,
      total: this.total,
      target_mean: this.targetMean,
      range: [this.lowest, this.highest],
      full: full
        ? {
            gram: encodeFloats(this.gram),
            sum_y: encodeFloats(this.sumY),
            sum_one: encodeFloats(this.sumOne),
            alpha: encodeFloats(this.alpha.subarray(0, kept)),
            solved_at: this.solvedAt,
          }
        : null,
    }
  }

  static fromJSON(state: LearnerState): KernelRidge {
    const learner = new KernelRidge(readObject(state, 'options'))
    if (state['width'] === undefined) return learner
    learner.width = readNumber(state, 'width')
    learner.slots = readNumber(state, 'slots')
    learner.scaler = StandardScaler.fromJSON(readObject(state, 'scaler'))
    learner.dense = readFloats(state, 'dense')
    learner.hot = readInts(state, 'hot')
    learner.target = readFloats(state, 'target')
    learner.weight = readFloats(state, 'weight')
    learner.kept = learner.target.length
    learner.scaledAt = readNumber(state, 'scaled_at')
    learner.mean = readFloats(state, 'mean')
    learner.inverse = readFloats(state, 'inverse')
    learner.rows = readNumber(state, 'rows')
    learner.total = readNumber(state, 'total')
    learner.targetMean = readNumber(state, 'target_mean')
    ;[learner.lowest, learner.highest] = state['range'] as [number, number]
    learner.makeRoom()
    learner.standardiseKept()
    if (state['full'] !== null) {
      const full: LearnerState = { learner: 'kernel_ridge', ...readObject(state, 'full') }
      learner.full = true
      learner.factorKernel()
      learner.gram = readFloats(full, 'gram')
      learner.sumY = readFloats(full, 'sum_y')
      learner.sumOne = readFloats(full, 'sum_one')
      learner.alpha.set(readFloats(full, 'alpha'))
      learner.solvedAt = readNumber(full, 'solved_at')
    }
    return learner
  }

  private start(batch: FeatureBatch, y: number): void {
    this.width = batch.width
    this.slots = batch.slots
    this.mean = new Float64Array(batch.width)
    this.inverse = new Float64Array(batch.width)
    this.point = new Float64Array(batch.width)
    this.lowest = this.highest = y
  }

  /** Takes a row as a landmark. */
  private keep(batch: FeatureBatch, row: number): void {
    const { width, slots } = this
    const at = this.kept
    this.kept += 1
    this.makeRoom()
    this.scaler.learn(batch, row, row + 1)
    for (let i = 0; i < width; i += 1) this.dense[at * width + i] = batch.dense[row * width + i]!
    for (let s = 0; s < slots; s += 1) this.hot[at * slots + s] = batch.hot[row * slots + s]!
    this.target[at] = batch.target[row]!
    this.weight[at] = 1
    this.count(batch.target[row]!, 1)
    const last = this.kept === this.options.landmarks
    if (last || this.kept >= this.scaledAt * RESCALE_GROWTH) this.rescale()
    else this.standardise(this.dense, at * width, this.standard, at * width)
    this.solved = false
    if (last) this.fill()
  }

  /** From here on the landmarks and the scale stay: what was learned goes over into the sums. */
  private fill(): void {
    const m = this.kept
    this.full = true
    this.factorKernel()
    this.gram = new Float64Array((m * (m + 1)) / 2)
    this.sumY = new Float64Array(m)
    this.sumOne = new Float64Array(m)
    for (let i = 0; i < m; i += 1) {
      const start = (i * (i + 1)) / 2
      this.row.fill(0)
      for (let k = 0; k <= i; k += 1) this.row[k] = this.factor[start + k]!
      this.sum(this.target[i]!, this.weight[i]!)
    }
    this.solvedAt = -1
  }

  /** Adds a row to the sums. */
  private project(batch: FeatureBatch, row: number): void {
    const stride = 1 + Math.floor(this.rows / THINNED_FROM)
    if (this.rows % stride !== 0) {
      this.rows += 1
      return
    }
    const y = batch.target[row]!
    this.standardise(batch.dense, row * batch.width, this.point, 0)
    this.kernelRow(batch.hot, row * batch.slots, this.kept)
    this.whiten()
    this.count(y, stride)
    this.sum(y, stride)
  }

  private count(y: number, weight: number): void {
    this.rows += 1
    this.total += weight
    this.targetMean += (y - this.targetMean) * (weight / this.total)
  }

  /** Adds the whitened kernel row in `row`. */
  private sum(y: number, weight: number): void {
    const { row, gram, sumY, sumOne, kept } = this
    let at = 0
    for (let i = 0; i < kept; i += 1) {
      const scaled = weight * row[i]!
      for (let k = 0; k <= i; k += 1) gram[at + k]! += scaled * row[k]!
      at += i + 1
      sumY[i]! += scaled * y
      sumOne[i]! += scaled
    }
  }

  /** Solves L x = row in place, L being the kernel's factor. */
  private whiten(): void {
    const { row, factor, kept } = this
    let at = 0
    for (let i = 0; i < kept; i += 1) {
      let value = row[i]!
      for (let k = 0; k < i; k += 1) value -= factor[at + k]! * row[k]!
      row[i] = value / factor[at + i]!
      at += i + 1
    }
  }

  /** While not full, where a prediction first needs it. */
  private solve(): void {
    if (this.full || this.solved) return
    this.factorRows()
    const { alpha, factor, target, kept, targetMean } = this
    let at = 0
    for (let i = 0; i < kept; i += 1) {
      let value = target[i]! - targetMean
      for (let k = 0; k < i; k += 1) value -= factor[at + k]! * alpha[k]!
      alpha[i] = value / factor[at + i]!
      at += i + 1
    }
    backward(factor, kept, alpha)
    this.solved = true
  }

  private solveSums(): void {
    const { alpha, kept, gram, factor, sumY, sumOne, targetMean } = this
    const { lambda } = this.options
    const own = gram.slice()
    for (let i = 0; i < kept; i += 1) own[(i * (i + 1)) / 2 + i]! += lambda
    for (let i = 0; i < kept; i += 1) factorRow(own, i)
    let at = 0
    for (let i = 0; i < kept; i += 1) {
      let value = sumY[i]! - targetMean * sumOne[i]!
      for (let k = 0; k < i; k += 1) value -= own[at + k]! * alpha[k]!
      alpha[i] = value / own[at + i]!
      at += i + 1
    }
    backward(own, kept, alpha)
    backward(factor, kept, alpha)
    this.solvedAt = this.rows
  }

  /** The factor of K + lambda / weight, a row at a time: the same bits as all at once. */
  private factorRows(): void {
    const { lambda } = this.options
    for (; this.factored < this.kept; this.factored += 1) {
      const i = this.factored
      const start = (i * (i + 1)) / 2
      this.keptRow(i)
      for (let k = 0; k <= i; k += 1) this.factor[start + k] = this.row[k]!
      this.factor[start + i]! += lambda / this.weight[i]!
      factorRow(this.factor, i)
    }
  }

  /** The factor of K. */
  private factorKernel(): void {
    let diagonal = 0
    for (let i = 0; i < this.kept; i += 1) {
      this.keptRow(i)
      const start = (i * (i + 1)) / 2
      for (let k = 0; k <= i; k += 1) this.factor[start + k] = this.row[k]!
      diagonal += this.row[i]!
    }
    const jitter = (JITTER * diagonal) / this.kept
    for (let i = 0; i < this.kept; i += 1) {
      this.factor[(i * (i + 1)) / 2 + i]! += jitter
      factorRow(this.factor, i)
    }
    this.factored = this.kept
  }

  /** The kernel of a row kept with those up to it. */
  private keptRow(i: number): void {
    const { width, slots } = this
    for (let f = 0; f < width; f += 1) this.point[f] = this.standard[i * width + f]!
    this.kernelRow(this.hot, i * slots, i + 1)
  }

  /** The kernel of `point` and the indexes at `hotBase` with the first `count` rows kept. */
  private kernelRow(hot: Int32Array, hotBase: number, count: number): void {
    const { width, slots, standard, point, row } = this
    const { length_scale, linear } = this.options
    const rate = -0.5 / (length_scale * length_scale * Math.max(1, width + slots))
    let at = 0
    for (let i = 0; i < count; i += 1) {
      let distance = 0
      let product = 0
      for (let f = 0; f < width; f += 1) {
        const a = point[f]!
        const b = standard[at + f]!
        const d = a - b
        distance += d * d
        product += a * b
      }
      at += width
      for (let s = 0; s < slots; s += 1) {
        const a = hot[hotBase + s]!
        const b = this.hot[i * slots + s]!
        if (a === b) {
          if (a >= 0) product += HOT_SQUARED
        } else distance += a >= 0 && b >= 0 ? 2 * HOT_SQUARED : HOT_SQUARED
      }
      row[i] = Math.exp(rate * distance) + linear * product
    }
  }

  private rescale(): void {
    this.scaledAt = this.kept
    const variance = this.scaler.variance()
    for (let i = 0; i < this.width; i += 1) {
      this.mean[i] = this.scaler.mean[i]!
      const deviation = Math.sqrt(variance[i]!)
      this.inverse[i] = deviation > 1e-12 * Math.abs(this.mean[i]!) ? 1 / deviation : 0
    }
    this.factored = 0
    this.standardiseKept()
  }

  private standardiseKept(): void {
    for (let i = 0; i < this.kept; i += 1) {
      this.standardise(this.dense, i * this.width, this.standard, i * this.width)
    }
  }

  private standardise(from: Float64Array, base: number, to: Float64Array, at: number): void {
    const { width, mean, inverse } = this
    for (let i = 0; i < width; i += 1) to[at + i] = (from[base + i]! - mean[i]!) * inverse[i]!
  }

  private makeRoom(): void {
    const { kept, width, slots } = this
    this.dense = grownFloats(this.dense, kept * width)
    this.standard = grownFloats(this.standard, kept * width)
    this.target = grownFloats(this.target, kept)
    this.weight = grownFloats(this.weight, kept)
    this.alpha = grownFloats(this.alpha, kept)
    this.row = grownFloats(this.row, kept)
    this.factor = grownFloats(this.factor, (kept * (kept + 1)) / 2)
    if (this.point.length < width) this.point = new Float64Array(width)
    if (this.hot.length < kept * slots) {
      const larger = new Int32Array(kept * slots * 2)
      larger.set(this.hot)
      this.hot = larger
    }
  }

  private checkWidth({ width, slots }: FeatureBatch): void {
    if (width === this.width && slots === this.slots) return
    throw new RangeError(
      `rows have ${width} dense features and ${slots} slots, kernel_ridge learnt ${this.width} and ${this.slots}`,
    )
  }
}

/** Turns row i of a lower triangle into the factor's, those above it being the factor's already. */
function factorRow(rows: Float64Array, i: number): void {
  const start = (i * (i + 1)) / 2
  let square = 0
  let above = 0
  for (let j = 0; j < i; j += 1) {
    let value = rows[start + j]!
    for (let k = 0; k < j; k += 1) value -= rows[above + k]! * rows[start + k]!
    value /= rows[above + j]!
    rows[start + j] = value
    square += value * value
    above += j + 1
  }
  const before = rows[start + i]!
  // A row that repeats others leaves rounding only.
  rows[start + i] = Math.sqrt(Math.max(before - square, before * Number.EPSILON))
}

/** Solves L' x = b in place. */
function backward(factor: Float64Array, n: number, b: Float64Array): void {
  for (let i = n - 1; i >= 0; i -= 1) {
    const start = (i * (i + 1)) / 2
    const x = b[i]! / factor[start + i]!
    b[i] = x
    for (let k = 0; k < i; k += 1) b[k]! -= factor[start + k]! * x
  }
}
