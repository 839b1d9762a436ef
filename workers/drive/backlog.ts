/** How many events waited over time, in constant memory, and whether they became more and more. */

/** Points of the curve at most. */
const MOST_SLOTS = 1000
/** Width of a slot before slots are put together, ms. */
const FIRST_SLOT_MS = 1

// The test of growth, whose error rates stand in docs/guides/realtime.md; test/unit/drive/open.test.ts simulates them.
/** Until a queue that starts empty has come to its level, as a share of the time. */
const START_UP = 0.1
const GROUPS = 10
/** 99% quantile of Student's t with GROUPS - 2 degrees of freedom: one in a hundred steady queues seems to grow. */
const T_99 = 2.896
/** Growth below this share of what arrives is taken for none. */
const SLIGHT = 0.01
/** As many of all events as wait when the last has arrived say that the workload fell behind late. */
const LEFT_OVER = 0.05
/** Too few events to tell. */
const FEWEST = 20

export class Backlog {
  max = 0
  private slotMs = FIRST_SLOT_MS
  private readonly sums = new Float64Array(MOST_SLOTS)
  private readonly counts = new Float64Array(MOST_SLOTS)

  /** @param at ms from the start of the clock */
  add(at: number, rows: number): void {
    if (rows > this.max) this.max = rows
    let slot = Math.floor(at / this.slotMs)
    while (slot >= MOST_SLOTS) {
      this.halve()
      slot = Math.floor(at / this.slotMs)
    }
    this.sums[slot]! += rows
    this.counts[slot]! += 1
  }

  get bytes(): number {
    return this.sums.byteLength + this.counts.byteLength
  }

  /** Width of a slot, ms. */
  get everyMs(): number {
    return this.slotMs
  }

  /** Mean of each slot in which a chunk began: time of its middle, s, and rows. */
  points(): { at: number; rows: number }[] {
    const points: { at: number; rows: number }[] = []
    for (let slot = 0; slot < MOST_SLOTS; slot++) {
      if (this.counts[slot]! === 0) continue
      points.push({ at: ((slot + 0.5) * this.slotMs) / 1000, rows: this.sums[slot]! / this.counts[slot]! })
    }
    return points
  }

  /** Least-squares slope, rows per second; null where there are too few points. */
  slope(): number | null {
    return lineThrough(this.points())?.slope ?? null
  }

  /**
   * Whether the backlog grew: by the slope of means over tenths of the time (the first left out), which are nearly
   * independent of each other, or by what is left over at the end.
   * @param arrived events, over `seconds`
   * @param left events that waited when the last had arrived
   * @returns null where there are too few to tell
   */
  grew(arrived: number, seconds: number, left: number): boolean | null {
    if (arrived < FEWEST || seconds <= 0) return null
    if (left > Math.max(FEWEST, LEFT_OVER * arrived)) return true
    const begin = START_UP * seconds
    const width = (seconds - begin) / GROUPS
    const groups = Array.from({ length: GROUPS }, () => ({ sum: 0, count: 0 }))
    for (const { at, rows } of this.points()) {
      const group = groups[Math.min(GROUPS - 1, Math.floor((at - begin) / width))]
      if (group === undefined) continue
      group.sum += rows
      group.count += 1
    }
    // Where no chunk began, nothing waited, or one step took all the time: the fit goes by the others.
    const means = groups.flatMap(({ sum, count }, i) =>
      count === 0 ? [] : [{ at: (i + 0.5) * width, rows: sum / count }],
    )
    const line = lineThrough(means)
    if (line === null) return null
    return line.slope > (SLIGHT * arrived) / seconds && line.slope > T_99 * line.error
  }

  /** Puts two slots into one each. */
  private halve(): void {
    this.slotMs *= 2
    for (let slot = 0; slot < MOST_SLOTS; slot++) {
      for (const values of [this.sums, this.counts]) {
        values[slot] = 2 * slot < MOST_SLOTS ? values[2 * slot]! + values[2 * slot + 1]! : 0
      }
    }
  }
}

/** A straight line by least squares; null for fewer than three points. */
function lineThrough(
  points: readonly { at: number; rows: number }[],
): { slope: number; error: number } | null {
  const n = points.length
  if (n < 3) return null
  const meanAt = points.reduce((sum, { at }) => sum + at, 0) / n
  const meanRows = points.reduce((sum, { rows }) => sum + rows, 0) / n
  let sxx = 0
  let sxy = 0
  for (const { at, rows } of points) {
    sxx += (at - meanAt) ** 2
    sxy += (at - meanAt) * (rows - meanRows)
  }
  const slope = sxy / sxx
  const squares = points.reduce(
    (sum, { at, rows }) => sum + (rows - meanRows - slope * (at - meanAt)) ** 2,
    0,
  )
  return { slope, error: Math.sqrt(squares / (n - 2) / sxx) }
}
