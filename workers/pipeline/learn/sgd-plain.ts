/** The steps of SGD in its plainest and most used form, in one loop that keeps all it can out of memory. */
import { type Kernels, kernelsFor } from '../../kernels.ts'
import { power } from '../power.ts'
import type { FeatureBatch } from './learner.ts'
import type { LinearWeights } from './linear-weights.ts'
import { SCALE_FLOOR } from './weight-block.ts'

/** Gradients are kept within this bound, as in scikit-learn, so that one absurd row cannot overflow the weights. */
export const GRADIENT_LIMIT = 1e12

/** Powers of t that roots are enough for. */
const ROOTS = [0, 0.25, 0.5]

const FLOAT_BYTES = 8
const INT_BYTES = 4
/** Numbers of the kernel's state: the scales of both blocks and the intercept. */
const STATE_SIZE = 3

/** Step size at step t: eta0 / t^power. */
export interface PlainOptions {
  eta0: number
  power: number
  /** L2 penalty. */
  l2: number
}

/**
 * Squared loss, no L1 penalty, no averaging: the same steps, in the same order of operations, as those of `Sgd.learn`.
 * Learns rows `from` to `to`; the first is step `t`.
 * @returns the step after the last
 */
export function plainSteps(
  weights: LinearWeights,
  batch: FeatureBatch,
  from: number,
  to: number,
  t: number,
  options: PlainOptions,
): number {
  const kernels = kernelsFor(batch, to - from)
  if (kernels !== null && ROOTS.includes(options.power)) {
    return compiledSteps(kernels, weights, batch, from, to, t, options)
  }
  const { eta0, power: exponent, l2 } = options
  const { width, slots, dense: x, hot: indexes, target } = batch
  const dense = weights.dense.stored
  const hot = weights.hot.stored
  let denseScale = weights.dense.scale
  let hotScale = weights.hot.scale
  let { intercept } = weights
  for (let row = from; row < to; row += 1) {
    const base = row * width
    const hotBase = row * slots
    let sum = 0
    for (let i = 0; i < width; i += 1) sum += dense[i]! * x[base + i]!
    let hotSum = 0
    for (let s = 0; s < slots; s += 1) {
      const j = indexes[hotBase + s]!
      if (j >= 0) hotSum += hot[j]!
    }
    const gradient = sum * denseScale + hotSum * hotScale + intercept - target[row]!
    const eta = eta0 / power(t, exponent)
    // By comparisons, which are guessed right: every step waits for this one.
    let clipped = gradient
    if (gradient > GRADIENT_LIMIT) clipped = GRADIENT_LIMIT
    else if (gradient < -GRADIENT_LIMIT) clipped = -GRADIENT_LIMIT
    const step = -eta * clipped
    if (l2 > 0) {
      const factor = Math.max(0, 1 - eta * l2)
      denseScale *= factor
      hotScale *= factor
      if (denseScale < SCALE_FLOOR || hotScale < SCALE_FLOOR) {
        weights.dense.scale = denseScale
        weights.hot.scale = hotScale
        if (denseScale < SCALE_FLOOR) weights.dense.fold()
        if (hotScale < SCALE_FLOOR) weights.hot.fold()
        denseScale = weights.dense.scale
        hotScale = weights.hot.scale
      }
    }
    if (step !== 0) {
      const denseStep = step / denseScale
      for (let i = 0; i < width; i += 1) dense[i]! += denseStep * x[base + i]!
      const hotStep = step / hotScale
      for (let s = 0; s < slots; s += 1) {
        const j = indexes[hotBase + s]!
        if (j >= 0) hot[j]! += hotStep
      }
      intercept += step
    }
    t += 1
  }
  weights.dense.scale = denseScale
  weights.hot.scale = hotScale
  weights.intercept = intercept
  return t
}

function compiledSteps(
  kernels: Kernels,
  weights: LinearWeights,
  batch: FeatureBatch,
  from: number,
  to: number,
  t: number,
  { eta0, power: exponent, l2 }: PlainOptions,
): number {
  const { width, slots, dense: x, hot: indexes, target } = batch
  const { dense, hot } = weights
  const hotAt = STATE_SIZE + dense.stored.length
  const room = kernels.scratch(hotAt + hot.stored.length)
  room[0] = dense.scale
  room[1] = hot.scale
  room[2] = weights.intercept
  room.set(dense.stored, STATE_SIZE)
  room.set(hot.stored, hotAt)
  const next = kernels.run.sgdSteps(
    x.byteOffset + FLOAT_BYTES * from * width,
    indexes.byteOffset + INT_BYTES * from * slots,
    target.byteOffset + FLOAT_BYTES * from,
    to - from,
    width,
    slots,
    room.byteOffset + FLOAT_BYTES * STATE_SIZE,
    dense.stored.length,
    room.byteOffset + FLOAT_BYTES * hotAt,
    hot.stored.length,
    room.byteOffset,
    t,
    eta0,
    exponent,
    l2,
  )
  dense.scale = room[0]
  hot.scale = room[1]
  weights.intercept = room[2]
  for (let i = 0; i < dense.stored.length; i += 1) dense.stored[i] = room[STATE_SIZE + i]!
  for (let j = 0; j < hot.stored.length; j += 1) hot.stored[j] = room[hotAt + j]!
  return next
}
