/** What is said of `stint pipeline`: its files under the names of the original, and a page. */
import { basename } from 'node:path'
import { formatNumber, formatShare, list, wholeNumber } from '../../format.ts'
import { own } from '../../own.ts'
import { PIPELINE_FILES, PIPELINE_PICTURES } from '../../pipeline/files.ts'
import type { PipelineOptions } from '../../pipeline/options.ts'
import {
  firstOk,
  type Measured,
  operatorTotals,
  type PipelineData,
  rowsOf,
  stageOf,
} from '../pipeline/data.ts'
import { notMeasured, pipelineJson, qualitySection } from '../pipeline/report-json.ts'
import { pipelineTables } from '../pipeline/tables.ts'
import { latencyMemoryPlot } from '../plots/latency-memory.ts'
import { tradeoffPlot } from '../plots/tradeoff.ts'
import { type Block, type Cell, columnsOf, type Report, type Section } from '../section.ts'
import { findingsOf } from './findings.ts'
import { facts } from './provenance.ts'
import { answerOf } from './recommendation.ts'
import { estimateCell, numberCell } from './results.ts'
import {
  capsSection,
  differencesSection,
  forPages,
  operatingSection,
  outcomesSection,
  problemsSection,
  resultsSection,
  runSubtitle,
  scenarioCheck,
  trialsAnswer,
  trustSection,
} from './run.ts'

const FILE = 'reports/pipeline_report'
const FILES: [string, string][] = [
  ...PIPELINE_FILES,
  ['runs/', 'the trials themselves: a run folder for stint report, compare and resume'],
]

export function pipelineReport(data: PipelineData, options: PipelineOptions): Report {
  const { manifest, model } = data
  const tables = pipelineTables(data)
  const reasons = notMeasured(data, tables, options.profile)
  return {
    kind: 'pipeline',
    title: basename(manifest.datasets[0]!.path),
    subtitle: runSubtitle(model),
    answer: answerOf(model, trialsAnswer(model)),
    sections: sectionsOf(data, reasons),
    tables,
    checks: model.scenarios.map(scenarioCheck),
    data: pipelineJson(data, options, reasons),
    footer: `Written by Stint ${manifest.stint} from run ${manifest.id}. Every number was measured in this run; a dash means unknown.`,
    file: FILE,
    source: manifest.sweep.source.path,
    elapsed_s: manifest.elapsed_s,
  }
}

function sectionsOf(data: PipelineData, reasons: Readonly<Record<string, string>>): Section[] {
  const { model } = data
  const findings = findingsOf(model)
  return [
    ...problemsSection(model),
    ...operatingSection(model),
    resultsSection(model, [
      tradeoffPlot(model, 'latency', PIPELINE_PICTURES[0]),
      tradeoffPlot(model, 'memory', PIPELINE_PICTURES[1]),
      latencyMemoryPlot(model, PIPELINE_PICTURES[2]),
    ]),
    differencesSection(model, findings, [], `${FILE}.md`),
    scalingSection(data),
    ...operatorsSection(data),
    ...dataQualitySection(data),
    capsSection(model, []),
    outcomesSection(model),
    trustSection(model, `${FILE}.md`),
    {
      id: 'not-measured',
      title: 'What was not measured',
      blocks: [{ kind: 'facts', facts: Object.entries(reasons), pages: true }],
    },
    { id: 'run', title: 'What was run', blocks: [{ kind: 'facts', facts: facts(model), pages: true }] },
    { id: 'files', title: 'Files', blocks: [{ kind: 'facts', facts: FILES, pages: true }] },
  ]
}

function scalingSection({ sizes }: PipelineData): Section {
  const metric = ({ report }: Measured, name: string) => estimateCell(report.metrics[name] ?? null)
  return {
    id: 'scaling',
    title: 'More rows',
    blocks: [
      forPages({
        columns: columnsOf(sizes, [
          { head: 'Rows', type: 'number', cell: (one) => countCell(rowsOf(one)) },
          { head: 'Time (s)', type: 'number', cell: (one) => metric(one, 'wall_s') },
          { head: 'Throughput (rows/s)', type: 'number', cell: (one) => metric(one, 'throughput_rows_s') },
          { head: 'Peak memory (MB)', type: 'number', cell: (one) => metric(one, 'peak_memory_mb') },
        ]),
        note: 'Streaming mode on the first rows of the data; one trial for each but all rows.',
      }),
    ],
  }
}

function countCell(value: number | null): Cell {
  return value === null ? numberCell(null) : { text: wholeNumber(value), value }
}

/** Where the time of the two modes goes; none where no chunk says. */
function operatorsSection({ batch, streaming }: PipelineData): Section[] {
  const totals = { batch: operatorTotals(batch.chunks), streaming: operatorTotals(streaming.chunks) }
  const names = [...new Set(Object.values(totals).flatMap((all) => all.map(({ operator }) => operator)))]
  if (names.length === 0) return []
  const cell = (mode: keyof typeof totals, name: string) => {
    const all = totals[mode]
    if (all.length === 0) return numberCell(null)
    const value = all.find(({ operator }) => operator === name)?.seconds ?? 0
    const total = all.reduce((sum, { seconds }) => sum + seconds, 0)
    return { text: `${formatNumber(value)} (${formatShare(value / total)})`, value }
  }
  return [
    {
      id: 'operators',
      title: 'Where the time goes',
      blocks: [
        forPages({
          columns: columnsOf(names, [
            { head: 'Operator', type: 'text', cell: (name) => ({ text: name }) },
            { head: 'Stage', type: 'text', cell: (name) => ({ text: stageOf(name).replace('_', ' ') }) },
            { head: 'Batch (s)', type: 'number', cell: (name) => cell('batch', name) },
            { head: 'Streaming (s)', type: 'number', cell: (name) => cell('streaming', name) },
          ]),
          note: 'Of the first ok trial of either mode. Under a compute cap a pause falls into the operator that it holds up.',
        }),
      ],
    },
  ]
}

/** What the streaming trial said of its data; none where no trial was ok. */
function dataQualitySection({ streaming }: PipelineData): Section[] {
  const info = firstOk(streaming.trials)?.info
  if (info === undefined) return []
  const quality = qualitySection(info, streaming.chunks) as Quality
  const number = (value: unknown) => (typeof value === 'number' ? wholeNumber(value) : '—')
  const alarms = quality.drift.chunks_with_alarms
  const [missing, outliers] = [quality.missing_ratios ?? {}, quality.outlier_ratios ?? {}]
  const columns = [...new Set([...Object.keys(missing), ...Object.keys(outliers)])]
  const share = (value: unknown) =>
    typeof value === 'number' ? { text: formatShare(value), value } : numberCell(null)
  const blocks: Block[] = [
    {
      kind: 'facts',
      pages: true,
      facts: [
        ['Rows', number(quality.rows)],
        ['Rows without a target', number(quality.rows_without_target)],
        ['Rows dropped', number(quality.rows_dropped)],
        ['Repeated rows', number(quality.duplicate_rows)],
        [
          'Outliers',
          quality.outlier_rate === null ? '—' : `${formatShare(quality.outlier_rate)} of the numbers`,
        ],
        [
          'Chunks with a drift alarm',
          alarms === null ? '—' : alarms.length === 0 ? 'none' : list(alarms.map(String), 'and', 20),
        ],
      ],
    },
  ]
  if (columns.length > 0) {
    blocks.push(
      forPages({
        columns: columnsOf(columns, [
          { head: 'Column', type: 'text', cell: (name) => ({ text: name }) },
          { head: 'Missing', type: 'number', cell: (name) => share(own(missing, name)) },
          { head: 'Outliers', type: 'number', cell: (name) => share(own(outliers, name)) },
        ]),
        file: `${FILE}.json`,
      }),
    )
  }
  return [{ id: 'quality', title: 'Data', blocks }]
}

interface Quality {
  rows: unknown
  rows_without_target: unknown
  rows_dropped: unknown
  duplicate_rows: unknown
  outlier_rate: number | null
  missing_ratios: Record<string, unknown> | null
  outlier_ratios: Record<string, unknown> | null
  drift: { chunks_with_alarms: number[] | null }
}
