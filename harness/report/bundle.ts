/**
 * Many scenarios told as one: the median of their curves with the range, the mean of their bars. A page does it again for
 * those that its reader has chosen.
 */
import { formatNumber, formatShare } from '../format.ts'

/** The curves of one panel, each at the same places. */
export interface Bundle {
  /** Name of the data set in the picture's specification. */
  data: string
  /** Which of a curve's two coordinates the places are. */
  along: 'x' | 'y'
  places: readonly number[]
  groups: readonly {
    colour: string | null
    /** `about`: the scenarios that share the curve; values by place, null beyond its ends. */
    curves: readonly { about: readonly string[]; values: readonly (number | null)[] }[]
  }[]
}

/** A row of the data set. */
export interface BundleRow {
  x: number
  y: number
  low: number
  high: number
  place: number
  line: string
  colour: string | null
}

/** @param isChosen by the scenarios of a curve, whether it counts */
export function bundleRows(
  { along, places, groups }: Bundle,
  isChosen: (about: readonly string[]) => boolean,
): BundleRow[] {
  return groups.flatMap(({ colour, curves }) => {
    const chosen = curves.filter(({ about }) => isChosen(about))
    // Of thousands of curves: one array of numbers for all places, which is far quicker to fill and to sort.
    const room = new Float64Array(chosen.length)
    return places.flatMap((at, place): BundleRow[] => {
      let filled = 0
      for (const { values } of chosen) {
        const value = values[place]
        if (value != null) room[filled++] = value
      }
      const values = room.subarray(0, filled).sort()
      // Where only some reach, the median would jump.
      if (values.length === 0 || values.length < chosen.length / 2) return []
      const middle = (values[(values.length - 1) >> 1]! + values[values.length >> 1]!) / 2
      const range = { low: values[0]!, high: values.at(-1)! }
      const point = along === 'x' ? { x: at, y: middle } : { x: middle, y: at }
      return [{ ...point, ...range, place, line: `group ${colour}`, colour }]
    })
  })
}

/** Bars in parts, each the mean of several scenarios. */
export interface Stack {
  /** Name of the data set in the picture's specification. */
  data: string
  /** Names of the parts, in their order within a bar. */
  parts: readonly string[]
  /** `us`: of each part, microseconds per row. */
  bars: readonly { bar: string; scenarios: readonly { about: string; us: readonly number[] }[] }[]
}

/** A row of the data set: a part of a bar. */
export interface StackRow {
  about: string[]
  bar: string
  part: string
  from: number
  to: number
  tip: string
}

/** @param isChosen by a scenario, whether it counts; a bar of which none counts is not there */
export function stackRows(
  { parts, bars }: Stack,
  isChosen: (about: readonly string[]) => boolean,
): StackRow[] {
  return bars.flatMap(({ bar, scenarios }) => {
    const chosen = scenarios.filter(({ about }) => isChosen([about]))
    const about = chosen.map(({ about }) => about)
    const means = parts.map((_, i) => chosen.reduce((sum, { us }) => sum + us[i]!, 0) / chosen.length)
    const total = means.reduce((a, b) => a + b, 0)
    let from = 0
    return means.flatMap((us, i): StackRow[] => {
      // Also where none is chosen, and the mean is none.
      if (!(us > 0)) return []
      const part = parts[i]!
      const tip = `${part}: ${formatNumber(us)} µs per row, ${formatShare(us / total, 2)}`
      const row = { about, bar, part, from, to: from + us, tip }
      from += us
      return [row]
    })
  })
}
