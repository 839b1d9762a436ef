/** Reports as tests read them. */
import { markdownText } from '../../../harness/report/render/markdown.ts'
import { terminalText } from '../../../harness/report/render/terminal.ts'
import type { Report } from '../../../harness/report/section.ts'

export const textOf = (report: Report, width = 120, colour = false): string =>
  terminalText(report, { colour, width })

/** As it stands in `reports/`, with every picture drawn. */
export const markdownOf = (report: Report): string =>
  markdownText(report, { pictureLink: (file) => `../${file}` })
