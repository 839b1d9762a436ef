/** How every picture looks: sizes, greys, fonts, and palettes that colour-blind readers can tell apart. */

import { readFileSync } from 'node:fs'
import { inflateSync } from 'node:zlib'
import type { Config } from 'vega-lite'
import { builtFile } from '../../package-folder.ts'

export const INK = '#1f2328'
export const MUTED = '#5b6470'
export const GRID = '#e7eaee'
export const REFERENCE = '#8a929c'

/**
 * Okabe & Ito (2008), without the yellow and the black, which vanish on white and on dark pages; their purple darker, since
 * it and the green are much the same grey where green is not seen.
 */
const DISTINCT = ['#0072b2', '#d55e00', '#009e73', '#8c2d6b', '#56b4e9', '#e69f00']
/** Stops along viridis (van der Walt & Smith 2015), its palest end left out; for more levels than DISTINCT has. */
const ORDERED = ['#440154', '#46327e', '#365c8d', '#277f8e', '#1fa187', '#4ac16d', '#a0da39']

export const SHAPES = ['circle', 'square', 'triangle-up', 'diamond', 'cross', 'triangle-down']

export const FONT_SIZE = { title: 23, subtitle: 15, axisTitle: 15, tick: 14, label: 13.5, caption: 12.5 }

export const MAX_COLOURS = DISTINCT.length + ORDERED.length

export function palette(levels: number): string[] {
  if (levels <= DISTINCT.length) return DISTINCT.slice(0, levels)
  return Array.from({ length: levels }, (_, i) => interpolate(ORDERED, i / (levels - 1)))
}

/** By colour on white, what shows as well on a dark page. */
const ON_DARK: Readonly<Record<string, string>> = {
  '#0072b2': '#4aa8e0',
  '#d55e00': '#f2823a',
  '#009e73': '#27c596',
  '#8c2d6b': '#c85fae',
  '#56b4e9': '#9ad5f7',
  '#e69f00': '#ffbf47',
  '#cc79a7': '#e296c2',
  // Verdicts: what is larger stands out more, and what is undecided hardly at all.
  '#a63c00': '#ff9a4d',
  '#f0a05a': '#a3591c',
  '#005c94': '#86caf8',
  '#7fbfe6': '#2c6d98',
  '#d3d8de': '#333a42',
  '#aa4499': '#dd90cd',
  // Greys.
  '#3d454f': '#c3cad2',
  '#6b747f': '#9aa3ad',
  '#767676': '#a5abb2',
  '#b4bac2': '#59626c',
}
/** Along viridis from its palest end: the first level is what stands out most, on white as on black. */
const ORDERED_ON_DARK = ['#d8e219', '#8fd744', '#4ac16d', '#25ab82', '#22928c', '#2f7f9e', '#4a72b5']

/** Each colour of a picture that is another one on a dark page, with that one. */
export function coloursOnDark(): Map<string, string> {
  const known = new Map(Object.entries(ON_DARK))
  for (let levels = DISTINCT.length + 1; levels <= MAX_COLOURS; levels++)
    for (const [i, colour] of palette(levels).entries())
      known.set(colour, interpolate(ORDERED_ON_DARK, i / (levels - 1)))
  return known
}

export function config(): Config {
  const settings = {
    font: FONT_FAMILY,
    background: '#ffffff',
    padding: { left: 24, right: 28, top: 22, bottom: 20 },
    view: { stroke: null },
    title: {
      anchor: 'start',
      frame: 'group',
      fontSize: FONT_SIZE.title,
      fontWeight: 600,
      color: INK,
      subtitleFontSize: FONT_SIZE.subtitle,
      subtitleColor: MUTED,
      subtitlePadding: 8,
      subtitleLineHeight: 21,
      lineHeight: 29,
      offset: 22,
    },
    axis: {
      labelFontSize: FONT_SIZE.tick,
      labelColor: MUTED,
      labelPadding: 8,
      titleFontSize: FONT_SIZE.axisTitle,
      titleFontWeight: 400,
      titleColor: INK,
      titlePadding: 14,
      gridColor: GRID,
      domainColor: '#c9ced5',
      tickColor: '#c9ced5',
      tickSize: 5,
    },
    axisY: { domain: false, ticks: false },
    // Numbers that touch read as one.
    axisX: { labelOverlap: 'greedy', labelSeparation: 10 },
    legend: {
      titleFontSize: FONT_SIZE.tick,
      titleFontWeight: 600,
      titleColor: INK,
      titlePadding: 8,
      labelFontSize: FONT_SIZE.tick,
      labelColor: INK,
      rowPadding: 5,
      symbolSize: 110,
      offset: 26,
      layout: { right: { margin: 22, direction: 'vertical', anchor: 'start' } },
      // Legends outlive the dimmed points that they stand for.
      symbolOpacity: 1,
    },
  }
  // Vega takes the layout of legends; Vega-Lite's types do not know it.
  return settings as unknown as Config
}

function interpolate(stops: readonly string[], share: number): string {
  const at = share * (stops.length - 1)
  const low = Math.min(Math.floor(at), stops.length - 2)
  const channel = (i: number) => {
    const from = Number.parseInt(stops[low]!.slice(i, i + 2), 16)
    const to = Number.parseInt(stops[low + 1]!.slice(i, i + 2), 16)
    return Math.round(from + (to - from) * (at - low))
      .toString(16)
      .padStart(2, '0')
  }
  return `#${channel(1)}${channel(3)}${channel(5)}`
}

// ---------------------------------------------------------------- Inter, for pictures and for pages: the same letters everywhere

export const FONT_FAMILY = 'Inter'

const FACES = [
  { weight: 400, file: 'Inter_400Regular.woff' },
  { weight: 600, file: 'Inter_600SemiBold.woff' },
] as const

interface FontFace {
  weight: number
  path: string
}

export function fontFaces(): FontFace[] {
  return FACES.map(({ weight, file }) => ({
    weight,
    path: builtFile(`assets/${file}`),
  }))
}

/** CSS that brings the font along, for pages and pictures that must not load anything. */
export function fontRules(): string {
  return fontFaces()
    .map(
      ({ weight, path }) =>
        `@font-face{font-family:${FONT_FAMILY};font-weight:${weight};src:url(data:font/woff;base64,${readFileSync(path).toString('base64')}) format("woff")}`,
    )
    .join('\n')
}

/** A face as TrueType, for pictures: its tables as the build packed them into WOFF 1.0, unpacked. */
export function trueType(face: FontFace): Buffer {
  const woff = readFileSync(face.path)
  const count = woff.readUInt16BE(12)
  const font = Buffer.alloc(woff.readUInt32BE(16))
  woff.copy(font, 0, 4, 8)
  font.writeUInt16BE(count, 4)
  // Helps a binary search for a table, as the format asks.
  const power = Math.floor(Math.log2(count))
  for (const [i, value] of [16 << power, power, 16 * count - (16 << power)].entries())
    font.writeUInt16BE(value, 6 + 2 * i)
  let offset = 12 + 16 * count
  for (let i = 0; i < count; i++) {
    const head = woff.subarray(44 + 20 * i, 64 + 20 * i)
    const [start, packed, length] = [4, 8, 12].map((at) => head.readUInt32BE(at)) as [number, number, number]
    const data = woff.subarray(start, start + packed)
    const table = packed < length ? inflateSync(data) : data
    const entry = font.subarray(12 + 16 * i)
    head.copy(entry, 0, 0, 4)
    head.copy(entry, 4, 16, 20)
    entry.writeUInt32BE(offset, 8)
    entry.writeUInt32BE(length, 12)
    table.copy(font, offset)
    offset += (length + 3) & ~3
  }
  return font
}
