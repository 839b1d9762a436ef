/** Which rows the windowed detectors take, and how large their windows are. */

/** Many streams are tested many times, so that one test must seldom be wrong. */
export const WINDOW = { window: 256, alpha: 1e-5 }

/** Each sixteenth row behind this one is enough for windows, which are many: by row, so never by chunk. */
const EVERY_ROW_UNTIL = 4096
const THEN_EACH = 16

/** Writes to `places` which of `count` rows behind the first `before` windows take, and returns how many. */
export function windowedPlaces(before: number, count: number, places: Int32Array): number {
  let found = 0
  for (let place = 0; place < count; ) {
    const row = before + place
    const phase = row < EVERY_ROW_UNTIL ? 0 : row % THEN_EACH
    if (phase === 0) {
      places[found] = place
      found += 1
    }
    place += row < EVERY_ROW_UNTIL ? 1 : THEN_EACH - phase
  }
  return found
}
