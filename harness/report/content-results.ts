/** The tables of results: every scenario, the operating points, and the caps. */
import type { Estimate } from '../analyse/estimate.ts'
import { membersOf } from '../analyse/seeds.ts'
import { formatMetric, formatNumber } from '../metrics.ts'
import type { Cell, Table } from './content-blocks.ts'
import { COMPUTE_TOLERANCE } from './plots/caps.ts'
import type { ReportModel, ScenarioReport } from './types.ts'
import {
  capitalised,
  count,
  metricName,
  metricTitle,
  outcomeName,
  plain,
  scalarText,
  settingLabel,
  settingName,
} from './words.ts'

/** Names of tied scenarios in one cell. */
const MOST_TIED = 3
const UNKNOWN: Cell = { text: '—', value: null, tone: 'quiet' }

/** The metrics that a summary shows, of those that were measured. */
export function summaryMetrics({ latency, accuracy, measured }: ReportModel): string[] {
  const wanted = [
    latency,
    'latency_mean_ms',
    'latency_p50_ms',
    'latency_p95_ms',
    'throughput_rows_s',
    'peak_memory_mb',
    'energy_j',
    accuracy,
  ]
  return [...new Set(wanted)].filter((name): name is string => name !== null && measured.includes(name))
}

export function summaryTable(model: ReportModel): Table {
  const shown = summaryMetrics(model).map((name) => model.metrics.get(name)!)
  const settings =
    model.axes.length === 0 ? ['Scenario'] : model.axes.map((key) => capitalised(settingName(key)))
  const hasFront = model.scenarios.some(({ front }) => front.latency)
  return {
    head: [...settings, ...shown.map(metricTitle), ...(hasFront ? ['On front'] : []), 'Ok trials'],
    numeric: [...settingColumns(model), ...shown.map(() => true), ...(hasFront ? [false] : []), false],
    rows: model.scenarios.map((scenario) => [
      ...settingCells(model, scenario),
      ...shown.map(({ name }) => estimateCell(scenario.metrics[name] ?? null)),
      ...(hasFront ? [scenario.front.latency ? { text: 'yes', tone: 'good' as const } : { text: '' }] : []),
      okCell(scenario),
    ]),
  }
}

export function operatingTable(model: ReportModel): Table {
  return {
    head: ['Goal', 'Scenario', 'Mean', '95% interval', 'Cannot be told apart'],
    numeric: [false, false, true, false, false],
    rows: model.operating.points.map(({ goal, unit, scenario, estimate, tied }) => [
      { text: goalText(model, goal) },
      { text: scenarioText(model, scenario) },
      { text: formatMetric(estimate.value, unit), value: estimate.value },
      { text: intervalText(estimate) },
      tiedCell(model, tied),
    ]),
  }
}

/** The others of the set of best scenarios; the CSV names them all. */
function tiedCell(model: ReportModel, tied: readonly { scenario: string }[]): Cell {
  if (tied.length === 0) return { text: 'none', value: 0, tone: 'quiet' }
  const names = tied.slice(0, MOST_TIED).map(({ scenario }) => scenarioText(model, scenario))
  const left = tied.length - names.length
  return { text: names.join('; ') + (left > 0 ? ` and ${left} more` : ''), value: tied.length }
}

/** `chunk 64, batch 8, 1 core`: a scenario by its axes, as in the pictures. */
export function scenarioText({ axes, scenarios }: ReportModel, id: string): string {
  const ids = membersOf(id)
  const members = scenarios.filter((candidate) => ids.includes(candidate.id))
  const [scenario] = members
  if (!scenario) return plain(id)
  if (axes.length === 0) return scenario.label
  // Of a pool over seeds, what its scenarios share.
  const shared = axes.filter((key) => members.every(({ flat }) => flat[key] === scenario.flat[key]))
  const words = shared.map((key) => settingLabel(key, scenario.flat[key]))
  return [...words, ...(members.length > 1 ? [`over ${members.length} seeds`] : [])].join(', ')
}

/** `lowest latency_p50_ms` -> `Lowest median chunk latency`. */
export function goalText({ metrics }: ReportModel, goal: string): string {
  const words = plain(goal).split(' ')
  return capitalised(words.map((word) => (metrics.has(word) ? metricName(word) : word)).join(' '))
}

/** The caps of each scenario; what watches memory is told once where it is the same for all. */
export function capsTable(model: ReportModel): { table: Table; note: string } {
  // The two caps stand in columns of their own.
  const axes = model.axes.filter((key) => key !== 'max_compute_units' && key !== 'max_memory_mb')
  const others = { ...model, axes }
  const watchers = [...new Set(model.scenarios.map(({ memory }) => memory.mechanisms.join(', ')))].filter(
    Boolean,
  )
  const settings = axes.map((key) => capitalised(settingName(key)))
  const named = settings.length > 0 || model.axes.length === 0
  const head = [
    ...(named ? (settings.length > 0 ? settings : ['Scenario']) : []),
    'Compute requested',
    'Achieved, mean',
    'Achieved, most',
    'Held by',
    'Memory requested (MB)',
    'Peak, mean (MB)',
    'Peak, most (MB)',
    'In force',
  ]
  const watched =
    watchers.length === 0
      ? ''
      : ` Memory was watched by ${watchers.map(plain).join('; in other scenarios by ')}.`
  return {
    table: {
      head,
      numeric: [...(named ? settingColumns(others) : []), true, true, true, false, true, true, true, false],
      rows: model.scenarios.map((scenario) => [
        ...(named ? settingCells(others, scenario) : []),
        ...capCells(scenario),
      ]),
    },
    note: `Compute is CPU time of the whole host process over wall time. Peak memory is the largest reading above an empty cell.${watched}`,
  }
}

function capCells({ compute, memory, outcomes }: ScenarioReport): Cell[] {
  const over =
    compute.requested !== null && (compute.achieved?.value ?? 0) > compute.requested * COMPUTE_TOLERANCE
  const loose = compute.enforced === false || memory.enforced === false
  const asked = compute.requested !== null || memory.requested_mb !== null
  const notes = [...compute.notes, ...memory.notes].join('; ')
  const ended = outcomes.out_of_memory > 0 ? `, ended ${count(outcomes.out_of_memory, 'trial')}` : ''
  return [
    requestedCell(compute.requested),
    { ...numberCell(compute.achieved?.value ?? null), ...(over ? { tone: 'bad' as const } : {}) },
    numberCell(compute.achieved_max),
    { text: compute.mechanisms.join(', ') || '—', tone: 'quiet' },
    requestedCell(memory.requested_mb),
    numberCell(memory.peak?.value ?? null),
    numberCell(memory.peak_max_mb),
    loose
      ? { text: notes === '' ? 'no' : `no: ${notes}`, tone: 'bad' }
      : { text: asked ? `yes${ended}` : '—' },
  ]
}

function requestedCell(value: number | null): Cell {
  return value === null ? { text: 'none', value: null, tone: 'quiet' } : { text: scalarText(value), value }
}

function settingColumns({ axes, scenarios }: ReportModel): boolean[] {
  if (axes.length === 0) return [false]
  return axes.map((key) => scenarios.every(({ flat }) => flat[key] === null || typeof flat[key] === 'number'))
}

function settingCells({ axes }: ReportModel, { flat, label }: ScenarioReport): Cell[] {
  if (axes.length === 0) return [{ text: label }]
  return axes.map((key) => {
    const value = flat[key]
    return typeof value === 'number' ? { text: scalarText(value), value } : { text: scalarText(value) }
  })
}

function estimateCell(estimate: Estimate | null): Cell {
  if (!estimate) return UNKNOWN
  const { value, high } = estimate
  return { text: formatNumber(value) + halfWidth(value, high), value }
}

/** Half the interval with as many decimals as the value, or more where that would show as zero. */
function halfWidth(value: number, high: number | null): string {
  if (high === null || high === value) return ''
  const half = high - value
  const decimals = (formatNumber(value).split('.')[1] ?? '').length
  const rounded = half.toFixed(decimals)
  const readable = half >= 1000 || Number(rounded) === 0 ? formatNumber(half) : rounded
  return ` ± ${readable}`
}

function numberCell(value: number | null): Cell {
  return value === null ? UNKNOWN : { text: formatNumber(value), value }
}

function okCell({ outcomes, trials }: ScenarioReport): Cell {
  if (outcomes.ok === trials) return { text: String(trials), value: trials }
  const lost = Object.entries(outcomes).filter(([outcome, n]) => outcome !== 'ok' && n > 0)
  const words = lost.map(([outcome, n]) => `${n} ${outcomeName(outcome as keyof typeof outcomes)}`)
  return { text: `${outcomes.ok} of ${trials}; ${words.join(', ')}`, value: outcomes.ok, tone: 'bad' }
}

function intervalText({ low, high, value }: Estimate): string {
  if (low === null || high === null) return '—'
  return low === value && high === value ? 'exact' : `${formatNumber(low)} to ${formatNumber(high)}`
}
