/** A report as one HTML file that loads nothing, with pictures to explore, for light and dark screens. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { builtFile } from '../../package-folder.ts'
import { FONT_FAMILY, fontDataUrl, fontFaces } from '../plots/fonts.ts'
import type { Plot } from '../plots/plot.ts'
import { type Block, missingPicture, picturesOf, type Report, shortened, type Table } from '../section.ts'
import { plain } from '../text/words.ts'
import { DRAW_SCRIPT, SORT_SCRIPT } from './html-client.ts'
import { STYLE } from './html-style.ts'

/** A table in a page stops here where a file has every row. */
const MOST_ROWS = 200

export async function htmlText(report: Report): Promise<string> {
  const { title, subtitle, answer, sections, footer } = report
  const drawn = picturesOf(report).filter((plot) => plot.spec)
  const scripts = drawn.length > 0 ? [vegaScript(), DRAW_SCRIPT, SORT_SCRIPT] : [SORT_SCRIPT]
  const titled = sections.filter((section) => section.title !== '')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(scripts, drawn.length > 0)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)} · Stint</title>
<style>
${fontRules()}
${STYLE}
</style>
</head>
<body>
<header>
<h1>${escaped(title)}</h1>
${subtitle === '' ? '' : `<p class="lead">${escaped(subtitle)}</p>`}
<p class="state ${answer.tone}">${escaped(answer.text)}</p>
${titled.length > 1 ? `<nav>${titled.map(({ id, title }) => `<a href="#${id}">${escaped(title)}</a>`).join('')}</nav>` : ''}
</header>
<main>
${sections.map(({ id, title, blocks }) => `<section id="${id}">\n${title === '' ? '' : `<h2>${escaped(title)}</h2>\n`}${blocks.map(blockHtml).join('\n')}\n</section>`).join('\n')}
</main>
<footer>${escaped(footer)}</footer>
${drawn.length > 0 ? '<div id="tip" role="tooltip" hidden></div>' : ''}
${(await Promise.all(drawn.map(plotData))).join('\n')}
${scripts.map((script) => `<script>${script}</script>`).join('\n')}
</body>
</html>
`
}

function blockHtml(block: Block): string {
  switch (block.kind) {
    case 'text':
      return `<p${classOf(block.tone)}>${escaped(block.text)}</p>`
    case 'facts':
      return `<dl>${block.facts.map(([name, value]) => `<div><dt>${escaped(name)}</dt><dd>${escaped(value)}</dd></div>`).join('')}</dl>`
    case 'list':
      return list(block.items.map(({ text, tone }) => `<li${classOf(tone)}>${escaped(text)}</li>`))
    case 'notices':
      return list(
        block.notices.map(({ level, text }) =>
          level === 'problem'
            ? `<li class="bad"><strong>${escaped(text)}</strong></li>`
            : `<li>${escaped(text)}</li>`,
        ),
      )
    case 'picture': {
      const { file, alt } = block.plot
      const missing = missingPicture(block.plot)
      if (missing !== null) return `<p>${escaped(missing)}</p>`
      return `<figure data-plot="${escaped(file)}" role="img" aria-label="${escaped(alt)}"><noscript>${escaped(alt)}: see ${escaped(file)}.</noscript></figure>`
    }
    case 'code':
      return `<pre><code>${block.lines.map(escaped).join('\n')}</code></pre>`
    case 'details':
      return `<details><summary>${escaped(block.title)}</summary>\n${block.blocks.map(blockHtml).join('\n')}\n</details>`
    case 'table':
      return tableHtml(block.table)
  }
}

function list(items: readonly string[]): string {
  return items.length === 0 ? '<p>Nothing to report.</p>' : `<ul>${items.join('')}</ul>`
}

function tableHtml(table: Table): string {
  const { columns, more } = shortened(table, MOST_ROWS)
  const heads = columns.map(
    ({ head, type }) =>
      `<th scope="col"${type === 'number' ? ' class="n"' : ''}><button type="button">${escaped(head)}</button></th>`,
  )
  const rows = columns[0]?.cells.length ?? 0
  const body = Array.from({ length: rows }, (_, i) => {
    const cells = columns.map(({ type, cells }) => {
      const { text, spread = '', value, tone } = cells[i]!
      const data = value === null || value === undefined ? '' : ` data-value="${value}"`
      return `<td${classOf(type === 'number' ? 'n' : undefined, tone)}${data}>${escaped(text + spread)}</td>`
    })
    return `<tr>${cells.join('')}</tr>`
  })
  const notes = [table.note, more].filter((text) => text != null).join(' ')
  return `<div class="table"><table><thead><tr>${heads.join('')}</tr></thead><tbody>${body.join('\n')}</tbody></table></div>${notes === '' ? '' : `<p class="note">${escaped(notes)}</p>`}`
}

function classOf(...names: (string | undefined)[]): string {
  const given = names.filter((name) => name !== undefined)
  return given.length === 0 ? '' : ` class="${given.join(' ')}"`
}

function escaped(text: string): string {
  return plain(text)
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&#39;')
}

async function plotData(plot: Plot): Promise<string> {
  // Only reports with pictures load what draws them.
  const { compileSpec } = await import('../plots/compile.ts')
  const { $schema: _, background: __, ...spec } = compileSpec(plot.spec!)
  return `<script type="application/json" data-for="${escaped(plot.file)}">${JSON.stringify(spec).replaceAll('<', '\\u003c')}</script>`
}

function fontRules(): string {
  return fontFaces()
    .map(
      (face) =>
        `@font-face{font-family:${FONT_FAMILY};font-weight:${face.weight};src:url(${fontDataUrl(face)}) format("truetype")}`,
    )
    .join('\n')
}

/** Nothing may be loaded and only these scripts may run; Vega builds functions from its own expressions. */
function policy(scripts: readonly string[], isDrawing: boolean): string {
  const hashes = scripts.map((script) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`)
  return [
    "default-src 'none'",
    `script-src ${hashes.join(' ')}${isDrawing ? " 'unsafe-eval'" : ''}`,
    "style-src 'unsafe-inline'",
    'font-src data:',
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
}

/** Inside a script element its end tag must not appear. */
function vegaScript(): string {
  const vega = readFileSync(builtFile('assets/vega.min.js'), 'utf8')
  return vega.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--')
}
