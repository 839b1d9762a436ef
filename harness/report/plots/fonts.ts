/** Inter, for pictures and for the HTML report: the same letters everywhere, and text measured as it is drawn. */
import { readFileSync } from 'node:fs'
import { createCanvas, GlobalFonts, type SKRSContext2D } from '@napi-rs/canvas'
import { builtFile } from '../../package-folder.ts'

export const FONT_FAMILY = 'Inter'

const FACES = [
  { weight: 400, file: 'Inter_400Regular.ttf' },
  { weight: 600, file: 'Inter_600SemiBold.ttf' },
] as const

export interface FontFace {
  weight: number
  path: string
}

export function fontFaces(): FontFace[] {
  return FACES.map(({ weight, file }) => ({
    weight,
    path: builtFile(`assets/${file}`),
  }))
}

/** A face as a `data:` URL, for pages that must not load anything. */
export function fontDataUrl(face: FontFace): string {
  return `data:font/ttf;base64,${readFileSync(face.path).toString('base64')}`
}

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
