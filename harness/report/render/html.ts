/** A report as one HTML file that loads nothing, with pictures to explore, for light and dark screens. */

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { builtFile } from '../../package-folder.ts'
import { FONT_FAMILY, fontDataUrl, fontFaces } from '../plots/theme.ts'
import type { Plot } from '../section.ts'
import { type Block, missingPicture, picturesOf, type Report, shortened, type Table } from '../section.ts'
import { plain } from '../words.ts'

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
<p class="state ${answer.tone}">${escaped(answer.text)}</p>
${subtitle === '' ? '' : `<p class="lead">${escaped(subtitle)}</p>`}
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

// ---------------------------------------------------------------- style

/** The page's looks. Pictures take their greys from here, so that they suit dark screens as well. */
const STYLE = `
:root{--page:#fbfbfa;--card:#ffffff;--ink:#1f2328;--muted:#5b6470;--line:#e4e7eb;--accent:#0067a3;--good:#00734f;--bad:#b34700;--code:#f2f4f6}
@media (prefers-color-scheme:dark){:root{--page:#14171b;--card:#1b1f24;--ink:#e6e9ed;--muted:#9aa4b0;--line:#2d333b;--accent:#6cb8f0;--good:#4fc596;--bad:#f2915a;--code:#22272e}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:1rem}
body{margin:0;background:var(--page);color:var(--ink);font:400 15px/1.6 Inter,sans-serif}
header,main,footer{max-width:1120px;margin:0 auto;padding:0 28px}
header{padding-top:52px}
h1{margin:0;font-size:32px;font-weight:600;letter-spacing:-.02em;line-height:1.2}
h2{margin:0 0 16px;font-size:20px;font-weight:600;letter-spacing:-.01em}
.lead{max-width:none;margin:8px 0 0;color:var(--muted)}
.state{max-width:72ch;margin:16px 0 0;font-size:18px;line-height:1.45;font-weight:600}
.good{color:var(--good)}.bad{color:var(--bad)}.quiet{color:var(--muted)}.strong{font-weight:600}
nav{display:flex;flex-wrap:wrap;gap:4px 20px;margin-top:24px;padding-bottom:14px;border-bottom:1px solid var(--line);font-size:14px}
nav a{color:var(--accent);text-decoration:none}nav a:hover{text-decoration:underline}
section{padding:36px 0 4px}
p{max-width:76ch;margin:0 0 12px}
.note{font-size:13px;color:var(--muted);margin-top:8px}
ul{max-width:92ch;margin:0 0 16px;padding-left:20px}li{margin:0 0 6px}li::marker{color:var(--muted)}li.good,li.bad{color:inherit}li.good::marker{color:var(--good)}li.bad::marker{color:var(--bad)}li strong{font-weight:600;color:var(--bad)}
dl{margin:0 0 16px;display:grid;gap:0}
dl div{display:grid;grid-template-columns:minmax(150px,310px) 1fr;gap:16px;padding:6px 0;border-bottom:1px solid var(--line)}
dl div:last-child{border-bottom:0}
dt{color:var(--muted);overflow-wrap:anywhere}dd{margin:0;overflow-wrap:anywhere}
pre{margin:0 0 12px;padding:14px 16px;background:var(--code);border-radius:8px;overflow-x:auto;font-size:13px;line-height:1.5}
figure{margin:0 0 24px;padding:6px;background:var(--card);border:1px solid var(--line);border-radius:10px;overflow-x:auto;min-height:120px}
.table+figure,.note+figure{margin-top:24px}
figure svg{display:block;max-width:100%;height:auto;margin:0 auto}
.table{overflow:auto;max-height:640px;border:1px solid var(--line);border-radius:10px;background:var(--card)}
table{font-variant-numeric:tabular-nums;border-collapse:separate;border-spacing:0;width:100%;font-size:13.5px;line-height:1.45}
th{position:sticky;top:0;padding:0;background:var(--card);border-bottom:1px solid var(--line);text-align:left;vertical-align:bottom}
th button{all:unset;display:block;box-sizing:border-box;width:100%;padding:10px;cursor:pointer;font-weight:600;color:var(--ink)}
th button:focus-visible,nav a:focus-visible{outline:2px solid var(--accent);outline-offset:-2px}
th[aria-sort] button{color:var(--accent)}
th[aria-sort=ascending] button::after{content:" \\2191"}th[aria-sort=descending] button::after{content:" \\2193"}
td{padding:7px 10px;border-bottom:1px solid var(--line)}
tbody tr:last-child td{border-bottom:0}tbody tr:hover td{background:var(--code)}
.n{text-align:right}td.n{white-space:nowrap}
details{margin:0 0 16px}summary{display:inline-block;margin-bottom:12px;cursor:pointer;font-weight:600;color:var(--accent)}summary:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
footer{padding-top:32px;padding-bottom:48px;color:var(--muted);font-size:13px}
#tip{position:fixed;z-index:9;max-width:380px;padding:8px 12px;background:var(--ink);color:var(--page);border-radius:8px;font-size:13px;line-height:1.5;pointer-events:none}
#tip[hidden]{display:none}#tip b{font-weight:600}
figure .role-title-text text,figure .role-axis-title text,figure .role-legend-title text,figure .role-legend-label text,figure .label_marks text,figure .pair_marks text,figure .metric_marks text,figure .ratio_text_marks text,figure .p_marks text,figure .g_marks text{fill:var(--ink)}
figure .role-title-subtitle text,figure .role-axis-label text,figure .caption_marks text,figure .reference_text_marks text,figure .column_marks text{fill:var(--muted)}
figure .role-axis-grid line,figure .role-axis-domain line,figure .role-axis-tick line{stroke:var(--line)}
figure .margin_marks path{fill:var(--line)}
figure .points_marks path,figure .compute_points_marks path,figure .memory_points_marks path,figure .ratio_marks path{stroke:var(--card)}
figure .halo_marks text{fill:var(--card);stroke:var(--card)}
figure .compute_cap_marks path,figure .memory_cap_marks path,figure .compute_cap_marks rect,figure .memory_cap_marks rect{fill:var(--ink)}
@media print{nav{display:none}.table{max-height:none;overflow:visible}body{background:#fff}}
`

// ---------------------------------------------------------------- what runs in the reader's browser, without network

/** Draws the pictures and shows tips. */
const DRAW_SCRIPT = `
'use strict';
(async () => {
  const tip = document.getElementById('tip');
  const showTip = (handler, event, item, value) => {
    if (value === null || value === undefined || value === '') { tip.hidden = true; return; }
    const rows = typeof value === 'object' ? Object.entries(value) : [['', value]];
    tip.replaceChildren(...rows.map(([name, text]) => {
      const row = document.createElement('div');
      if (name) {
        const label = document.createElement('b');
        label.textContent = name;
        row.append(label, ' ');
      }
      row.append(String(text));
      return row;
    }));
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.max(8, Math.min(event.clientX + 14, innerWidth - box.width - 8)) + 'px';
    tip.style.top = Math.max(8, Math.min(event.clientY + 14, innerHeight - box.height - 8)) + 'px';
  };
  // Text is measured while the layout is made, so the font must be there first.
  await Promise.all([document.fonts.load('400 14px Inter'), document.fonts.load('600 14px Inter')]);
  for (const figure of document.querySelectorAll('[data-plot]')) {
    const data = [...document.querySelectorAll('script[data-for]')].find((s) => s.dataset.for === figure.dataset.plot);
    const view = new vega.View(vega.parse(JSON.parse(data.textContent)), { renderer: 'svg', container: figure, hover: true, logLevel: vega.Error });
    view.tooltip(showTip);
    await view.runAsync();
  }
})();
`

/** Sorts a table by the column whose head is clicked. */
const SORT_SCRIPT = `
'use strict';
for (const table of document.querySelectorAll('table')) {
  const body = table.tBodies[0];
  table.tHead.addEventListener('click', (event) => {
    const head = event.target.closest('th');
    if (!head) return;
    const column = head.cellIndex;
    const up = head.getAttribute('aria-sort') !== 'ascending';
    for (const other of head.parentNode.cells) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
    const key = (row) => row.cells[column].dataset.value;
    const order = (a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x === undefined && y === undefined) return a.cells[column].textContent.localeCompare(b.cells[column].textContent) * (up ? 1 : -1);
      if (x === undefined) return 1;
      if (y === undefined) return -1;
      return (x - y) * (up ? 1 : -1);
    };
    body.append(...[...body.rows].sort(order));
  });
}
`
