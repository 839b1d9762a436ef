/** A report's data as JSON. */
import { pageModel } from '../page.ts'
import type { Block, Report } from '../section.ts'

/** Changes with every change that a reader of the JSON must know of. */
export const JSON_FORMAT = 2

/** What programs read, as one line. */
export function jsonText({ kind, data }: Pick<Report, 'kind' | 'data'>): string {
  return safeJson({ format: JSON_FORMAT, kind, ...data })
}

/**
 * `reports/report.json`: what programs read, and all that a page shows, as one line.
 * @param specOf what stands for a picture's Vega-Lite specification
 */
export function reportJson(report: Report, specOf: (spec: object) => object = (spec) => spec): string {
  const page = pageModel(report)
  const sections = page.sections.map((section) => ({
    ...section,
    blocks: section.blocks.filter(({ terminals }) => !terminals).map((block) => drawnBy(block, specOf)),
  }))
  return safeJson({
    format: JSON_FORMAT,
    kind: report.kind,
    ...report.data,
    page: { ...page, sections },
  })
}

function drawnBy(block: Block, specOf: (spec: object) => object): Block {
  if (block.kind === 'details')
    return { ...block, blocks: block.blocks.map((inner) => drawnBy(inner, specOf)) }
  if (block.kind !== 'picture' || block.plot.spec === undefined) return block
  const { text: _, ...plot } = block.plot
  return { ...block, plot: { ...plot, spec: specOf(plot.spec) } }
}

/** JSON that may be printed: no character in it can steer a terminal. */
export function safeJson(value: object): string {
  const text = JSON.stringify(value)
  // JSON allows these as they are, and some terminals obey them.
  return text.replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
