/** Lines of text in pictures. */

import { plain } from '../text/words.ts'
import type { ReportModel } from '../types.ts'
import { textWidth } from './measure.ts'
import { FONT_SIZE, MUTED } from './theme.ts'

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

/** A picture travels without its page: it names the sweep itself. */
export function pictureSubtitle({ manifest, subtitle }: ReportModel): string {
  return `${plain(manifest.sweep.name)} · ${subtitle}`
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
