/** Where to write beside points so that nothing covers anything. Pixels, y downwards. */

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
const DISTANCES = [10, 18, 30, 46, 66]
const LEADER_FROM = 26

/**
 * Greedy: each label takes its best free place in the order given. Null where there is none.
 * @param obstacles boxes that a label should not cover (points, error bars, lines)
 */
export function placeLabels(
  anchors: readonly Anchor[],
  obstacles: readonly Box[],
  bounds: Box,
): (Placement | null)[] {
  const taken: Box[] = []
  return anchors.map((anchor) => {
    let best: { cost: number; box: Box; distance: number } | null = null
    for (const distance of DISTANCES) {
      for (const [order, [dx, dy]] of DIRECTIONS.entries()) {
        const box = boxAt(anchor, dx, dy, distance)
        if (!inside(box, bounds) || taken.some((other) => overlap(box, other, 3) > 0)) continue
        const covered = obstacles.reduce((sum, obstacle) => sum + overlap(box, obstacle, 2), 0)
        const cost = covered * 2 + distance + order * 0.9
        if (!best || cost < best.cost) best = { cost, box, distance }
      }
    }
    if (!best || best.cost > anchor.width * anchor.height) return null
    taken.push(best.box)
    const { box } = best
    const leader =
      best.distance < LEADER_FROM
        ? null
        : { x: clamp(anchor.x, box.x0, box.x1), y: clamp(anchor.y, box.y0, box.y1) }
    return { x: (box.x0 + box.x1) / 2, y: (box.y0 + box.y1) / 2, leader }
  })
}

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
