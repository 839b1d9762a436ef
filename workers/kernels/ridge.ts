/**
 * The statistics of ridge regression and its predictions, with the bits of `pipeline/learn`: `CoMoments.addMany`,
 * `OneHotSums.add` and `Ridge.predictMany`.
 */

function at(values: usize, i: i32): usize {
  return values + ((<usize>i) << 3)
}

/** Moves the means by a row, and writes how far it was from them to `delta`. */
function move(x: usize, width: i32, target: f64, mean: usize, rate: f64, delta: usize): void {
  const rates = f64x2.splat(rate)
  let i = 0
  for (; i + 1 < width; i += 2) {
    const m = v128.load(at(mean, i))
    const d = f64x2.sub(v128.load(at(x, i)), m)
    v128.store(at(delta, i), d)
    v128.store(at(mean, i), f64x2.add(m, f64x2.mul(rates, d)))
  }
  if (i < width) {
    const d = load<f64>(at(x, i)) - load<f64>(at(mean, i))
    store<f64>(at(delta, i), d)
    store<f64>(at(mean, i), load<f64>(at(mean, i)) + rate * d)
  }
  const d = target - load<f64>(at(mean, width))
  store<f64>(at(delta, width), d)
  store<f64>(at(mean, width), load<f64>(at(mean, width)) + rate * d)
}

function addOne(size: i32, share: f64, delta: usize, products: usize): void {
  for (let i = 0; i < size; i++) {
    const scaled = share * load<f64>(at(delta, i))
    const many = f64x2.splat(scaled)
    let k = 0
    for (; k < i; k += 2) {
      const sum = f64x2.add(v128.load(at(products, k)), f64x2.mul(many, v128.load(at(delta, k))))
      v128.store(at(products, k), sum)
    }
    if (k === i) store<f64>(at(products, k), load<f64>(at(products, k)) + scaled * load<f64>(at(delta, k)))
    products = at(products, i + 1)
  }
}

function addFour(
  size: i32,
  a: f64,
  b: f64,
  c: f64,
  d: f64,
  deltas: usize,
  room: usize,
  products: usize,
): void {
  const first = deltas
  const second = deltas + room
  const third = second + room
  const fourth = third + room
  for (let i = 0; i < size; i++) {
    const scaledA = a * load<f64>(at(first, i))
    const scaledB = b * load<f64>(at(second, i))
    const scaledC = c * load<f64>(at(third, i))
    const scaledD = d * load<f64>(at(fourth, i))
    const manyA = f64x2.splat(scaledA)
    const manyB = f64x2.splat(scaledB)
    const manyC = f64x2.splat(scaledC)
    const manyD = f64x2.splat(scaledD)
    let k = 0
    for (; k < i; k += 2) {
      let sum = v128.load(at(products, k))
      sum = f64x2.add(sum, f64x2.mul(manyA, v128.load(at(first, k))))
      sum = f64x2.add(sum, f64x2.mul(manyB, v128.load(at(second, k))))
      sum = f64x2.add(sum, f64x2.mul(manyC, v128.load(at(third, k))))
      sum = f64x2.add(sum, f64x2.mul(manyD, v128.load(at(fourth, k))))
      v128.store(at(products, k), sum)
    }
    if (k === i) {
      let sum = load<f64>(at(products, k))
      sum += scaledA * load<f64>(at(first, k))
      sum += scaledB * load<f64>(at(second, k))
      sum += scaledC * load<f64>(at(third, k))
      sum += scaledD * load<f64>(at(fourth, k))
      store<f64>(at(products, k), sum)
    }
    products = at(products, i + 1)
  }
}

/**
 * Adds rows of one weight to means and products of `width` features and the target.
 * @param deltas room for four rows of `width` + 1 numbers and one more each
 * @returns the sum of weights
 */
export function addMoments(
  x: usize,
  targets: usize,
  rows: i32,
  width: i32,
  mean: usize,
  products: usize,
  deltas: usize,
  total: f64,
  weight: f64,
): f64 {
  const stride = (<usize>width) << 3
  const size = width + 1
  const room = at(0, size + 1)
  let row = 0
  for (; row + 3 < rows; row += 4) {
    total += weight
    const rateA = weight / total
    move(x, width, load<f64>(at(targets, row)), mean, rateA, deltas)
    x += stride
    total += weight
    const rateB = weight / total
    move(x, width, load<f64>(at(targets, row), 8), mean, rateB, deltas + room)
    x += stride
    total += weight
    const rateC = weight / total
    move(x, width, load<f64>(at(targets, row), 16), mean, rateC, deltas + 2 * room)
    x += stride
    total += weight
    const rateD = weight / total
    move(x, width, load<f64>(at(targets, row), 24), mean, rateD, deltas + 3 * room)
    x += stride
    addFour(
      size,
      weight * (1 - rateA),
      weight * (1 - rateB),
      weight * (1 - rateC),
      weight * (1 - rateD),
      deltas,
      room,
      products,
    )
  }
  for (; row < rows; row++, x += stride) {
    total += weight
    const rate = weight / total
    move(x, width, load<f64>(at(targets, row)), mean, rate, deltas)
    addOne(size, weight * (1 - rate), deltas, products)
  }
  return total
}

/** Place of a pair of indexes in the lower triangle without its diagonal. */
function pairAt(j: i32, k: i32): i32 {
  return k < j ? (j * (j - 1)) / 2 + k : (k * (k - 1)) / 2 + j
}

/**
 * Adds rows of one weight to the sums by one-hot index.
 * @returns the active indexes at and above `used`, which are left out
 */
export function addGroups(
  x: usize,
  targets: usize,
  hot: usize,
  rows: i32,
  width: i32,
  slots: i32,
  used: i32,
  weight: f64,
  weights: usize,
  slotOf: usize,
  means: usize,
  pairs: usize,
): i32 {
  const stride = (<usize>width) << 3
  let ignored = 0
  for (let row = 0; row < rows; row++, x += stride, hot += (<usize>slots) << 2) {
    const target = load<f64>(at(targets, row))
    for (let s = 0; s < slots; s++) {
      const j = load<i32>(hot + ((<usize>s) << 2))
      if (j < 0) continue
      if (j >= used) {
        ignored++
        continue
      }
      const total = load<f64>(at(weights, j)) + weight
      store<f64>(at(weights, j), total)
      store<i32>(slotOf + ((<usize>j) << 2), s)
      const rate = weight / total
      const rates = f64x2.splat(rate)
      const group = at(means, j * (width + 1))
      let i = 0
      for (; i + 1 < width; i += 2) {
        const m = v128.load(at(group, i))
        v128.store(at(group, i), f64x2.add(m, f64x2.mul(rates, f64x2.sub(v128.load(at(x, i)), m))))
      }
      if (i < width) {
        const m = load<f64>(at(group, i))
        store<f64>(at(group, i), m + rate * (load<f64>(at(x, i)) - m))
      }
      const m = load<f64>(at(group, width))
      store<f64>(at(group, width), m + rate * (target - m))
      for (let t = 0; t < s; t++) {
        const k = load<i32>(hot + ((<usize>t) << 2))
        if (k < 0 || k >= used) continue
        const pair = at(pairs, pairAt(j, k))
        store<f64>(pair, load<f64>(pair) + weight)
      }
    }
  }
  return ignored
}

/** The same number of two rows, less what stands for its column. */
function centred(row: usize, stride: usize, centre: v128): v128 {
  return f64x2.sub(f64x2.replace_lane(f64x2.splat(load<f64>(row)), 1, load<f64>(row + stride)), centre)
}

/**
 * offset + dense . (x - centre) + the weights of the active indexes below `known`, in this order, kept within the
 * two bounds; eight rows at once.
 */
export function ridgePredictions(
  x: usize,
  hot: usize,
  rows: i32,
  width: i32,
  slots: i32,
  offset: f64,
  centre: usize,
  dense: usize,
  hotWeights: usize,
  known: i32,
  lowest: f64,
  highest: f64,
  out: usize,
): void {
  const stride = (<usize>width) << 3
  let row = 0
  for (; row + 7 < rows; row += 8, x += 8 * stride) {
    let a = f64x2.splat(offset)
    let b = a
    let c = a
    let d = a
    for (let i: usize = 0; i < stride; i += 8) {
      const weight = f64x2.splat(load<f64>(dense + i))
      const middle = f64x2.splat(load<f64>(centre + i))
      const p = x + i
      a = f64x2.add(a, f64x2.mul(weight, centred(p, stride, middle)))
      b = f64x2.add(b, f64x2.mul(weight, centred(p + 2 * stride, stride, middle)))
      c = f64x2.add(c, f64x2.mul(weight, centred(p + 4 * stride, stride, middle)))
      d = f64x2.add(d, f64x2.mul(weight, centred(p + 6 * stride, stride, middle)))
    }
    v128.store(at(out, row), a)
    v128.store(at(out, row), b, 16)
    v128.store(at(out, row), c, 32)
    v128.store(at(out, row), d, 48)
  }
  for (; row < rows; row++, x += stride) {
    let value = offset
    for (let i: usize = 0; i < stride; i += 8) {
      value += load<f64>(dense + i) * (load<f64>(x + i) - load<f64>(centre + i))
    }
    store<f64>(at(out, row), value)
  }
  for (row = 0; row < rows; row++, hot += (<usize>slots) << 2) {
    let value = load<f64>(at(out, row))
    for (let s = 0; s < slots; s++) {
      const j = load<i32>(hot + ((<usize>s) << 2))
      if (<u32>j < <u32>known) value += load<f64>(at(hotWeights, j))
    }
    store<f64>(at(out, row), max<f64>(lowest, min<f64>(highest, value)))
  }
}
