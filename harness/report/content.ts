/** What the report says, apart from how a page looks: sections of blocks that Markdown and HTML both render. */

import { formatMetric } from '../metrics.ts'
import type { Block, ListItem, Section, Table } from './content-blocks.ts'
import { capsTable, goalText, operatingTable, scenarioText, summaryTable } from './content-results.ts'
import { facts, fileList, reproduceSteps } from './content-run.ts'
import { noiseFacts, outcomeTable } from './content-trust.ts'
import { type Finding, findingsHeadline, findingsOf } from './findings.ts'
import { OTHER_TESTS_TITLE, otherTestsTable } from './other-tests.ts'
import { pairOf } from './pairs.ts'
import { picturesOf } from './pictures.ts'
import type { Notice, ReportModel } from './types.ts'
import { CORRECTIONS, capitalised, chunkSizesText, count, metricName } from './words.ts'

/** Tables in a page stop here; the CSV has every row. */
const MOST_ROWS = 200
/** Lines of a kind under `In short`. */
const SHORT = 4

export function reportSections(model: ReportModel): Section[] {
  const pictures = picturesOf(model)
  const picture = (name: string): Block[] => {
    const plot = pictures.find(({ file }) => file.endsWith(`/${name}.png`))
    if (!plot) return []
    if (plot.spec) return [{ kind: 'picture', file: plot.file, alt: plot.alt }]
    return [
      {
        kind: 'text',
        text: `No picture of ${plot.alt.charAt(0).toLowerCase()}${plot.alt.slice(1)}: ${plot.skipped}.`,
      },
    ]
  }
  const { alpha } = model.manifest.sweep.compare
  const others = otherTests(model)
  const findings = findingsOf(model)
  const operating = operatingTable(model)
  const caps = capsTable(model)
  const outcomes = outcomeTable(model)
  return [
    { id: 'short', title: 'In short', blocks: [{ kind: 'list', items: inShort(model, findings) }] },
    {
      id: 'results',
      title: 'Results',
      blocks: [
        ...picture('latency_vs_accuracy'),
        ...picture('memory_vs_accuracy'),
        tableBlock(
          summaryTable(model),
          `Means over the ok trials, ± half the 95% confidence interval. On front: no other scenario is at least as good in both ${metricName(model.latency)} and accuracy and better in one.${perRowText(model)}`,
        ),
      ],
    },
    {
      id: 'significance',
      title: 'What differs',
      blocks: [
        { kind: 'text', text: findingsHeadline(model.comparisons, alpha) },
        { kind: 'list', items: findings.map(({ text, kind }) => ({ text, ...toneOf(kind) })) },
        ...picture('significance'),
        ...(others ? [others] : []),
      ],
    },
    ...(operating.rows.length === 0
      ? []
      : [
          {
            id: 'operating-points',
            title: 'Which setting to use',
            blocks: [
              tableBlock(
                operating,
                `Only scenarios whose every trial was ok take part${model.operating.unreliable.length > 0 ? `; ${count(model.operating.unreliable.length, 'scenario')} did not` : ''}. "Cannot be told apart": others whose difference from the best is not significant after ${CORRECTIONS[model.manifest.sweep.compare.correction].after}.`,
              ),
            ],
          },
        ]),
    {
      id: 'caps',
      title: 'Caps: requested and achieved',
      blocks: [...picture('caps'), tableBlock(caps.table, caps.note)],
    },
    {
      id: 'outcomes',
      title: 'Outcomes',
      blocks:
        outcomes.rows.length === 0
          ? [
              {
                kind: 'text',
                text: `${capitalised(count(model.trials.finished, 'trial'))} finished, and every one was ok.`,
              },
            ]
          : [tableBlock(outcomes)],
    },
    {
      id: 'trust',
      title: 'Noise and warnings',
      blocks: [
        { kind: 'list', items: model.notices.map(item) },
        { kind: 'facts', facts: noiseFacts(model) },
      ],
    },
    { id: 'run', title: 'What was run', blocks: [{ kind: 'facts', facts: facts(model) }] },
    { id: 'files', title: 'Files', blocks: [{ kind: 'facts', facts: fileList(model, pictures) }] },
    { id: 'reproduce', title: 'How to reproduce', blocks: reproduceSteps(model) },
  ]
}

/** Why latency is that of a row, where it is. */
function perRowText(model: ReportModel): string {
  const sizes = chunkSizesText(model)
  return sizes === null ? '' : ` Chunks hold ${sizes}: compare latency per row, not per chunk.`
}

function otherTests(model: ReportModel): Block | null {
  const lines = model.comparisons.map((row) => {
    const { change, shared } = pairOf(model, row)
    return { row, pair: shared === '' ? change : `${change}, ${shared}` }
  })
  const found = otherTestsTable(lines, model.manifest.sweep.compare)
  if (found === null) return null
  const table = tableBlock(found.table, found.note, 'significance_tests')
  return { kind: 'details', title: OTHER_TESTS_TITLE, blocks: [table] }
}

function tableBlock(table: Table, note?: string, file = 'constraint_experiment'): Block {
  const left = table.rows.length - MOST_ROWS
  const shown = left > 0 ? { ...table, rows: table.rows.slice(0, MOST_ROWS) } : table
  const more = left > 0 ? `${count(left, 'more row')} in benchmarks/${file}.csv.` : ''
  const text = [note, more].filter(Boolean).join(' ')
  return { kind: 'table', table: shown, ...(text === '' ? {} : { note: text }) }
}

/** Problems, then the best settings, then the clearest differences. */
function inShort(model: ReportModel, findings: readonly Finding[]): ListItem[] {
  const problems = model.notices.filter(({ level }) => level === 'problem').map(item)
  const best = model.operating.points.map(({ goal, scenario, unit, estimate }) => ({
    text: `${goalText(model, goal)}: ${formatMetric(estimate.value, unit)} with ${scenarioText(model, scenario)}.`,
  }))
  const clear = findings
    .filter(({ kind }) => kind === 'worse' || kind === 'better' || kind === 'different')
    .slice(0, SHORT)
    .map(({ text, kind }) => ({ text, ...toneOf(kind) }))
  const rest =
    clear.length > 0
      ? []
      : [{ text: findingsHeadline(model.comparisons, model.manifest.sweep.compare.alpha) }]
  return [...problems, ...best.slice(0, SHORT), ...clear, ...rest]
}

function item({ level, text }: Notice) {
  return level === 'problem' ? { text, tone: 'bad' as const, strong: true as const } : { text }
}

function toneOf(kind: string): { tone?: 'good' | 'bad' | 'quiet' } {
  if (kind === 'worse') return { tone: 'bad' }
  if (kind === 'better') return { tone: 'good' }
  return kind === 'undecided' || kind === 'same' ? { tone: 'quiet' } : {}
}
