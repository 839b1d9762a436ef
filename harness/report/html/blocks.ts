/** Blocks of the report as HTML. */
import type { Block, Table } from '../content-blocks.ts'
import { plain } from '../words.ts'

export function blockHtml(block: Block): string {
  switch (block.kind) {
    case 'text':
      return `<p>${escaped(block.text)}</p>`
    case 'facts':
      return `<dl>${block.facts.map(([name, value]) => `<div><dt>${escaped(name)}</dt><dd>${escaped(value)}</dd></div>`).join('')}</dl>`
    case 'list':
      if (block.items.length === 0) return '<p>Nothing to report.</p>'
      return `<ul>${block.items.map(({ text, tone, strong }) => `<li${tone ? ` class="${tone}"` : ''}>${strong ? `<strong>${escaped(text)}</strong>` : escaped(text)}</li>`).join('')}</ul>`
    case 'picture':
      return `<figure data-plot="${escaped(block.file)}" role="img" aria-label="${escaped(block.alt)}"><noscript>${escaped(block.alt)}: see ${escaped(block.file)}.</noscript></figure>`
    case 'code':
      return `<pre><code>${block.lines.map(escaped).join('\n')}</code></pre>`
    case 'details':
      return `<details><summary>${escaped(block.title)}</summary>\n${block.blocks.map(blockHtml).join('\n')}\n</details>`
    case 'table':
      return tableHtml(block.table) + (block.note ? `<p class="note">${escaped(block.note)}</p>` : '')
  }
}

export function escaped(text: string): string {
  return plain(text)
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&#39;')
}

function tableHtml({ head, numeric, rows }: Table): string {
  const heads = head.map(
    (name, i) =>
      `<th scope="col"${numeric[i] ? ' class="n"' : ''}><button type="button">${escaped(name)}</button></th>`,
  )
  const body = rows.map((cells) => {
    const columns = cells.map(({ text, value, tone }, i) => {
      const classes = [numeric[i] ? 'n' : '', tone ?? ''].filter(Boolean).join(' ')
      const data = value === null || value === undefined ? '' : ` data-value="${value}"`
      return `<td${classes ? ` class="${classes}"` : ''}${data}>${escaped(text)}</td>`
    })
    return `<tr>${columns.join('')}</tr>`
  })
  return `<div class="table"><table><thead><tr>${heads.join('')}</tr></thead><tbody>${body.join('\n')}</tbody></table></div>`
}
