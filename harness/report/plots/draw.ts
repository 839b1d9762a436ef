/** A Vega-Lite spec in, a PNG or an SVG out: headless, laid out with the report's own font. */
import type { Canvas } from '@napi-rs/canvas'
import * as vega from 'vega'
import { compileSpec } from './compile.ts'
import { canvasLibrary, findFontsFor, measuringContext } from './text.ts'
import { FONT_FAMILY, fontRules } from './theme.ts'

const SCALE = 2

/** What Vega exports and its types leave out. */
interface TextMetrics {
  width(item: { fontSize?: number; fontWeight?: number | string; fontStyle?: string }, text: unknown): number
}

/** What Vega keeps to itself, and shows only in what it has drawn. */
interface LaidOutView {
  _viewWidth: number
  _viewHeight: number
}

/**
 * Draws at twice the spec's size. Encoding is left to the caller: it runs beside this thread, so that the next picture
 * can be drawn meanwhile.
 * @throws when the spec does not compile or a font is missing
 */
export async function drawPicture(spec: object): Promise<Canvas> {
  return laidOut(spec, async (view) => {
    const { width, height } = pictureSize(view)
    const canvas = canvasLibrary().createCanvas(Math.ceil(width * SCALE), Math.ceil(height * SCALE))
    const context = canvas.getContext('2d')
    context.fillStyle = '#ffffff'
    context.fillRect(0, 0, canvas.width, canvas.height)
    await view.toCanvas(SCALE, { externalContext: context })
    return canvas
  })
}

/**
 * The picture as an SVG that needs nothing else: the font that it was laid out with stands in it.
 * @throws when the spec does not compile or a font is missing
 */
export async function pictureSvg(spec: object): Promise<string> {
  const svg = await laidOut(spec, (view) => view.toSVG())
  const head = svg.indexOf('>') + 1
  return `${svg.slice(0, head)}<style>${fontRules()}</style>${svg.slice(head)}\n`
}

/** One picture at a time, since Vega measures text by a setting of the whole process. */
async function laidOut<Result>(spec: object, draw: (view: vega.View) => Promise<Result>): Promise<Result> {
  const view = new vega.View(vega.parse(compileSpec(spec)), { renderer: 'none', logLevel: vega.Error })
  try {
    const restore = measureWithCanvas()
    try {
      await view.runAsync()
      return await draw(view)
    } finally {
      restore()
    }
  } finally {
    view.finalize()
  }
}

/** Vega guesses text widths without a DOM; the layout is only right when it measures with the real font. */
function measureWithCanvas(): () => void {
  const metrics = (vega as unknown as { textMetrics: TextMetrics }).textMetrics
  const original = metrics.width
  const context = measuringContext()
  metrics.width = (item, text) => {
    context.font = `${item.fontStyle ?? 'normal'} ${item.fontWeight ?? 400} ${item.fontSize ?? 11}px ${FONT_FAMILY}`
    const lines = (Array.isArray(text) ? text : [text]).map((line) => String(line ?? ''))
    for (const line of lines) findFontsFor(line)
    return Math.max(0, ...lines.map((line) => context.measureText(line).width))
  }
  return () => {
    metrics.width = original
  }
}

/** With its padding, as the page would be sized for it. */
function pictureSize(view: vega.View): { width: number; height: number } {
  // Its types say that a padding may be one number; a view's own has four.
  const { left, right, top, bottom } = view.padding() as Record<'left' | 'right' | 'top' | 'bottom', number>
  const { _viewWidth, _viewHeight } = view as unknown as LaidOutView
  const size = { width: _viewWidth + left + right, height: _viewHeight + top + bottom }
  if (!(size.width > 0 && size.height > 0)) throw new Error('The picture has no size')
  return size
}
