/** How wide is a text? Measured as it is drawn, with the pictures' own font. */
import { createCanvas, GlobalFonts, type SKRSContext2D } from '@napi-rs/canvas'
import { FONT_FAMILY, fontFaces } from './fonts.ts'

let measuring: SKRSContext2D | undefined

/**
 * Registers the faces once and returns the context that measures with them.
 * @throws when a font cannot be read: pictures in a fallback font would be laid out wrongly
 */
export function measuringContext(): SKRSContext2D {
  if (measuring) return measuring
  for (const face of fontFaces()) {
    // The library answers null where its types promise an object.
    const key: unknown = GlobalFonts.registerFromPath(face.path, FONT_FAMILY)
    if (!key) throw new Error(`Cannot register the font ${face.path}; install stint again`)
  }
  measuring = createCanvas(8, 8).getContext('2d')
  return measuring
}

/** Width of one line, px. */
export function textWidth(text: string, size: number, weight: 400 | 600 = 400): number {
  const context = measuringContext()
  context.font = `${weight} ${size}px ${FONT_FAMILY}`
  return context.measureText(text).width
}
