/** `report.html`: one file that loads nothing, with pictures to explore, for light and dark screens. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { builtFile } from '../../package-folder.ts'
import { reportSections } from '../content.ts'
import { picturesOf } from '../pictures.ts'
import { FONT_FAMILY, fontDataUrl, fontFaces } from '../plots/fonts.ts'
import type { Plot } from '../plots/plot.ts'
import { compileSpec } from '../plots/png.ts'
import type { ReportModel } from '../types.ts'
import { blockHtml, escaped } from './blocks.ts'
import { CLIENT_SCRIPT } from './client.ts'
import { STYLE } from './style.ts'

export function reportHtml(model: ReportModel): string {
  const sections = reportSections(model)
  const plots = picturesOf(model).filter((plot) => plot.spec)
  const vega = scriptSafe(readFileSync(builtFile('assets/vega.min.js'), 'utf8'))
  const scripts = [vega, CLIENT_SCRIPT]
  const name = escaped(model.manifest.sweep.name)
  const { outcomes, finished, planned } = model.trials
  const state =
    outcomes.ok === planned ? `all ${planned} trials ok` : `${outcomes.ok} of ${planned} trials ok`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(scripts)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${name} · Stint</title>
<style>
${fontRules()}
${STYLE}
</style>
</head>
<body>
<header>
<h1>${name}</h1>
<p class="lead">${escaped(model.subtitle.replace(`${model.manifest.sweep.name} · `, ''))}</p>
<p class="state ${outcomes.ok === planned && finished === planned ? 'good' : 'bad'}">${state}</p>
<nav>${sections.map(({ id, title }) => `<a href="#${id}">${escaped(title)}</a>`).join('')}</nav>
</header>
<main>
${sections.map(({ id, title, blocks }) => `<section id="${id}">\n<h2>${escaped(title)}</h2>\n${blocks.map(blockHtml).join('\n')}\n</section>`).join('\n')}
</main>
<footer>Written by Stint ${escaped(model.manifest.stint)} from run ${escaped(model.manifest.id)}. Every number was measured in this run; a dash means unknown.</footer>
<div id="tip" role="tooltip" hidden></div>
${plots.map(plotData).join('\n')}
${scripts.map((script) => `<script>${script}</script>`).join('\n')}
</body>
</html>
`
}

function plotData(plot: Plot): string {
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
function policy(scripts: readonly string[]): string {
  const hashes = scripts.map((script) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`)
  return [
    "default-src 'none'",
    `script-src ${hashes.join(' ')} 'unsafe-eval'`,
    "style-src 'unsafe-inline'",
    'font-src data:',
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
}

/** Inside a script element its end tag must not appear. */
function scriptSafe(script: string): string {
  return script.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--')
}
