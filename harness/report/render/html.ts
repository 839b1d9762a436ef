/**
 * A report as one HTML file that loads nothing: drawn from the report as JSON by a client that stands in the page (see
 * `client`), and with its text and tables in plain HTML for where no script runs.
 */

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { deflateRawSync, gunzipSync } from 'node:zlib'
import type { Mark } from 'vega'
import { builtFile } from '../../package-folder.ts'
import { filled } from '../page.ts'
import { coloursOnDark, fontRules, GRID, INK, MUTED, REFERENCE } from '../plots/theme.ts'
import { type Block, missingPicture, picturesOf, type Report, shortened, type Table } from '../section.ts'
import { plain } from '../words.ts'
import { reportJson } from './json.ts'

/** A table stops here where no script runs and a file has every row. */
const MOST_ROWS = 200

export async function htmlText(report: Report): Promise<string> {
  const { title, subtitle, answer, sections, footer } = report
  const isDrawing = picturesOf(report).some((plot) => plot.spec)
  const vega = isDrawing
    ? [inScript(gunzipSync(readFileSync(builtFile('assets/vega.min.js.gz'))).toString())]
    : []
  const client = inScript(asset('page.js'))
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy([...vega, client], isDrawing)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)} · Stint</title>
<style>
${fontRules()}
${asset('page.css')}
${PICTURE_COLOURS}
</style>
</head>
<body>
<div id="page">
<div class="page">
<header class="top">
<h1>${escaped(title)}</h1>
<p class="answer ${answer.tone}">${escaped(answer.text)}</p>
${subtitle === '' ? '' : `<p class="lead">${escaped(subtitle)}</p>`}
</header>
<main>
<noscript><p class="note">Without JavaScript this page is text only: its tables cannot be filtered or sorted, and the pictures are files beside it.</p></noscript>
${filled(sections)
  .map(
    ({ id, title, blocks }) =>
      `<section id="${id}">\n${title === '' ? '' : `<h2>${escaped(title)}</h2>\n`}${blocks.map(blockHtml).join('\n')}\n</section>`,
  )
  .join('\n')}
</main>
<footer>${escaped(footer)}</footer>
</div>
</div>
<div id="tip" role="tooltip" hidden></div>
<script type="text/plain" id="report">${await packed(report)}</script>
${vega.map((script) => `<script>${script}</script>`).join('\n')}
<script type="module">${client}</script>
</body>
</html>
`
}

function blockHtml(block: Block): string {
  if (block.terminals) return ''
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
      return `<p class="quiet">${escaped(missingPicture(block.plot) ?? `${alt}: see ${file}.`)}</p>`
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
    ({ head, type }) => `<th scope="col"${type === 'number' ? ' class="n"' : ''}>${escaped(head)}</th>`,
  )
  const rows = columns[0]?.cells.length ?? 0
  const body = Array.from({ length: rows }, (_, i) => {
    const cells = columns.map(({ type, cells }) => {
      const { text, spread = '', tone } = cells[i]!
      return `<td${classOf(type === 'number' ? 'n' : undefined, tone)}>${escaped(text + spread)}</td>`
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

/** `report.json` as the page holds it: pictures compiled for what draws them, packed since it repeats itself. */
async function packed(report: Report): Promise<string> {
  const compiled = new Map<object, object>()
  if (picturesOf(report).some((plot) => plot.spec)) {
    // Only reports with pictures load what compiles them.
    const { compileSpec } = await import('../plots/compile.ts')
    for (const { spec } of picturesOf(report)) {
      if (spec === undefined) continue
      const { $schema: _, background: __, marks = [], ...drawn } = compileSpec(spec)
      compiled.set(spec, { ...drawn, marks: marks.map(seenThrough) })
    }
  }
  const json = reportJson(report, (spec) => compiled.get(spec) ?? spec)
  return deflateRawSync(json).toString('base64')
}

/**
 * A mark with an opacity of its fill and its line each. One of both as a whole makes a browser paint every mark by itself: of
 * thousands, it takes longer than all else.
 */
function seenThrough(mark: Mark): Mark {
  if (mark.type === 'group') return { ...mark, marks: mark.marks?.map(seenThrough) ?? [] }
  const { update: { opacity, ...update } = {}, ...encode } = mark.encode ?? {}
  if (opacity === undefined) return mark
  return {
    ...mark,
    encode: { ...encode, update: { fillOpacity: opacity, strokeOpacity: opacity, ...update } },
  } as Mark
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

function asset(name: string): string {
  return readFileSync(builtFile(`assets/${name}`), 'utf8')
}

/** Inside a script element its end tag must not appear. */
function inScript(code: string): string {
  return code.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--')
}

/** What pictures are drawn in is for white paper: on a page its greys are the page's, and on a dark one its colours are lighter. */
const PICTURE_COLOURS = [
  ...recoloured(
    [
      [INK, 'ink'],
      [MUTED, 'muted'],
      [GRID, 'line'],
      [REFERENCE, 'strong-line'],
      ['#c9ced5', 'line'],
      ['#ffffff', 'card'],
    ].map(([colour, name]) => [colour!, `var(--${name})`]),
  ),
  '@media screen and (prefers-color-scheme:dark){',
  ...recoloured(coloursOnDark()),
  '}',
].join('\n')

function recoloured(colours: Iterable<readonly string[]>): string[] {
  return [...colours].flatMap(([from, to]) =>
    ['fill', 'stroke'].map((part) => `.drawing [${part}="${from}"]{${part}:${to}}`),
  )
}
