/** `report.md`: the report as text that reads well raw and rendered. */

import { reportSections } from './content.ts'
import type { Block, Cell, Table } from './content-blocks.ts'
import type { ReportModel } from './types.ts'
import { plain } from './words.ts'

export function reportMarkdown(model: ReportModel): string {
  const lines = [`# ${escaped(model.manifest.sweep.name)}`, '', escaped(model.subtitle), '']
  for (const { title, blocks } of reportSections(model)) {
    lines.push(`## ${title}`, '')
    for (const block of blocks) lines.push(...blockLines(block), '')
  }
  return `${lines.join('\n').trimEnd()}\n`
}

function blockLines(block: Block): string[] {
  switch (block.kind) {
    case 'text':
      return [escaped(block.text)]
    case 'facts':
      return block.facts.map(([name, value]) => `- ${escaped(name)}: ${escaped(value)}`)
    case 'list':
      return block.items.length === 0
        ? ['Nothing to report.']
        : block.items.map(({ text, strong }) => `- ${strong ? `**${escaped(text)}**` : escaped(text)}`)
    case 'picture':
      return [`![${escaped(block.alt)}](../${block.file})`]
    case 'code':
      return ['```sh', ...block.lines.map((line) => plain(line).replaceAll('```', "'''")), '```']
    case 'details':
      return [`### ${escaped(block.title)}`, ...block.blocks.flatMap((inner) => ['', ...blockLines(inner)])]
    case 'table':
      return [...markdownTable(block.table), ...(block.note ? ['', escaped(block.note)] : [])]
  }
}

export function markdownTable({ head, numeric, rows }: Table): string[] {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    row(head.map(escaped)),
    row(numeric.map((right) => (right ? '---:' : '---'))),
    ...rows.map((cells) => row(cells.map((cell: Cell) => escaped(cell.text)))),
  ]
}

/** Names come from users: what would be markup is shown as it is. */
export function escaped(text: string): string {
  return plain(text)
    .replace(/[\\`*[\]|]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
}
