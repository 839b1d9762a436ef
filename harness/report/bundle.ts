/** Many curves told as one: the median of them with their range. A page does it again for those that its reader has chosen. */

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
    return places.flatMap((at, place): BundleRow[] => {
      const values = chosen.flatMap(({ values }) => values[place] ?? []).sort((a, b) => a - b)
      // Where only some reach, the median would jump.
      if (values.length === 0 || values.length < chosen.length / 2) return []
      const middle = (values[(values.length - 1) >> 1]! + values[values.length >> 1]!) / 2
      const range = { low: values[0]!, high: values.at(-1)! }
      const point = along === 'x' ? { x: at, y: middle } : { x: middle, y: at }
      return [{ ...point, ...range, place, line: `group ${colour}`, colour }]
    })
  })
}
