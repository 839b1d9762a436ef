/** Where along the stream a change lies, in the simplest shape that explains its profile. */
import type { GateProfile, Where } from './types.ts'

/** How much better than "everywhere" a shape must be (Kass and Raftery 1995: strong evidence). */
const STRONG = 6
const FEWEST = 6

/**
 * By the Bayesian information criterion, from the logarithms of the stretches' ratios.
 * @param profile with the ratio of each stretch of the stream
 */
export function whereOf({ ratio, chunks }: Pick<GateProfile, 'ratio' | 'chunks'>): Where {
  const logs = ratio.map(Math.log)
  const n = logs.length
  if (n < FEWEST) return { shape: 'everywhere' }
  const at = (stretch: number) => Math.round((stretch * chunks) / n)
  const criterion = (rest: number, parameters: number) =>
    n * Math.log(Math.max(rest, 1e-12)) + parameters * Math.log(n)
  const sums = [0]
  for (const value of logs) sums.push(sums.at(-1)! + value)
  const total = sums[n]!
  const squares = logs.reduce((sum, value) => sum + value * value, 0)
  /** Rest of two levels: one from `from` up to `to`, the other elsewhere. */
  const rest = (from: number, to: number) => {
    const inside = sums[to]! - sums[from]!
    const outside = total - inside
    const m = to - from
    return squares - inside ** 2 / m - (m === n ? 0 : outside ** 2 / (n - m))
  }
  const levels = (from: number, to: number) => {
    const inside = (sums[to]! - sums[from]!) / (to - from)
    return { inside: Math.exp(inside), outside: Math.exp((total - inside * (to - from)) / (n - (to - from))) }
  }

  let best: { score: number; where: Where } = {
    score: criterion(rest(0, n), 1) - STRONG,
    where: { shape: 'everywhere' },
  }
  const offer = (score: number, where: () => Where) => {
    if (score < best.score) best = { score, where: where() }
  }
  for (let from = 1; from < n; from++) {
    offer(criterion(rest(from, n), 3), () => {
      const { inside, outside } = levels(from, n)
      return { shape: 'from', chunk: at(from), before: outside, after: inside }
    })
    for (let to = from + 1; to < n; to++) {
      offer(criterion(rest(from, to), 4), () => ({
        shape: 'between',
        ...{ from: at(from), to: at(to) },
        ...levels(from, to),
      }))
    }
  }
  const middle = (n - 1) / 2
  const spread = logs.reduce((sum, _, i) => sum + (i - middle) ** 2, 0)
  const slope = logs.reduce((sum, value, i) => sum + (i - middle) * value, 0) / spread
  const level = total / n
  const fitted = squares - total ** 2 / n - slope ** 2 * spread
  offer(criterion(fitted, 2), () => ({
    shape: 'growing',
    first: Math.exp(level - slope * middle),
    last: Math.exp(level + slope * middle),
  }))
  return best.where
}
