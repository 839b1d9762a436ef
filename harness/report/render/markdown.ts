/** A report as Markdown that reads well raw and rendered. */
import { type Block, missingPicture, type Report, shortened, type Table, type Tone } from '../section.ts'
import { plain } from '../words.ts'

/** A table in a page stops here where a file has every row. */
const MOST_ROWS = 200
const MARKS: Partial<Record<Tone, string>> = { good: '✅', bad: '❌', strong: '❔' }

type Link = (file: string) => string | null

/** @param pictureLink from this page to a picture; null where it was not drawn */
export function markdownText(report: Report, { pictureLink }: { pictureLink: Link }): string {
  const { title, subtitle, answer, sections, embedded } = report
  const level = embedded ? '###' : '#'
  const mark = MARKS[answer.tone]
  const lines = [
    `${level} ${escaped(title)}`,
    '',
    `${mark === undefined ? '' : `${mark} `}${escaped(answer.text)}`,
    ...(subtitle === '' ? [] : ['', escaped(subtitle)]),
  ]
  for (const section of sections) {
    if (section.title !== '' && section.blocks.length > 0)
      lines.push('', `${level}# ${escaped(section.title)}`)
    for (const block of section.blocks) lines.push('', ...blockLines(block, `${level}##`, pictureLink))
  }
  return `${lines.join('\n').trimEnd()}\n`
}

function blockLines(block: Block, level: string, link: Link): string[] {
  if (block.terminals) return []
  switch (block.kind) {
    case 'text':
      return [escaped(block.text)]
    case 'facts':
      return block.facts.map(([name, value]) => `- ${escaped(name)}: ${escaped(value)}`)
    case 'list':
      return block.items.length === 0
        ? ['Nothing to report.']
        : block.items.map(({ text }) => `- ${escaped(text)}`)
    case 'notices':
      return block.notices.length === 0
        ? ['Nothing to report.']
        : block.notices.map(
            ({ level, text }) => `- ${level === 'problem' ? `**${escaped(text)}**` : escaped(text)}`,
          )
    case 'picture': {
      const { plot } = block
      const missing = missingPicture(plot)
      if (missing !== null) return [escaped(missing)]
      const target = link(plot.file)
      return [target === null ? `${escaped(plot.alt)}: not drawn.` : `![${escaped(plot.alt)}](${target})`]
    }
    case 'code':
      return ['```sh', ...block.lines.map((line) => plain(line).replaceAll('```', "'''")), '```']
    case 'details':
      return [
        `${level} ${escaped(block.title)}`,
        ...block.blocks.flatMap((inner) => ['', ...blockLines(inner, level, link)]),
      ]
    case 'table':
      return tableLines(block.table)
  }
}

function tableLines(table: Table): string[] {
  const { columns, more } = shortened(table, MOST_ROWS)
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const rows = columns[0]?.cells.length ?? 0
  return [
    row(columns.map(({ head }) => escaped(head))),
    row(columns.map(({ type }) => (type === 'number' ? '---:' : '---'))),
    ...Array.from({ length: rows }, (_, i) =>
      row(columns.map(({ cells }) => escaped(cells[i]!.text + (cells[i]!.spread ?? '')))),
    ),
    ...[table.note, more].flatMap((text) => (text == null ? [] : ['', escaped(text)])),
  ]
}

/** Names come from users: what would be markup is shown as it is. */
function escaped(text: string): string {
  return plain(text)
    .replace(/[\\`*[\]|]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
}
