/** Cleaning, formulas and rows of features, a column at a time, with the bits of `pipeline/clean` and `pipeline/features`. */

function at(values: usize, i: i32): usize {
  return values + ((<usize>i) << 3)
}

function int(values: usize, i: i32): usize {
  return values + ((<usize>i) << 2)
}

/** The first value that is NaN, or `rows`. */
export function firstGap(values: usize, rows: i32): i32 {
  let row = 0
  for (; row + 3 < rows; row += 4) {
    const a = v128.load(at(values, row))
    const b = v128.load(at(values, row), 16)
    if (v128.any_true(v128.or(f64x2.ne(a, a), f64x2.ne(b, b)))) break
  }
  for (; row < rows; row++) {
    const value = load<f64>(at(values, row))
    if (value !== value) return row
  }
  return rows
}

/**
 * Mean imputation of four columns side by side, each in the order of its rows; a state has count, sum, what stands for
 * a mean before there is one, and takes the number of gaps filled.
 */
export function fillMeans(a: usize, b: usize, c: usize, d: usize, rows: i32, states: usize): void {
  let count1 = load<f64>(states)
  let sum1 = load<f64>(states, 8)
  let count2 = load<f64>(states, 32)
  let sum2 = load<f64>(states, 40)
  let count3 = load<f64>(states, 64)
  let sum3 = load<f64>(states, 72)
  let count4 = load<f64>(states, 96)
  let sum4 = load<f64>(states, 104)
  for (let row: usize = 0; row < (<usize>rows) << 3; row += 8) {
    const value1 = load<f64>(a + row)
    if (value1 === value1) {
      count1 += 1
      sum1 += value1
    } else fill(a + row, states, count1, sum1)
    const value2 = load<f64>(b + row)
    if (value2 === value2) {
      count2 += 1
      sum2 += value2
    } else fill(b + row, states + 32, count2, sum2)
    const value3 = load<f64>(c + row)
    if (value3 === value3) {
      count3 += 1
      sum3 += value3
    } else fill(c + row, states + 64, count3, sum3)
    const value4 = load<f64>(d + row)
    if (value4 === value4) {
      count4 += 1
      sum4 += value4
    } else fill(d + row, states + 96, count4, sum4)
  }
  store<f64>(states, count1)
  store<f64>(states, sum1, 8)
  store<f64>(states, count2, 32)
  store<f64>(states, sum2, 40)
  store<f64>(states, count3, 64)
  store<f64>(states, sum3, 72)
  store<f64>(states, count4, 96)
  store<f64>(states, sum4, 104)
}

function fill(value: usize, state: usize, count: f64, sum: f64): void {
  store<f64>(value, count === 0 ? load<f64>(state, 16) : sum / count)
  store<f64>(state, load<f64>(state, 24) + 1, 24)
}

/** Replaces each code by that of `table` at the code + 1. @returns the first row whose code there is -2, or `rows` */
export function respell(codes: usize, from: i32, rows: i32, table: usize): i32 {
  for (let row = from; row < rows; row++) {
    const code = load<i32>(int(table, load<i32>(int(codes, row)) + 1))
    if (code === -2) return row
    store<i32>(int(codes, row), code)
  }
  return rows
}

export function minus(out: usize, rows: i32, a: usize, b: usize): void {
  for (let i = 0; i < rows; i += 2)
    v128.store(at(out, i), f64x2.sub(v128.load(at(a, i)), v128.load(at(b, i))))
}

export function times(out: usize, rows: i32, a: usize, b: usize): void {
  for (let i = 0; i < rows; i += 2)
    v128.store(at(out, i), f64x2.mul(v128.load(at(a, i)), v128.load(at(b, i))))
}

export function plus(out: usize, rows: i32, a: usize, constant: f64): void {
  const constants = f64x2.splat(constant)
  for (let i = 0; i < rows; i += 2) v128.store(at(out, i), f64x2.add(v128.load(at(a, i)), constants))
}

/** Year of months since year 0. */
export function year(out: usize, rows: i32, months: usize): void {
  const twelve = f64x2.splat(12)
  for (let i = 0; i < rows; i += 2) {
    v128.store(at(out, i), f64x2.floor(f64x2.div(v128.load(at(months, i)), twelve)))
  }
}

/** Month of months since year 0, 1 for January. */
export function month(out: usize, rows: i32, months: usize): void {
  const twelve = f64x2.splat(12)
  const one = f64x2.splat(1)
  for (let i = 0; i < rows; i += 2) {
    const a = v128.load(at(months, i))
    const years = f64x2.floor(f64x2.div(a, twelve))
    v128.store(at(out, i), f64x2.add(f64x2.sub(a, f64x2.mul(twelve, years)), one))
  }
}

/** kg / (m * m). */
export function bodyMassIndex(out: usize, rows: i32, kg: usize, m: usize): void {
  for (let i = 0; i < rows; i += 2) {
    const metres = v128.load(at(m, i))
    v128.store(at(out, i), f64x2.div(v128.load(at(kg, i)), f64x2.mul(metres, metres)))
  }
}

export function decade(out: usize, rows: i32, years: usize): void {
  const ten = f64x2.splat(10)
  for (let i = 0; i < rows; i += 2) {
    v128.store(at(out, i), f64x2.mul(f64x2.floor(f64x2.div(v128.load(at(years, i)), ten)), ten))
  }
}

/** 1 where a pick is from 1 to `picks` and experience at most `seasons`, else 0. */
export function rookie(
  out: usize,
  rows: i32,
  experience: usize,
  pick: usize,
  picks: f64,
  seasons: f64,
): void {
  const one = f64x2.splat(1)
  const lastPick = f64x2.splat(picks)
  const lastSeason = f64x2.splat(seasons)
  for (let i = 0; i < rows; i += 2) {
    const picked = v128.load(at(pick, i))
    const firstRound = v128.and(f64x2.ge(picked, one), f64x2.le(picked, lastPick))
    const early = f64x2.le(v128.load(at(experience, i)), lastSeason)
    v128.store(at(out, i), v128.and(one, v128.and(firstRound, early)))
  }
}

/** Values of `table` at whole places from 0 to `last`. @returns the first row whose place is none, or `rows` */
export function lookUp(out: usize, rows: i32, places: usize, table: usize, last: f64): i32 {
  for (let i = 0; i < rows; i++) {
    const place = load<f64>(at(places, i))
    if (!(place >= 0 && place <= last)) return i
    const whole = <i32>place
    if (<f64>whole !== place) return i
    store<f64>(at(out, i), load<f64>(at(table, whole)))
  }
  return rows
}

/**
 * Writes columns as rows of `width`.
 * @param columns pointers of 32 bits, one for each
 */
export function toRows(columns: usize, width: i32, rows: i32, out: usize): void {
  const stride = (<usize>width) << 3
  let j = 0
  for (; j + 1 < width; j += 2) {
    const a = load<usize>(int(columns, j))
    const b = load<usize>(int(columns, j), 4)
    let to = at(out, j)
    let row = 0
    for (; row + 1 < rows; row += 2) {
      const p = v128.load(at(a, row))
      const q = v128.load(at(b, row))
      v128.store(to, v128.shuffle<f64>(p, q, 0, 2))
      v128.store(to + stride, v128.shuffle<f64>(p, q, 1, 3))
      to += 2 * stride
    }
    if (row < rows) {
      store<f64>(to, load<f64>(at(a, row)))
      store<f64>(to, load<f64>(at(b, row)), 8)
    }
  }
  if (j < width) {
    const a = load<usize>(int(columns, j))
    let to = at(out, j)
    for (let row = 0; row < rows; row++, to += stride) store<f64>(to, load<f64>(at(a, row)))
  }
}

/**
 * Writes the one-hot indexes of rows from `from` on, and how many indexes there are so far.
 * @param codes and `tables`: pointers of 32 bits, one for each slot; a table has the index of each code
 * @returns the first row with a code that has no index yet, or `rows`
 */
export function oneHot(
  codes: usize,
  tables: usize,
  slots: i32,
  from: i32,
  rows: i32,
  out: usize,
  sizes: usize,
  size: i32,
): i32 {
  let to = int(out, from * slots)
  for (let row = from; row < rows; row++) {
    for (let s = 0; s < slots; s++, to += 4) {
      let index = load<i32>(int(load<usize>(int(codes, s)), row))
      if (index >= 0) {
        index = load<i32>(int(load<usize>(int(tables, s)), index))
        if (index < 0) return row
      }
      store<i32>(to, index)
    }
    store<i32>(int(sizes, row), size)
  }
  return rows
}
