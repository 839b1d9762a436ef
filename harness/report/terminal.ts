/** The summary of a run for a terminal. */
import { formatMetric, formatNumber } from '../metrics.ts'
import { own } from '../own.ts'
import { type Finding, findingsHeadline, findingsOf } from './findings.ts'
import { COMPUTE_TOLERANCE } from './plots/caps.ts'
import {
  paint,
  type TerminalCell,
  type TerminalColumn,
  type TerminalOptions,
  type Tone,
  terminalTable,
  wrapped,
} from './terminal-table.ts'
import type { ReportModel, ScenarioReport } from './types.ts'
import { chunkSizesText, count, metricName, outcomeName, plain, scalarText } from './words.ts'

const MOST_ROWS = 40
const MOST_FINDINGS = 8
const UNKNOWN: TerminalCell = { text: '—', tone: 'quiet' }

const AXIS_HEADS: Record<string, string> = {
  chunk_size: 'chunk',
  batch_size: 'batch',
  max_memory_mb: 'cap MB',
  max_compute_units: 'cap cores',
}
const TONES: Partial<Record<Finding['kind'], Tone>> = {
  worse: 'bad',
  better: 'good',
  undecided: 'quiet',
  same: 'quiet',
}

/** Several lines without a final newline. */
export function runSummary(model: ReportModel, options: TerminalOptions): string {
  const { colour, width } = options
  const rows = selected(model)
  const left = model.scenarios.length - rows.length
  const lines = [
    paint(plain(model.manifest.sweep.name), 'strong', colour),
    ...wrapped(model.subtitle.replace(`${plain(model.manifest.sweep.name)} · `, ''), width).map((line) =>
      paint(line, 'quiet', colour),
    ),
    '',
    ...terminalTable(columnsFor(model, rows), options),
    ...(left > 0
      ? [paint(`${count(left, 'more scenario')} in benchmarks/constraint_experiment.csv`, 'quiet', colour)]
      : []),
    ...(rows.some(({ front }) => front.latency)
      ? wrapped(frontText(model), width, '  ').map((line) => paint(line, 'quiet', colour))
      : []),
  ]
  if (model.comparisons.length > 0) lines.push('', ...findingLines(model, options))
  const problems = model.notices.filter(({ level }) => level === 'problem')
  if (problems.length > 0) {
    lines.push('')
    for (const { text } of problems) lines.push(...bullet(text, '! ', 'bad', options))
  }
  return lines.join('\n')
}

function frontText(model: ReportModel): string {
  const sizes = chunkSizesText(model)
  const perRow = sizes === null ? '' : `; latency is per row, since chunks hold ${sizes}`
  return `* Pareto-optimal: no other scenario is both faster and more accurate${perRow}`
}

function columnsFor(model: ReportModel, rows: readonly ScenarioReport[]): TerminalColumn[] {
  const { axes, accuracy, measured, metrics, latency } = model
  const perRow = latency === 'latency_per_row_us'
  const settings: TerminalColumn[] =
    axes.length === 0
      ? [
          {
            head: 'scenario',
            align: 'left',
            expendable: 0,
            cells: rows.map(({ label }) => ({ text: label })),
          },
        ]
      : axes.map((key) => ({
          head: own(AXIS_HEADS, key) ?? key.replace(/^params\./, ''),
          align: rows.every(({ flat }) => typeof flat[key] !== 'string') ? 'right' : 'left',
          expendable: 0,
          cells: rows.map(({ flat }) => ({ text: scalarText(flat[key]) })),
        }))
  const metric = (name: string | null, head: string, expendable: number): TerminalColumn[] =>
    name === null || !measured.includes(name)
      ? []
      : [
          {
            head,
            align: 'right',
            expendable,
            cells: rows.map((row) => {
              const estimate = row.metrics[name]
              return estimate
                ? { text: formatMetric(estimate.value, metrics.get(name)?.unit === 'ms' ? 'ms' : '') }
                : UNKNOWN
            }),
          },
        ]
  return [
    {
      head: '',
      align: 'left',
      expendable: 0,
      cells: rows.map(({ front }) => (front.latency ? { text: '*', tone: 'good' } : { text: '' })),
    },
    ...settings,
    {
      head: 'n',
      align: 'right',
      expendable: 2,
      cells: rows.map(({ outcomes }) => ({ text: String(outcomes.ok) })),
    },
    ...(perRow ? metric(latency, 'us/row', 0) : []),
    ...metric('latency_mean_ms', perRow ? 'per chunk' : 'mean', perRow ? 6 : 0),
    ...metric('latency_p50_ms', 'p50', 3),
    ...metric('latency_p95_ms', 'p95', 4),
    ...metric('throughput_rows_s', 'rows/s', 5),
    ...metric('peak_memory_mb', 'peak MB', 1),
    ...metric(accuracy, accuracy === null ? '' : metricName(accuracy), 0),
    ...(rows.some(({ compute }) => compute.achieved) ? [shareColumn(rows)] : []),
    { head: 'outcome', align: 'left', expendable: 0, cells: rows.map(outcomeCell) },
  ]
}

function shareColumn(rows: readonly ScenarioReport[]): TerminalColumn {
  return {
    head: 'used cores',
    align: 'right',
    expendable: 3,
    cells: rows.map(({ compute: { achieved, requested } }) => {
      if (!achieved) return UNKNOWN
      const over = requested !== null && achieved.value > requested * COMPUTE_TOLERANCE
      return { text: formatNumber(achieved.value), ...(over ? { tone: 'bad' as const } : {}) }
    }),
  }
}

function outcomeCell({ outcomes, trials, compute, memory }: ScenarioReport): TerminalCell {
  if (trials === 0) return { text: 'not run', tone: 'quiet' }
  const loose = compute.enforced === false || memory.enforced === false ? ', cap not enforced' : ''
  if (outcomes.ok === trials) return { text: `ok${loose}`, ...(loose ? { tone: 'bad' as const } : {}) }
  const lost = Object.entries(outcomes)
    .filter(([outcome, n]) => outcome !== 'ok' && n > 0)
    .map(([outcome, n]) => `${n} ${outcomeName(outcome as keyof typeof outcomes)}`)
  return { text: lost.join(', ') + loose, tone: 'bad' }
}

/** A long grid shows its front first, then the rest as far as there is room, in the sweep's order. */
function selected({ scenarios }: ReportModel): ScenarioReport[] {
  if (scenarios.length <= MOST_ROWS) return scenarios
  const front = scenarios.filter(({ front }) => front.latency)
  const others = scenarios.filter(({ front }) => !front.latency)
  return [...front, ...others].slice(0, MOST_ROWS)
}

function findingLines(model: ReportModel, options: TerminalOptions): string[] {
  const findings = findingsOf(model)
  const shown = findings.slice(0, MOST_FINDINGS)
  const left = findings.length - shown.length
  return [
    ...wrapped(findingsHeadline(model.comparisons, model.manifest.sweep.compare.alpha), options.width),
    ...shown.flatMap(({ text, kind }) => bullet(text, '- ', TONES[kind], options)),
    ...(left > 0
      ? [paint(`${count(left, 'more finding')} in reports/report.md`, 'quiet', options.colour)]
      : []),
  ]
}

function bullet(
  text: string,
  mark: string,
  tone: Tone | undefined,
  { colour, width }: TerminalOptions,
): string[] {
  return wrapped(mark + text, width, '  ').map((line) => paint(line, tone, colour))
}
