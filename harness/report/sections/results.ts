/** The tables of results: every scenario, the operating points, and the caps. */

import type { Outcome } from '../../../workers/protocol/trial-result.ts'
import { membersOf } from '../../analyse/comparison.ts'
import type { Estimate } from '../../analyse/descriptive.ts'
import type { OperatingPoint } from '../../analyse/operating-points.ts'
import { count, formatMetric, formatNumber } from '../../format.ts'
import { isHarnessMetric } from '../../metrics.ts'
import { own } from '../../own.ts'
import { type Cell, type ColumnOf, columnsOf, type Table } from '../section.ts'
import type { ReportModel, ScenarioReport } from '../types.ts'
import {
  CORRECTIONS,
  capitalised,
  chunkSizesText,
  coresOf,
  metricName,
  metricTitle,
  namesText,
  outcomeName,
  plain,
  scalarText,
  settingLabel,
  settingName,
} from '../words.ts'

const SHORT_HEADS: Record<string, string> = {
  chunk_size: 'chunk',
  batch_size: 'batch',
  max_memory_mb: 'cap MB',
  max_compute_units: 'cap cores',
}
/** Names of tied scenarios in one cell. */
const MOST_TIED = 3
const UNKNOWN: Cell = { text: '—', value: null, tone: 'quiet' }

type ScenarioColumn = ColumnOf<ScenarioReport>

/** Metrics that the workload returns and does not describe, in the table; the others are named below it. */
const MOST_UNDECLARED = 4

/** Means of what was measured; the higher the number, the sooner a terminal leaves the column out. */
function metricColumns(model: ReportModel): ScenarioColumn[] {
  const { latency, accuracy, measured, metrics } = model
  const isPerRow = latency === 'latency_per_row_us'
  const of = metrics.get('f1')?.of
  const wanted: { name: string | null; short: string; expendable: number }[] = [
    ...(latency.startsWith('event_')
      ? [
          { name: 'event_latency_p50_ms', short: 'event p50 ms', expendable: 3 },
          { name: latency, short: 'event p99 ms', expendable: 0 },
          { name: 'goodput', short: 'goodput', expendable: 2 },
        ]
      : [
          ...(isPerRow ? [{ name: latency, short: 'us/row', expendable: 0 }] : []),
          { name: 'latency_mean_ms', short: isPerRow ? 'ms/chunk' : 'mean ms', expendable: isPerRow ? 6 : 0 },
          { name: 'latency_p50_ms', short: 'p50 ms', expendable: 3 },
          { name: 'latency_p95_ms', short: 'p95 ms', expendable: 4 },
        ]),
    { name: 'throughput_rows_s', short: 'rows/s', expendable: 5 },
    { name: 'command_round_trip_ms', short: 'trip ms', expendable: 5 },
    { name: 'peak_memory_mb', short: 'peak MB', expendable: 1 },
    { name: 'energy_j', short: 'J', expendable: 5 },
    { name: accuracy, short: accuracy === null ? '' : metricName(accuracy), expendable: 0 },
    ...(of === undefined || accuracy === 'f1'
      ? []
      : [{ name: 'f1', short: `F1 of ${plain(of)}`, expendable: 2 }]),
    ...undeclared(model)
      .slice(0, MOST_UNDECLARED)
      .map((name) => ({ name, short: metricName(name), expendable: 2 })),
  ]
  return wanted.flatMap(({ name, short, expendable }): ScenarioColumn[] => {
    const metric = name === null || !measured.includes(name) ? undefined : metrics.get(name)
    if (metric === undefined) return []
    return [
      {
        head: metricTitle(metric),
        short,
        type: 'number',
        expendable,
        cell: ({ metrics: means }) => estimateCell(means[metric.name] ?? null),
      },
    ]
  })
}

function undeclared({ measured, manifest }: ReportModel): string[] {
  return measured.filter((name) => !isHarnessMetric(name) && !Object.hasOwn(manifest.workload.metrics, name))
}

/** Every scenario with its means. */
export function summaryTable(model: ReportModel): Table {
  const { scenarios } = model
  const front = scenarios.flatMap((scenario, i) => (scenario.front.latency ? [i] : []))
  const recommended = recommendedIds(model)
  const marked = scenarios.flatMap(({ id }, i) => (recommended.includes(id) ? [i] : []))
  const further = undeclared(model).slice(MOST_UNDECLARED).map(metricName)
  const notes = [
    ...(marked.length > 0 ? ['> Recommended.'] : []),
    ...(front.length > 0 ? [frontNote(model)] : []),
    ...(further.length > 0 ? [`The file has further metrics of the workload: ${further.join(', ')}.`] : []),
  ]
  return {
    columns: columnsOf(scenarios, [
      ...(front.length === 0 && recommended.length === 0 ? [] : [markColumn(recommended)]),
      ...settingColumns(model),
      {
        head: 'Ok trials',
        short: 'n',
        type: 'number',
        expendable: 2,
        cell: ({ outcomes: { ok } }) => ({ text: String(ok), value: ok }),
      },
      ...(scenarios.some(({ forced }) => forced > 0) ? [AFTER_FORCE] : []),
      ...(scenarios.some((scenario) => scenario.forced_left_out > 0) ? [LEFT_OUT_AFTER_FORCE] : []),
      ...metricColumns(model),
      ...(scenarios.some(({ compute }) => compute.achieved) ? [usedCores(model)] : []),
      { head: 'Outcome', short: 'outcome', type: 'text', cell: outcomeCell },
    ]),
    first: [...new Set([...marked, ...front])],
    about: scenarios.map(({ id }) => [id]),
    file: 'benchmarks/constraint_experiment.csv',
    ...(notes.length > 0 && { note: notes.join(' ') }),
  }
}

/** Of the scenario to use, or of each seed of it; empty where none is recommended. */
export function recommendedIds({ recommendation }: ReportModel): string[] {
  if (recommendation === null || recommendation.choice === null) return []
  return recommendation.reason === 'nothing_meets' ? [] : membersOf(recommendation.choice.scenario)
}

function markColumn(recommended: readonly string[]): ScenarioColumn {
  return {
    head: 'Front',
    short: '',
    type: 'text',
    cell: ({ id, front }) => {
      const isRecommended = recommended.includes(id)
      const text = `${isRecommended ? '>' : ''}${front.latency ? '*' : ''}`
      return text === '' ? { text } : { text, value: isRecommended ? 2 : 1, tone: 'good' }
    },
  }
}

/** Their share of every mean in the row is of other conditions. */
const AFTER_FORCE: ScenarioColumn = {
  head: 'Of these after --force',
  short: 'forced',
  type: 'number',
  cell: ({ forced }) => ({ text: String(forced), value: forced, tone: forced > 0 ? 'bad' : 'quiet' }),
}

const LEFT_OUT_AFTER_FORCE: ScenarioColumn = {
  head: 'Left out after --force',
  short: 'left out',
  type: 'number',
  cell: ({ forced_left_out: n }) => ({ text: String(n), value: n, tone: n > 0 ? 'bad' : 'quiet' }),
}

/** In the unit in which caps are asked for. */
function usedCores({ manifest: { calibration } }: ReportModel): ScenarioColumn {
  const column = { short: 'used cores', type: 'number', expendable: 3 } as const
  if (calibration === null) return { ...column, head: 'Used cores', cell: (scenario) => usedCell(scenario) }
  const { profile, factor } = calibration
  return {
    ...column,
    head: `Used cores of ${plain(profile)}`,
    cell: (scenario) => usedCell(scenario, factor),
  }
}

function frontNote(model: ReportModel): string {
  const sizes = chunkSizesText(model.differing_chunks)
  const perRow = sizes === null ? '' : ` Latency is per row, since chunks hold ${sizes}.`
  return `* Pareto-optimal: no other scenario is both faster and more accurate.${perRow}`
}

/** @param unit in cores of the machine that ran */
function usedCell({ compute: { achieved, over_cap }, outcomes }: ScenarioReport, unit = 1): Cell {
  if (achieved === null && outcomes.ok > 0) return { text: 'too short to tell', tone: 'quiet' }
  return {
    ...numberCell(achieved === null ? null : achieved.value / unit),
    ...(over_cap && { tone: 'bad' as const }),
  }
}

function withoutTrials({ forced_left_out }: ScenarioReport): string {
  return forced_left_out > 0 ? 'left out' : 'not run'
}

function outcomeCell(scenario: ScenarioReport): Cell {
  const { outcomes, trials, compute, memory } = scenario
  if (trials === 0) return { text: withoutTrials(scenario), tone: 'quiet' }
  const loose = compute.enforced === false || memory.enforced === false ? ', cap not enforced' : ''
  if (outcomes.ok === trials) return { text: `ok${loose}`, ...(loose !== '' && { tone: 'bad' as const }) }
  return { text: lostText(outcomes) + loose, tone: 'bad' }
}

/** The scenarios to use, by goal. */
export function operatingTable(model: ReportModel): Table {
  const { points, unreliable } = model.operating
  const left = unreliable.length > 0 ? `; ${count(unreliable.length, 'scenario')} did not` : ''
  return {
    columns: columnsOf(points, [
      { head: 'Goal', type: 'text', cell: ({ goal }) => ({ text: goalText(model, goal) }) },
      { head: 'Scenario', type: 'text', cell: ({ scenario }) => ({ text: scenarioText(model, scenario) }) },
      {
        head: 'Mean',
        type: 'number',
        cell: ({ estimate: { value }, unit }) => ({ text: formatMetric(value, unit), value }),
      },
      { head: '95% interval', type: 'text', cell: ({ estimate }) => ({ text: intervalText(estimate) }) },
      {
        head: 'Not significantly different',
        type: 'text',
        cell: (point) =>
          isTested(point) ? tiedCell(model, point.tied) : { text: 'not tested: an estimate', tone: 'quiet' },
      },
    ]),
    about: points.map(({ scenario }) => membersOf(scenario)),
    note: `Only scenarios whose every trial was ok take part${left}. "Not significantly different": others that do not differ from the best after ${CORRECTIONS[model.manifest.sweep.compare.correction].after}.`,
  }
}

/** Energy that is estimated, or shared out by CPU time, is shown and not tested. */
function isTested({ warnings }: Pick<OperatingPoint, 'warnings'>): boolean {
  return !warnings.some(({ kind }) => kind === 'estimated_energy' || kind === 'shared_energy')
}

/** The others of the set of best scenarios; the CSV names them all. */
function tiedCell(model: ReportModel, tied: readonly { scenario: string }[]): Cell {
  if (tied.length === 0) return { text: 'none', value: 0, tone: 'quiet' }
  const names = tied.slice(0, MOST_TIED).map(({ scenario }) => scenarioText(model, scenario))
  return { text: namesText(names, tied.length), value: tied.length }
}

/** `chunk 64, batch 8, 1 core`: a scenario by its axes, as in the pictures. */
export function scenarioText({ axes, scenarios }: ReportModel, id: string): string {
  const ids = membersOf(id)
  const members = scenarios.filter((candidate) => ids.includes(candidate.id))
  const [scenario] = members
  if (!scenario) return plain(id)
  if (axes.length === 0) return scenario.label
  // Of a pool over seeds, what its scenarios share.
  const shared = axes.filter((key) => members.every(({ point }) => point[key] === scenario.point[key]))
  const words = shared.map((key) => settingLabel(key, scenario.point[key]))
  return [...words, ...(members.length > 1 ? [`over ${members.length} seeds`] : [])].join(', ')
}

/** `lowest latency_p50_ms` -> `Lowest median chunk latency`. */
function goalText({ metrics }: ReportModel, goal: string): string {
  const words = plain(goal).split(' ')
  return capitalised(words.map((word) => (metrics.has(word) ? metricName(word) : word)).join(' '))
}

/** Scenarios whose events arrive on their own clock. */
export function loadTable(model: ReportModel): Table {
  const scenarios = model.scenarios.filter(({ point }) => point['mode'] === 'realtime')
  const column = (head: string, name: string) => ({
    head,
    type: 'number' as const,
    cell: ({ metrics }: ScenarioReport) => numberCell(metrics[name]?.value ?? null),
  })
  return {
    columns: columnsOf(scenarios, [
      ...settingColumns(model),
      column('Offered (rows/s)', 'offered_rows_s'),
      column('Answered (rows/s)', 'achieved_rows_s'),
      column('Median (ms)', 'event_latency_p50_ms'),
      column('p99 (ms)', 'event_latency_p99_ms'),
      column('p99.9 (ms)', 'event_latency_p99_9_ms'),
      column('Wait, mean (ms)', 'event_wait_mean_ms'),
      column('Goodput', 'goodput'),
      column('Answered', 'answered_share'),
      column('Shed', 'shed_events'),
      column('Largest backlog', 'backlog_max_rows'),
      column('Sustained', 'sustained'),
    ]),
    about: scenarios.map(({ id }) => [id]),
    file: 'benchmarks/constraint_experiment.csv',
    note: 'Means over the trials. Latency runs from when an event was meant to arrive to its answer, of answered events; a late workload makes all events after it late. Goodput is the share of all events answered within deadline_ms. Sustained is the share of trials in which nothing was shed and the backlog did not grow.',
  }
}

/** The caps of each scenario; what watches memory is said once where it is the same for all. */
export function capsTable(model: ReportModel): Table {
  const {
    scenarios,
    manifest: { calibration },
  } = model
  // The two caps stand in columns of their own.
  const axes = model.axes.filter((key) => key !== 'max_compute_units' && key !== 'max_memory_mb')
  const isNamed = axes.length > 0 || model.axes.length === 0
  const watchers = [...new Set(scenarios.map(({ memory }) => memory.mechanisms.join(', ')))].filter(Boolean)
  const watched =
    watchers.length === 0 ? '' : ` Memory was watched by ${watchers.join('; in other scenarios by ')}.`
  return {
    columns: columnsOf(scenarios, [
      ...(isNamed ? settingColumns({ ...model, axes }) : []),
      { head: 'Compute cap', type: 'number', cell: ({ compute }) => capCell(coresOf(compute)) },
      { head: 'Achieved, mean', type: 'number', cell: (scenario) => usedCell(scenario) },
      { head: 'Achieved, most', type: 'number', cell: ({ compute }) => numberCell(compute.achieved_max) },
      {
        head: 'Held by',
        type: 'text',
        cell: ({ compute }) => ({ text: compute.mechanisms.join(', ') || '—', tone: 'quiet' }),
      },
      {
        head: 'Memory cap (MB)',
        type: 'number',
        cell: ({ memory }) => capCell(memory.asked_mb),
      },
      {
        head: 'Peak, mean (MB)',
        type: 'number',
        cell: ({ memory }) => numberCell(memory.peak?.value ?? null),
      },
      { head: 'Peak, most (MB)', type: 'number', cell: ({ memory }) => numberCell(memory.peak_max_mb) },
      { head: 'In force', type: 'text', cell: inForceCell },
    ]),
    about: scenarios.map(({ id }) => [id]),
    file: 'benchmarks/constraint_experiment.csv',
    note: `Compute is CPU time of the whole trial process over wall time${calibration === null ? '' : `, in cores of this machine: one of ${plain(calibration.profile)} is ${formatNumber(calibration.factor)} of them`}. Peak memory is the largest reading above an idle worker.${watched}`,
  }
}

function inForceCell(scenario: ScenarioReport): Cell {
  const { compute, memory, outcomes } = scenario
  if (compute.enforced === false || memory.enforced === false) {
    const notes = [...compute.notes, ...memory.notes].join('; ')
    return { text: notes === '' ? 'no' : `no: ${notes}`, tone: 'bad' }
  }
  if (compute.asked === null && memory.asked_mb === null) return { text: '—' }
  // Known of no trial.
  if (compute.enforced === null && memory.enforced === null)
    return { text: withoutTrials(scenario), tone: 'quiet' }
  const ended = outcomes.out_of_memory > 0 ? `, ended ${count(outcomes.out_of_memory, 'trial')}` : ''
  return { text: `yes${ended}` }
}

function capCell(value: number | null): Cell {
  return value === null ? { text: 'none', value: null, tone: 'quiet' } : { text: scalarText(value), value }
}

/** A column per axis; the scenario's label where there is no axis. */
function settingColumns({ axes, scenarios }: Pick<ReportModel, 'axes' | 'scenarios'>): ScenarioColumn[] {
  if (axes.length === 0)
    return [{ head: 'Scenario', short: 'scenario', type: 'text', cell: ({ label }) => ({ text: label }) }]
  return axes.map((key) => ({
    head: capitalised(settingName(key)),
    short: own(SHORT_HEADS, key) ?? key.replace(/^params\./, ''),
    type: scenarios.every(({ point }) => point[key] === null || typeof point[key] === 'number')
      ? 'number'
      : 'text',
    cell: ({ point: { [key]: value } }) =>
      typeof value === 'number' ? { text: scalarText(value), value } : { text: scalarText(value) },
  }))
}

export function estimateCell(estimate: Estimate | null): Cell {
  if (!estimate) return UNKNOWN
  const { value, high } = estimate
  return { text: formatNumber(value), spread: halfWidth(value, high), value }
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

export function numberCell(value: number | null): Cell {
  return value === null ? UNKNOWN : { text: formatNumber(value), value }
}

/** `1 crashed, 2 out of memory` */
export function lostText(outcomes: Record<Outcome, number>): string {
  return Object.entries(outcomes)
    .filter(([outcome, n]) => outcome !== 'ok' && n > 0)
    .map(([outcome, n]) => `${n} ${outcomeName(outcome as Outcome)}`)
    .join(', ')
}

function intervalText({ low, high, value }: Estimate): string {
  if (low === null || high === null) return '—'
  return low === value && high === value ? 'exact' : `${formatNumber(low)} to ${formatNumber(high)}`
}
