/** Text in pictures: how wide it is, and where its lines break. */
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { SKRSContext2D } from '@napi-rs/canvas'
import { count } from '../../format.ts'
import type { ReportModel } from '../types.ts'
import { plain } from '../words.ts'
import { config, FONT_FAMILY, FONT_SIZE, fontFaces, MUTED, trueType } from './theme.ts'

/** Breaks a text into lines of at most `width` px; a longer word keeps a line of its own. */
export function wrap(text: string, size: number, weight: 400 | 600, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && textWidth(longer, size, weight) > width) {
      lines.push(line)
      line = word
    } else line = longer
  }
  return [...lines, line]
}

/** Cuts a text to at most `width` px. */
export function ellipsis(text: string, size: number, width: number, weight: 400 | 600 = 400): string {
  if (textWidth(text, size, weight) <= width) return text
  let end = text.length
  while (end > 1 && textWidth(`${text.slice(0, end)}…`, size, weight) > width) end--
  return `${text.slice(0, end).trimEnd()}…`
}

/** A picture travels without its page: it names the sweep itself, and says that a run is not over. */
export function pictureSubtitle({ manifest, subtitle, trials }: ReportModel): string {
  const { name, search } = manifest.sweep
  const isPart = search === null ? trials.finished < trials.planned : manifest.finished_at === null
  const part =
    search === null
      ? `only ${trials.finished} of ${count(trials.planned, 'trial')} so far`
      : 'search not over'
  return [plain(name), subtitle, ...(isPart ? [part] : [])].join(' · ')
}

/**
 * What a picture begins with: a headline over what it is of, both broken at `width` px.
 * @param title what else holds of the two
 */
export function pictureFrame(
  alt: string,
  headline: string,
  subtitle: string,
  width: number,
  title: object = {},
) {
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    description: alt,
    config: config(),
    title: {
      text: wrap(headline, FONT_SIZE.title, 600, width),
      subtitle: wrap(subtitle, FONT_SIZE.subtitle, 400, width),
      ...title,
    },
  }
}

/** A layer of small print, its top `y` px below the plot's top. */
export function captionLayer(paragraphs: readonly string[], y: number, width: number) {
  const text = paragraphs.flatMap((paragraph) => wrap(paragraph, FONT_SIZE.caption, 400, width))
  return {
    name: 'caption',
    data: { values: [{}] },
    mark: {
      type: 'text',
      align: 'left',
      baseline: 'top',
      color: MUTED,
      fontSize: FONT_SIZE.caption,
      lineHeight: Math.round(FONT_SIZE.caption * 1.5),
    },
    encoding: { x: { value: 0 }, y: { value: y }, text: { value: text } },
  }
}

/** Small print as a view of its own, below others. */
export function captionView(paragraphs: readonly string[], width: number) {
  const { name: _, ...layer } = captionLayer(paragraphs, 0, width)
  const lines = layer.encoding.text.value.length
  return { width, height: lines * layer.mark.lineHeight, ...layer }
}

// ---------------------------------------------------------------- how wide is a text? Measured as it is drawn, with the pictures' own font

let measuring: SKRSContext2D | undefined
const require = createRequire(import.meta.url)

/** Texts that the own font has all signs for: most letters of Europe, punctuation, arrows, signs of mathematics. */
export const OWN_FONT =
  /^[\x20-\x7e\xa0-\u0148\u014a-\u017f\u0391-\u03a1\u03a3-\u03ce\u0410-\u044f\u2010-\u2027\u2030-\u203e\u2070\u2074-\u208e\u2190-\u2193\u2212\u221a\u221e\u2248\u2260\u2264\u2265\u2713\u26a0]*$/
let systemFonts = false
/** Variable by which the library is told to leave them alone. */
const NO_SYSTEM_FONTS = 'DISABLE_SYSTEM_FONTS_LOAD'

/** Loaded when something is drawn: reports without pictures save a tenth of a second. */
export function canvasLibrary(): typeof import('@napi-rs/canvas') {
  // As it loads it would look through all fonts of the system, for longer than a small report takes.
  const { env } = process
  Object.assign(env, { [NO_SYSTEM_FONTS]: '1' })
  try {
    return require('@napi-rs/canvas') as typeof import('@napi-rs/canvas')
  } finally {
    delete env[NO_SYSTEM_FONTS]
  }
}

/** Lets fonts of the system stand in where a text has signs that the own one lacks; nothing of this is needed without such a text. */
export function findFontsFor(text: string): void {
  if (systemFonts || OWN_FONT.test(text)) return
  systemFonts = true
  // The library's types leave it out.
  const { GlobalFonts } = canvasLibrary() as unknown as {
    GlobalFonts: { enableSystemFonts(folders: string[]): void }
  }
  GlobalFonts.enableSystemFonts(userFontFolders())
}

/** Where users keep fonts of their own. */
function userFontFolders(): string[] {
  let home: string
  try {
    home = homedir()
  } catch {
    // A user of a container may have none.
    return []
  }
  if (process.platform === 'darwin') return ['/Library/Fonts', join(home, 'Library', 'Fonts')]
  if (process.platform === 'win32') return [join(home, 'AppData', 'Local', 'Microsoft', 'Windows', 'Fonts')]
  return ['/usr/local/share/fonts', join(home, '.fonts'), join(home, '.local', 'share', 'fonts')]
}

/**
 * Registers the faces once and returns the context that measures with them.
 * @throws when a font cannot be read: pictures in a fallback font would be laid out wrongly
 */
export function measuringContext(): SKRSContext2D {
  if (measuring) return measuring
  const { createCanvas, GlobalFonts } = canvasLibrary()
  for (const face of fontFaces()) {
    // The library answers null where its types promise an object.
    const key: unknown = GlobalFonts.register(trueType(face), FONT_FAMILY)
    if (!key) throw new Error(`Cannot register the font ${face.path}; install stint again`)
  }
  measuring = createCanvas(8, 8).getContext('2d')
  return measuring
}

/** Width of one line, px. */
export function textWidth(text: string, size: number, weight: 400 | 600 = 400): number {
  findFontsFor(text)
  const context = measuringContext()
  context.font = `${weight} ${size}px ${FONT_FAMILY}`
  return context.measureText(text).width
}
