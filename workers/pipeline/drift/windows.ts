/** Which rows the windowed detectors take, and how large their windows are. */

/** Many streams are tested many times, so that one test must seldom be wrong. */
export const WINDOW = { window: 256, alpha: 1e-5 }

/** Each sixteenth row behind this one is enough for windows, which are many: by row, so never by chunk. */
const EVERY_ROW_UNTIL = 4096
const THEN_EACH = 16

/** Of `count` rows behind the first `before`, the places of those that windows take. */
export function windowedPlaces(before: number, count: number): Int32Array {
  const places = new Int32Array(count)
  let found = 0
  for (let place = 0; place < count; ) {
    const row = before + place
    places[found] = place
    if (row < EVERY_ROW_UNTIL || row % THEN_EACH === 0) found += 1
    place += row < EVERY_ROW_UNTIL ? 1 : THEN_EACH - (row % THEN_EACH)
  }
  return places.subarray(0, found)
}
