/** Where a continuous function crosses 0. */

const MOST_STEPS = 200
/** Ends this near to each other, as a share, are one. */
const SAME = 1e-13

interface Place {
  x: number
  y: number
}

/**
 * By the Illinois method (Dowell & Jarratt 1971).
 * @param low where the function has one sign
 * @param high where it has the other
 * @param tolerance what counts as 0
 */
export function rootBetween(f: (x: number) => number, low: Place, high: Place, tolerance: number): number {
  let stayed: 'low' | 'high' | null = null
  for (let step = 0; step < MOST_STEPS; step++) {
    const x = high.x - (high.y * (high.x - low.x)) / (high.y - low.y)
    const y = f(x)
    if (Math.abs(y) < tolerance || Math.abs(high.x - low.x) < SAME * Math.abs(x)) return x
    // An end that stays twice is halved, or it would stay for good.
    if (y > 0 === low.y > 0) {
      if (stayed === 'high') high = { x: high.x, y: high.y / 2 }
      low = { x, y }
      stayed = 'high'
    } else {
      if (stayed === 'low') low = { x: low.x, y: low.y / 2 }
      high = { x, y }
      stayed = 'low'
    }
  }
  return (low.x + high.x) / 2
}
