/** Inter, for pictures and for pages: the same letters everywhere. */
import { readFileSync } from 'node:fs'
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
