/** Where to write beside points so that nothing covers anything, and the writing. Pixels, y downwards. */
import { FONT_SIZE, INK, MUTED } from './theme.ts'

/** Height of a label's line. */
export const LABEL_LINE = Math.round(FONT_SIZE.label * 1.25)

export interface Box {
  x0: number
  y0: number
  x1: number
  y1: number
}

export interface Anchor {
  x: number
  y: number
  /** Size of the text. */
  width: number
  height: number
}

/** Centre of the text, and whether it is so far from its point that it needs a line to it. */
export interface Placement {
  x: number
  y: number
  leader: { x: number; y: number } | null
}

const DIRECTIONS = [
  [1, 0],
  [0, -1],
  [1, -0.8],
  [-1, -0.8],
  [-1, 0],
  [1, 0.8],
  [-1, 0.8],
  [0, 1],
] as const
const DISTANCES = [10, 18, 30, 46, 66, 92]
const LEADER_FROM = 26

/**
 * Greedy: each label takes its best free place in the order given, where its line crosses no other label and no other
 * line crosses it. Null where there is none.
 * @param obstacles boxes that a label should not cover (points, error bars, lines)
 */
export function placeLabels(
  anchors: readonly Anchor[],
  obstacles: readonly Box[],
  bounds: Box,
): (Placement | null)[] {
  const taken: Box[] = []
  const leaders: Segment[] = []
  return anchors.map((anchor) => {
    let best: { cost: number; box: Box; leader: Segment | null } | null = null
    for (const distance of DISTANCES) {
      for (const [order, [dx, dy]] of DIRECTIONS.entries()) {
        const box = boxAt(anchor, dx, dy, distance)
        if (!inside(box, bounds) || taken.some((other) => overlap(box, other, 3) > 0)) continue
        const leader = distance < LEADER_FROM ? null : leaderTo(box, anchor)
        const isCrossing =
          leaders.some((other) => passes(other, box) || (leader !== null && cross(other, leader))) ||
          (leader !== null && taken.some((other) => passes(leader, other)))
        if (isCrossing) continue
        const covered = obstacles.reduce((sum, obstacle) => sum + overlap(box, obstacle, 2), 0)
        const cost = covered * 2 + distance + order * 0.9
        if (!best || cost < best.cost) best = { cost, box, leader }
      }
    }
    if (!best || best.cost > anchor.width * anchor.height) return null
    const { box, leader } = best
    taken.push(box)
    if (leader !== null) leaders.push(leader)
    return { x: (box.x0 + box.x1) / 2, y: (box.y0 + box.y1) / 2, leader: leader?.to ?? null }
  })
}

/** Texts by their centres; under the letters a white outline, so that grid and lines do not run through them. */
export function labelLayers(labels: readonly { x: number; y: number; text: string; quiet?: boolean }[]) {
  const layer = (name: string, mark: Record<string, unknown>, fill: Record<string, unknown>) => ({
    name,
    data: { values: labels },
    mark: { type: 'text', align: 'center', baseline: 'middle', fontSize: FONT_SIZE.label, ...mark },
    encoding: { x: pixel('x'), y: pixel('y'), text: { field: 'text' }, fill },
  })
  return [
    layer('halo', { stroke: '#ffffff', strokeWidth: 4, strokeJoin: 'round' }, { value: '#ffffff' }),
    layer('label', {}, { condition: { test: 'datum.quiet', value: MUTED }, value: INK }),
  ]
}

/** A channel of places in the picture. */
export function pixel(field: string) {
  return { field, type: 'quantitative', scale: null }
}

// ---------------------------------------------------------------- lines from points to texts that stand apart

interface Place {
  x: number
  y: number
}

interface Segment {
  from: Place
  to: Place
}

function leaderTo(box: Box, { x, y }: Anchor): Segment {
  return { from: { x, y }, to: { x: clamp(x, box.x0, box.x1), y: clamp(y, box.y0, box.y1) } }
}

/** Whether the segment has a point within the box: the box is cut by each side in turn (Liang & Barsky 1984). */
function passes({ from, to }: Segment, box: Box): boolean {
  let [first, last] = [0, 1]
  const [dx, dy] = [to.x - from.x, to.y - from.y]
  for (const [step, room] of [
    [-dx, from.x - box.x0],
    [dx, box.x1 - from.x],
    [-dy, from.y - box.y0],
    [dy, box.y1 - from.y],
  ] as const) {
    if (step === 0 && room < 0) return false
    if (step < 0) first = Math.max(first, room / step)
    if (step > 0) last = Math.min(last, room / step)
  }
  return first <= last
}

/** Whether two segments cross. */
function cross(a: Segment, b: Segment): boolean {
  const side = ({ from, to }: Segment, { x, y }: Place) =>
    Math.sign((to.x - from.x) * (y - from.y) - (to.y - from.y) * (x - from.x))
  return side(a, b.from) !== side(a, b.to) && side(b, a.from) !== side(b, a.to)
}

// ---------------------------------------------------------------- boxes

function boxAt(anchor: Anchor, dx: number, dy: number, distance: number): Box {
  const x = anchor.x + dx * (distance + anchor.width / 2)
  const y = anchor.y + dy * (distance + anchor.height / 2)
  return {
    x0: x - anchor.width / 2,
    x1: x + anchor.width / 2,
    y0: y - anchor.height / 2,
    y1: y + anchor.height / 2,
  }
}

function inside(box: Box, bounds: Box): boolean {
  return box.x0 >= bounds.x0 && box.x1 <= bounds.x1 && box.y0 >= bounds.y0 && box.y1 <= bounds.y1
}

/** Area that two boxes share once one is grown by `air`. */
function overlap(a: Box, b: Box, air: number): number {
  const width = Math.min(a.x1 + air, b.x1) - Math.max(a.x0 - air, b.x0)
  const height = Math.min(a.y1 + air, b.y1) - Math.max(a.y0 - air, b.y0)
  return width > 0 && height > 0 ? width * height : 0
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high)
}
