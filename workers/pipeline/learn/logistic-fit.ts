/** Multinomial logistic regression over many rows at once: L-BFGS on the penalised log loss. */
import type { EachBatch, FeatureBatch } from './learner.ts'

export interface LogisticShape {
  /** Margins per row: one for each class, or 1 for two classes told apart by the sign. */
  outputs: number
  /** Dense features. */
  width: number
  /** One-hot indexes. */
  hotSize: number
}

/** Corrections that L-BFGS keeps. */
const MEMORY = 10
/** A step that lowers the loss by less than this share of what its slope promises is halved (Armijo). */
const SUFFICIENT = 1e-4
const MOST_HALVINGS = 30

/** Numbers an output: the dense weights, the one-hot weights, the intercept. */
export function blockSize({ width, hotSize }: LogisticShape): number {
  return width + hotSize + 1
}

/**
 * Minimises the sum of log losses plus penalty / 2 |w|^2, intercepts free, from `start` on, and leaves the result there
 * (`blockSize` numbers for each output). Stops when no slope exceeds `tolerance` times the number of rows, or after
 * `iterations` (Liu and Nocedal 1989). The objective is convex, so that where it stops early it is only less exact.
 * @returns passes over the rows
 */
export function fitLogistic(
  each: EachBatch,
  shape: LogisticShape,
  penalty: number,
  start: Float64Array,
  { iterations, tolerance }: { iterations: number; tolerance: number },
): number {
  const n = start.length
  const objective = new Objective(each, shape, penalty)
  const at = start
  let gradient = new Float64Array(n)
  let loss = objective.value(at, gradient)
  const { rows } = objective
  const steps: Float64Array[] = []
  const turns: Float64Array[] = []
  const direction = new Float64Array(n)
  const next = new Float64Array(n)
  let nextGradient = new Float64Array(n)
  let passes = 1
  for (let iteration = 0; iteration < iterations; iteration += 1) {
    if (largest(gradient) <= tolerance * rows) break
    descent(gradient, steps, turns, direction)
    let slope = dot(gradient, direction)
    if (!(slope < 0)) {
      // Rounding spoiled the corrections: begin again along the gradient.
      steps.length = turns.length = 0
      descent(gradient, steps, turns, direction)
      slope = dot(gradient, direction)
    }
    // Nothing is known of the curvature before the first step: move no weight by more than 1.
    let size = steps.length > 0 ? 1 : Math.min(1, 1 / largest(direction))
    let lower = Number.POSITIVE_INFINITY
    for (let halvings = 0; halvings < MOST_HALVINGS; halvings += 1) {
      for (let i = 0; i < n; i += 1) next[i] = at[i]! + size * direction[i]!
      lower = objective.value(next, nextGradient)
      passes += 1
      if (lower <= loss + SUFFICIENT * size * slope) break
      size /= 2
    }
    if (!(lower < loss)) break
    const step = steps.length === MEMORY ? steps.shift()! : new Float64Array(n)
    const turn = turns.length === MEMORY ? turns.shift()! : new Float64Array(n)
    for (let i = 0; i < n; i += 1) {
      step[i] = next[i]! - at[i]!
      turn[i] = nextGradient[i]! - gradient[i]!
    }
    if (dot(step, turn) > 0) {
      steps.push(step)
      turns.push(turn)
    }
    at.set(next)
    ;[gradient, nextGradient] = [nextGradient, gradient]
    loss = lower
  }
  return passes
}

/** The direction of L-BFGS: the gradient by the inverse of the curvature that the last steps showed. */
function descent(
  gradient: Float64Array,
  steps: readonly Float64Array[],
  turns: readonly Float64Array[],
  out: Float64Array,
): void {
  const { length } = gradient
  for (let i = 0; i < length; i += 1) out[i] = -gradient[i]!
  const shares = new Array<number>(steps.length)
  for (let s = steps.length - 1; s >= 0; s -= 1) {
    const share = dot(steps[s]!, out) / dot(steps[s]!, turns[s]!)
    shares[s] = share
    for (let i = 0; i < length; i += 1) out[i]! -= share * turns[s]![i]!
  }
  const last = steps.length - 1
  if (last >= 0) {
    const scale = dot(steps[last]!, turns[last]!) / dot(turns[last]!, turns[last]!)
    for (let i = 0; i < length; i += 1) out[i]! *= scale
  }
  for (let s = 0; s < steps.length; s += 1) {
    const share = shares[s]! - dot(turns[s]!, out) / dot(steps[s]!, turns[s]!)
    for (let i = 0; i < length; i += 1) out[i]! += share * steps[s]![i]!
  }
}

class Objective {
  /** Rows of the last pass. */
  rows = 0
  private readonly each: EachBatch
  private readonly shape: LogisticShape
  private readonly penalty: number
  private readonly margins: Float64Array

  constructor(each: EachBatch, shape: LogisticShape, penalty: number) {
    this.each = each
    this.shape = shape
    this.penalty = penalty
    this.margins = new Float64Array(shape.outputs)
  }

  /** The penalised loss at these weights; its slopes go to `gradient`. */
  value(weights: Float64Array, gradient: Float64Array): number {
    const { outputs } = this.shape
    const block = blockSize(this.shape)
    let loss = 0
    for (let k = 0; k < outputs; k += 1) {
      const base = k * block
      for (let i = base; i < base + block - 1; i += 1) {
        loss += 0.5 * this.penalty * weights[i]! * weights[i]!
        gradient[i] = this.penalty * weights[i]!
      }
      gradient[base + block - 1] = 0
    }
    this.rows = 0
    this.each((batch, from, to) => {
      for (let row = from; row < to; row += 1) loss += this.row(batch, row, weights, gradient)
      this.rows += to - from
    })
    return loss
  }

  private row(batch: FeatureBatch, row: number, weights: Float64Array, gradient: Float64Array): number {
    const { shape, margins } = this
    const { outputs, width, hotSize } = shape
    const block = width + hotSize + 1
    const { dense, hot, slots, target } = batch
    const base = row * width
    const hotBase = row * slots
    for (let k = 0; k < outputs; k += 1) {
      const at = k * block
      let sum = weights[at + block - 1]!
      for (let i = 0; i < width; i += 1) sum += weights[at + i]! * dense[base + i]!
      for (let s = 0; s < slots; s += 1) {
        const j = hot[hotBase + s]!
        if (j >= 0 && j < hotSize) sum += weights[at + width + j]!
      }
      margins[k] = sum
    }
    const loss = lossAndSlopes(margins, outputs, target[row]!)
    for (let k = 0; k < outputs; k += 1) {
      const slope = margins[k]!
      if (slope === 0) continue
      const at = k * block
      for (let i = 0; i < width; i += 1) gradient[at + i]! += slope * dense[base + i]!
      for (let s = 0; s < slots; s += 1) {
        const j = hot[hotBase + s]!
        if (j >= 0 && j < hotSize) gradient[at + width + j]! += slope
      }
      gradient[at + block - 1]! += slope
    }
    return loss
  }
}

/** The log loss of a row; its margins are replaced by the slopes of the loss along them. */
function lossAndSlopes(margins: Float64Array, outputs: number, target: number): number {
  if (outputs === 1) {
    const margin = target > 0 ? margins[0]! : -margins[0]!
    const e = Math.exp(-Math.abs(margin))
    const wrong = margin >= 0 ? e / (1 + e) : 1 / (1 + e)
    margins[0] = target > 0 ? -wrong : wrong
    return Math.log1p(e) + Math.max(0, -margin)
  }
  let highest = -Infinity
  for (let k = 0; k < outputs; k += 1) if (margins[k]! > highest) highest = margins[k]!
  const own = margins[target]! - highest
  let sum = 0
  for (let k = 0; k < outputs; k += 1) {
    const e = Math.exp(margins[k]! - highest)
    margins[k] = e
    sum += e
  }
  for (let k = 0; k < outputs; k += 1) margins[k]! /= sum
  margins[target]! -= 1
  return Math.log(sum) - own
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i += 1) sum += a[i]! * b[i]!
  return sum
}

function largest(values: Float64Array): number {
  let most = 0
  for (let i = 0; i < values.length; i += 1) most = Math.max(most, Math.abs(values[i]!))
  return most
}

/** Batch mode stops when no slope of the mean loss exceeds this; so many iterations are seldom needed. */
const BATCH_FIT = { iterations: 500, tolerance: 1e-6 }

/**
 * The weights that minimise the mean log loss plus alpha / 2 |w|^2 over all rows, the objective of SGD with that alpha:
 * a block for each output.
 * @param binary the sign of one margin tells classes 0 and 1 apart; else there is a margin for each class
 */
export function fitAll(
  each: EachBatch,
  alpha: number,
  binary: boolean,
): { width: number; blocks: Float64Array[] } {
  const shape: LogisticShape = { outputs: 1, width: 0, hotSize: 0 }
  let rows = 0
  each((batch, from, to) => {
    shape.width = batch.width
    shape.hotSize = Math.max(shape.hotSize, batch.hotSize)
    for (let row = from; row < to; row += 1) shape.outputs = Math.max(shape.outputs, batch.target[row]! + 1)
    rows += to - from
  })
  if (binary) shape.outputs = 1
  const size = blockSize(shape)
  const weights = new Float64Array(shape.outputs * size)
  fitLogistic(each, shape, alpha * rows, weights, BATCH_FIT)
  const blocks = Array.from({ length: shape.outputs }, (_, k) => weights.subarray(k * size, (k + 1) * size))
  return { width: shape.width, blocks }
}
