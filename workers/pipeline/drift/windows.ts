/** Which rows the windows of Kolmogorov-Smirnov take, which are many: by row, so never by chunk. */

const EVERY_ROW_UNTIL = 4096

/**
 * Writes to `places` which of `count` rows after the first `before` they take, and returns how many: all of the first
 * 4,096, then one in `stride`.
 */
export function windowedPlaces(before: number, count: number, stride: number, places: Int32Array): number {
  let found = 0
  for (let place = 0; place < count; ) {
    const row = before + place
    const phase = row < EVERY_ROW_UNTIL ? 0 : row % stride
    if (phase === 0) {
      places[found] = place
      found += 1
    }
    place += row < EVERY_ROW_UNTIL ? 1 : stride - phase
  }
  return found
}
