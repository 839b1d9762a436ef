/** The labels beside the points of the front. */
import { settingLabel } from '../text/words.ts'
import { type Box, placeLabels } from './labels.ts'
import { textWidth } from './measure.ts'
import { position } from './scale.ts'
import { FONT_SIZE } from './theme.ts'
import { HEIGHT, type Picture, WIDTH } from './tradeoff-layout.ts'

const LABEL_LINE = Math.round(FONT_SIZE.label * 1.25)

export interface FrontLabel {
  /** Centre of the text, px. */
  x: number
  y: number
  text: string
  /** From the point to the text, where they are apart. */
  leader: { x0: number; y0: number; x1: number; y1: number } | null
}

/** What colour and shape do not tell, written beside the points of the front. */
export function labelFront({ points, front, encoding, xs, ys, shown, intervals }: Picture): FrontLabel[] {
  const texts = front.map(({ scenario }) =>
    encoding.others.map((key) => settingLabel(key, scenario.flat[key])).join(' · '),
  )
  const pixels = (x: number, y: number) => ({ x: position(xs, x) * WIDTH, y: (1 - position(ys, y)) * HEIGHT })
  const obstacles: Box[] = shown.map(({ value, text }) => {
    const { y } = pixels(xs.domain[0], value)
    return { x0: 0, x1: textWidth(text, FONT_SIZE.label) + 8, y0: y - LABEL_LINE - 6, y1: y + 2 }
  })
  for (const { x, y } of points) {
    const at = pixels(x.value, y.value)
    const radius = intervals ? 8 : 4
    obstacles.push({ x0: at.x - radius, x1: at.x + radius, y0: at.y - radius, y1: at.y + radius })
    if (!intervals || x.low === null || x.high === null) continue
    const from = pixels(Math.max(x.low, xs.domain[0]), y.value)
    obstacles.push({ x0: from.x, x1: pixels(x.high, y.value).x, y0: at.y - 1, y1: at.y + 1 })
  }
  for (const [i, point] of front.entries()) {
    const from = pixels(point.x.value, point.y.value)
    const next = front[i + 1]
    if (!next) continue
    const to = pixels(next.x.value, next.y.value)
    obstacles.push({ x0: from.x, x1: to.x, y0: from.y - 1, y1: from.y + 1 })
    obstacles.push({ x0: to.x - 1, x1: to.x + 1, y0: to.y, y1: from.y })
  }
  const anchors = front.map(({ x, y }, i) => ({
    ...pixels(x.value, y.value),
    width: textWidth(texts[i]!, FONT_SIZE.label),
    height: LABEL_LINE,
  }))
  const wanted = anchors.map((anchor, i) => ({ anchor, text: texts[i]! })).filter(({ text }) => text !== '')
  const places = placeLabels(
    wanted.map(({ anchor }) => anchor),
    obstacles,
    { x0: 0, x1: WIDTH + 14, y0: -4, y1: HEIGHT - 2 },
  )
  return wanted.flatMap(({ anchor, text }, i) => {
    const place = places[i]
    if (!place) return []
    const leader = place.leader && { x0: anchor.x, y0: anchor.y, x1: place.leader.x, y1: place.leader.y }
    return [{ x: place.x, y: place.y, text, leader }]
  })
}
