/** Reports as tests read them. */
import { inflateRawSync } from 'node:zlib'
import { markdownText } from '../../../harness/report/render/markdown.ts'
import { terminalText } from '../../../harness/report/render/terminal.ts'
import type { Report } from '../../../harness/report/section.ts'

export const textOf = (report: Report, width = 120, colour = false): string =>
  terminalText(report, { colour, width })

/** As it stands in `reports/`, with every picture drawn. */
export const markdownOf = (report: Report): string =>
  markdownText(report, { pictureLink: (file) => `../${file}` })

/** The scripts that run in a page. */
export const scriptsIn = (html: string): string[] =>
  [...html.matchAll(/<script(?: type="module")?>([\s\S]*?)<\/script>/g)].map((match) => match[1]!)

/** What a page says itself: without its scripts and the report that it is drawn from. */
export const pageText = (html: string): string => html.replaceAll(/<script[\s\S]*?<\/script>/g, '')

/** The report that a page is drawn from. */
export function reportIn(html: string) {
  const [, packed] = /<script type="text\/plain" id="report">([\w+/=]*)<\/script>/.exec(html)!
  return JSON.parse(inflateRawSync(Buffer.from(packed!, 'base64')).toString())
}
