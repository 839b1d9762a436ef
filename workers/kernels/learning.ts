/**
 * Standardisation and SGD, with the bits of `pipeline/learn`: `StandardScaler`, `LinearWeights.predict` and `plainSteps`.
 * Sums run in the order of the rows or features; lanes of vectors hold what does not depend on each other.
 */

function at(values: usize, i: i32): usize {
  return values + ((<usize>i) << 3)
}

/**
 * Sums of `columns` columns of rows of `width`, beginning at `x`; with `squared`, of their squared deviations from
 * `mean`. Eight columns at a time stay out of memory.
 */
function columnSums(x: usize, rows: i32, width: i32, mean: usize, squared: bool, out: usize): void {
  const stride = (<usize>width) << 3
  const end = x + <usize>rows * stride
  let i = 0
  for (; i + 7 < width; i += 8) {
    let a = f64x2.splat(0)
    let b = f64x2.splat(0)
    let c = f64x2.splat(0)
    let d = f64x2.splat(0)
    if (squared) {
      const m = v128.load(at(mean, i))
      const n = v128.load(at(mean, i), 16)
      const o = v128.load(at(mean, i), 32)
      const p = v128.load(at(mean, i), 48)
      for (let row = at(x, i); row < end; row += stride) {
        const e = f64x2.sub(v128.load(row), m)
        const f = f64x2.sub(v128.load(row, 16), n)
        const g = f64x2.sub(v128.load(row, 32), o)
        const h = f64x2.sub(v128.load(row, 48), p)
        a = f64x2.add(a, f64x2.mul(e, e))
        b = f64x2.add(b, f64x2.mul(f, f))
        c = f64x2.add(c, f64x2.mul(g, g))
        d = f64x2.add(d, f64x2.mul(h, h))
      }
    } else {
      for (let row = at(x, i); row < end; row += stride) {
        a = f64x2.add(a, v128.load(row))
        b = f64x2.add(b, v128.load(row, 16))
        c = f64x2.add(c, v128.load(row, 32))
        d = f64x2.add(d, v128.load(row, 48))
      }
    }
    v128.store(at(out, i), a)
    v128.store(at(out, i), b, 16)
    v128.store(at(out, i), c, 32)
    v128.store(at(out, i), d, 48)
  }
  for (; i + 1 < width; i += 2) {
    let a = f64x2.splat(0)
    const m = squared ? v128.load(at(mean, i)) : f64x2.splat(0)
    for (let row = at(x, i); row < end; row += stride) {
      let e = v128.load(row)
      if (squared) {
        e = f64x2.sub(e, m)
        e = f64x2.mul(e, e)
      }
      a = f64x2.add(a, e)
    }
    v128.store(at(out, i), a)
  }
  if (i < width) {
    let sum: f64 = 0
    const m = squared ? load<f64>(at(mean, i)) : 0
    for (let row = at(x, i); row < end; row += stride) {
      let e = load<f64>(row)
      if (squared) {
        e -= m
        e *= e
      }
      sum += e
    }
    store<f64>(at(out, i), sum)
  }
}

/** `StandardScaler.learn` of two rows or more; `room` has two numbers for each column. */
export function learnScale(
  x: usize,
  rows: i32,
  width: i32,
  before: f64,
  mean: usize,
  squares: usize,
  room: usize,
): void {
  const batchMean = room
  const batchSquares = at(room, width)
  columnSums(x, rows, width, 0, false, batchMean)
  for (let i = 0; i < width; i++) store<f64>(at(batchMean, i), load<f64>(at(batchMean, i)) / <f64>rows)
  columnSums(x, rows, width, batchMean, true, batchSquares)
  const total = before + <f64>rows
  const rate = <f64>rows / total
  const share = before * rate
  for (let i = 0; i < width; i++) {
    const delta = load<f64>(at(batchMean, i)) - load<f64>(at(mean, i))
    store<f64>(at(mean, i), load<f64>(at(mean, i)) + delta * rate)
    // The sum of the two first, as JavaScript adds it.
    const added = load<f64>(at(batchSquares, i)) + delta * delta * share
    store<f64>(at(squares, i), load<f64>(at(squares, i)) + added)
  }
}

/** `out` = (x - mean) times `inverse`, by column; both are given twice in a row, so that two rows are one. */
export function standardise(x: usize, rows: i32, width: i32, mean: usize, inverse: usize, out: usize): void {
  const pair = (<usize>width) << 4
  // Without columns two rows are as long as none.
  if (pair === 0) return
  const end = x + ((<usize>rows * <usize>width) << 3)
  while (x + pair <= end) {
    for (let i: usize = 0; i < pair; i += 16) {
      const centred = f64x2.sub(v128.load(x + i), v128.load(mean + i))
      v128.store(out + i, f64x2.mul(centred, v128.load(inverse + i)))
    }
    x += pair
    out += pair
  }
  for (let i: usize = 0; x + i < end; i += 8) {
    store<f64>(out + i, (load<f64>(x + i) - load<f64>(mean + i)) * load<f64>(inverse + i))
  }
}

/** `out` = (values - mean) / deviation. */
export function scaleTargets(values: usize, rows: i32, mean: f64, deviation: f64, out: usize): void {
  const means = f64x2.splat(mean)
  const deviations = f64x2.splat(deviation)
  let i = 0
  for (; i + 1 < rows; i += 2) {
    v128.store(at(out, i), f64x2.div(f64x2.sub(v128.load(at(values, i)), means), deviations))
  }
  if (i < rows) store<f64>(at(out, i), (load<f64>(at(values, i)) - mean) / deviation)
}

/** values = mean + deviation * values, in place. */
export function unscale(values: usize, rows: i32, mean: f64, deviation: f64): void {
  const means = f64x2.splat(mean)
  const deviations = f64x2.splat(deviation)
  let i = 0
  for (; i + 1 < rows; i += 2) {
    v128.store(at(values, i), f64x2.add(means, f64x2.mul(deviations, v128.load(at(values, i)))))
  }
  if (i < rows) store<f64>(at(values, i), mean + deviation * load<f64>(at(values, i)))
}

/** Keeps values within the two, by comparisons that keep NaN. */
export function clip(values: usize, rows: i32, lowest: f64, highest: f64): void {
  const lows = f64x2.splat(lowest)
  const highs = f64x2.splat(highest)
  let i = 0
  for (; i + 1 < rows; i += 2) {
    const value = v128.load(at(values, i))
    const above = v128.bitselect(highs, value, f64x2.gt(value, highs))
    v128.store(at(values, i), v128.bitselect(lows, above, f64x2.lt(value, lows)))
  }
  if (i < rows) {
    const value = load<f64>(at(values, i))
    if (value < lowest) store<f64>(at(values, i), lowest)
    else if (value > highest) store<f64>(at(values, i), highest)
  }
}

function hotSum(hot: usize, slots: i32, weights: usize, known: i32): f64 {
  let sum: f64 = 0
  for (let s = 0; s < slots; s++) {
    const j = load<i32>(hot + ((<usize>s) << 2))
    if (<u32>j < <u32>known) sum += load<f64>(at(weights, j))
  }
  return sum
}

/** The same number of two rows. */
function both(row: usize, stride: usize): v128 {
  return f64x2.replace_lane(f64x2.splat(load<f64>(row)), 1, load<f64>(row + stride))
}

/** w . x of rows, each sum in the order of the features: eight rows run side by side. */
function dots(x: usize, rows: i32, width: i32, weights: usize, out: usize): void {
  const stride = (<usize>width) << 3
  let row = 0
  for (; row + 7 < rows; row += 8, x += 8 * stride) {
    let a = f64x2.splat(0)
    let b = f64x2.splat(0)
    let c = f64x2.splat(0)
    let d = f64x2.splat(0)
    for (let i: usize = 0; i < stride; i += 8) {
      const weight = f64x2.splat(load<f64>(weights + i))
      const p = x + i
      a = f64x2.add(a, f64x2.mul(weight, both(p, stride)))
      b = f64x2.add(b, f64x2.mul(weight, both(p + 2 * stride, stride)))
      c = f64x2.add(c, f64x2.mul(weight, both(p + 4 * stride, stride)))
      d = f64x2.add(d, f64x2.mul(weight, both(p + 6 * stride, stride)))
    }
    v128.store(at(out, row), a)
    v128.store(at(out, row), b, 16)
    v128.store(at(out, row), c, 32)
    v128.store(at(out, row), d, 48)
  }
  for (; row < rows; row++, x += stride) {
    let sum: f64 = 0
    for (let i: usize = 0; i < stride; i += 8) sum += load<f64>(weights + i) * load<f64>(x + i)
    store<f64>(at(out, row), sum)
  }
}

/** `LinearWeights.predict` by weights that are not averaged; indexes at and above `known` count 0. */
export function margins(
  x: usize,
  hot: usize,
  rows: i32,
  width: i32,
  slots: i32,
  dense: usize,
  hotWeights: usize,
  known: i32,
  denseScale: f64,
  hotScale: f64,
  intercept: f64,
  out: usize,
): void {
  dots(x, rows, width, dense, out)
  for (let row = 0; row < rows; row++, hot += (<usize>slots) << 2) {
    const sum = hotSum(hot, slots, hotWeights, known)
    store<f64>(at(out, row), load<f64>(at(out, row)) * denseScale + sum * hotScale + intercept)
  }
}

const GRADIENT_LIMIT: f64 = 1e12
/** Below this the scale is folded into the weights. */
const SCALE_FLOOR: f64 = 1e-9

function fold(weights: usize, length: i32, scale: f64): void {
  for (let i = 0; i < length; i++) store<f64>(at(weights, i), load<f64>(at(weights, i)) * scale)
}

/** t ** power, for the powers that take roots only: 0, 1/4 and 1/2. */
function root(t: f64, power: f64): f64 {
  if (power === 0) return 1
  return power === 0.25 ? Math.sqrt(Math.sqrt(t)) : Math.sqrt(t)
}

/**
 * `plainSteps`. The state has both scales and the intercept, which it changes as it does the weights.
 * @param t the first row's step
 * @returns the step after the last
 */
export function sgdSteps(
  x: usize,
  hot: usize,
  targets: usize,
  rows: i32,
  width: i32,
  slots: i32,
  dense: usize,
  denseLength: i32,
  hotWeights: usize,
  hotLength: i32,
  state: usize,
  t: f64,
  eta0: f64,
  power: f64,
  l2: f64,
): f64 {
  let denseScale = load<f64>(state)
  let hotScale = load<f64>(state, 8)
  let intercept = load<f64>(state, 16)
  const stride = (<usize>width) << 3
  const pairs = stride & ~15
  for (let row = 0; row < rows; row++, x += stride, hot += (<usize>slots) << 2) {
    let sum: f64 = 0
    for (let i: usize = 0; i < stride; i += 8) sum += load<f64>(dense + i) * load<f64>(x + i)
    const hotPart = hotSum(hot, slots, hotWeights, hotLength)
    const gradient = sum * denseScale + hotPart * hotScale + intercept - load<f64>(at(targets, row))
    const eta = eta0 / root(t, power)
    let clipped = gradient
    if (gradient > GRADIENT_LIMIT) clipped = GRADIENT_LIMIT
    else if (gradient < -GRADIENT_LIMIT) clipped = -GRADIENT_LIMIT
    const step = -eta * clipped
    if (l2 > 0) {
      const factor = max<f64>(0, 1 - eta * l2)
      denseScale *= factor
      hotScale *= factor
      if (denseScale < SCALE_FLOOR) {
        fold(dense, denseLength, denseScale)
        denseScale = 1
      }
      if (hotScale < SCALE_FLOOR) {
        fold(hotWeights, hotLength, hotScale)
        hotScale = 1
      }
    }
    if (step !== 0) {
      const denseStep = step / denseScale
      const steps = f64x2.splat(denseStep)
      let i: usize = 0
      for (; i < pairs; i += 16) {
        const moved = f64x2.add(v128.load(dense + i), f64x2.mul(steps, v128.load(x + i)))
        v128.store(dense + i, moved)
      }
      if (i < stride) store<f64>(dense + i, load<f64>(dense + i) + denseStep * load<f64>(x + i))
      const hotStep = step / hotScale
      for (let s = 0; s < slots; s++) {
        const j = load<i32>(hot + ((<usize>s) << 2))
        if (j >= 0) store<f64>(at(hotWeights, j), load<f64>(at(hotWeights, j)) + hotStep)
      }
      intercept += step
    }
    t += 1
  }
  store<f64>(state, denseScale)
  store<f64>(state, hotScale, 8)
  store<f64>(state, intercept, 16)
  return t
}
