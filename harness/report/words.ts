/** Names as people read them. One place, so that tables, plots and sentences say the same. */
import type { Outcome } from '../../workers/protocol/trial-result.ts'
import type { Scalar } from '../../workers/workload.ts'
import { type ComparisonRow, membersOf } from '../analyse/comparison.ts'
import type { ChunkSizes } from '../analyse/latency.ts'
import { count, formatDuration, formatNumber, formatP, formatShare, plain, wholeNumber } from '../format.ts'
import type { Where } from '../gate/types.ts'
import type { Metric } from '../metrics.ts'
import { own } from '../own.ts'
import type { Correction, Sweep } from '../sweep/types.ts'
import type { ComputeCapReport, ReportModel } from './types.ts'

export { plain } from '../format.ts'

const METRIC_NAMES: Record<string, string> = {
  latency_mean_ms: 'mean chunk latency',
  latency_p50_ms: 'median chunk latency',
  latency_p90_ms: 'p90 chunk latency',
  latency_p95_ms: 'p95 chunk latency',
  latency_p99_ms: 'p99 chunk latency',
  latency_max_ms: 'largest chunk latency',
  latency_per_row_us: 'latency per row',
  event_latency_mean_ms: 'mean event latency',
  event_latency_p50_ms: 'median event latency',
  event_latency_p90_ms: 'p90 event latency',
  event_latency_p95_ms: 'p95 event latency',
  event_latency_p99_ms: 'p99 event latency',
  event_latency_p99_9_ms: 'p99.9 event latency',
  event_latency_max_ms: 'largest event latency',
  event_wait_mean_ms: 'mean wait of an event',
  service_mean_ms: 'mean service time',
  service_p50_ms: 'median service time',
  wall_s: 'wall time',
  cpu_s: 'CPU time',
  startup_ms: 'start-up',
  finish_ms: 'finish',
  cold_first_chunk_ms: 'cold first chunk',
  command_round_trip_ms: 'round trip to the program',
  throughput_rows_s: 'throughput',
  peak_memory_mb: 'peak memory',
  peak_heap_mb: 'peak heap',
  peak_external_mb: 'peak external memory',
  idle_worker_mb: 'memory of the idle worker',
  peak_rss_mb: 'peak resident memory',
  gc_count: 'garbage collections',
  gc_pause_ms: 'garbage collection pause',
  energy_j: 'energy',
  r2: 'R²',
  f1: 'F1',
  mae: 'MAE',
  rmse: 'RMSE',
  mse: 'MSE',
  mape: 'MAPE',
}

const SETTING_NAMES: Record<string, string> = {
  max_compute_units: 'compute cap (cores)',
  max_memory_mb: 'memory cap (MB)',
  timeout_s: 'timeout (s)',
  warmup_chunks: 'warm-up chunks',
  pin_core: 'core',
  duration_s: 'duration (s)',
  max_wait_ms: 'longest wait for a chunk (ms)',
  deadline_ms: 'deadline (ms)',
  label_delay_ms: 'delay of labels (ms)',
  'arrival.rate': 'arrival rate (events/s)',
  'arrival.pattern': 'arrival pattern',
  'arrival.duty': 'share of time in bursts',
  'arrival.factor': 'rate in bursts over the mean rate',
  'arrival.period_ms': 'time from burst to burst (ms)',
  'arrival.column': 'column of arrival times',
  'arrival.speed': 'speed of the recording',
  'arrival.through': 'broker',
  'queue.limit_rows': 'queue limit (events)',
  'queue.when_full': 'policy of a full queue',
  'dataset.source': 'data',
  'dataset.generate': 'generated data',
  'dataset.rows': 'size of the data (rows)',
  'dataset.missing': 'spellings of missing values',
  'dataset.wait_s': 'wait for the end of the data (s)',
  'dataset.qos': 'MQTT quality of service',
}

/** Settings whose name says no unit, since it stands in sentences; an axis of a picture has it. */
const SETTING_UNITS: Record<string, string> = { chunk_size: 'rows', batch_size: 'rows' }

const COLUMNS = 'dataset.columns.'

const SHORT_SETTING_NAMES: Record<string, string> = { chunk_size: 'chunk', batch_size: 'batch' }

/** Settings whose values need no name, since their unit says what they are. */
const TOLD_BY_UNIT: Record<string, string> = {
  max_compute_units: 'cores',
  max_memory_mb: 'MB',
  'arrival.rate': 'events/s',
  'dataset.rows': 'rows of data',
}

const OUTCOME_NAMES: Record<Outcome, string> = {
  ok: 'ok',
  out_of_memory: 'out of memory',
  crashed: 'crashed',
  timed_out: 'timed out',
  failed: 'failed',
}

/** For sentences, and for the head of a column. */
export const CORRECTIONS: Readonly<Record<Correction, { name: string; after: string; short: string }>> = {
  holm: { name: 'Holm', after: "Holm's correction", short: 'Holm' },
  bh: { name: 'Benjamini-Hochberg', after: 'the Benjamini-Hochberg correction', short: 'BH' },
}

/** `latency_p50_ms` -> `median chunk latency`. */
export function metricName(name: string): string {
  return own(METRIC_NAMES, name) ?? plain(name).replaceAll('_', ' ')
}

/** For axes and column heads: capitalised, with its unit. */
export function metricTitle(metric: Pick<Metric, 'name' | 'unit' | 'of'>): string {
  const unit = metric.unit === '' ? '' : ` (${metric.unit})`
  const of = metric.of === undefined ? '' : ` of ${plain(metric.of)}`
  return capitalised(metricName(metric.name)) + of + unit
}

/** `max_compute_units` -> `compute cap (cores)`. */
export function settingName(key: string): string {
  const known = own(SETTING_NAMES, key)
  if (known !== undefined) return known
  // A column is named as in the data.
  if (key.startsWith(COLUMNS)) return `kind of column ${plain(key.slice(COLUMNS.length))}`
  return plain(stripParams(key))
    .replace(/^dataset\./, 'data ')
    .replaceAll('_', ' ')
}

/** For axes of pictures: capitalised, with its unit. */
export function settingTitle(key: string): string {
  const unit = own(SETTING_UNITS, key)
  return capitalised(settingName(key)) + (unit === undefined ? '' : ` (${unit})`)
}

/** `batch 64`, `0.5 cores`, `deadline 20 ms`, `learner ridge`: one setting as a label beside a point. */
export function settingLabel(key: string, value: Scalar | undefined): string {
  const name = settingName(key)
  const [bare, unit] = own(SETTING_NAMES, key)?.split(/ [()]|\)/) ?? [name]
  if (value === null || value === undefined) return `no ${bare}`
  const text = scalarText(value)
  if (key === 'max_compute_units') return `${text} core${value === 1 ? '' : 's'}`
  const told = own(TOLD_BY_UNIT, key)
  if (told !== undefined) return `${text} ${told}`
  const label = `${own(SHORT_SETTING_NAMES, key) ?? bare} ${text}`
  return unit === undefined ? label : `${label} ${unit}`
}

/** The same of a value as `scalarText` writes it. */
export function levelLabel(key: string, text: string): string {
  if (text === 'none') return settingLabel(key, null)
  // So that `1 core` is no `1 cores`.
  return settingLabel(key, text === '1' ? 1 : text)
}

/** Names of parameters and columns may hold anything, and a value in quotes too. */
const SETTING_IN_LABEL =
  /(?:^| )((?:params|dataset\.columns)\.[^=]+|[a-z][a-z0-9_.]*)=("(?:[^"\\]|\\.)*"(?= |$))?/g

/**
 * The settings of `chunk_size=64 max_compute_units=1`, the label by which files know a scenario. Without axes that is the
 * sweep's name, which has no `=`, and none are in it.
 */
export function labelSettings(label: string): { key: string; value: string }[] {
  const found = [...label.matchAll(SETTING_IN_LABEL)]
  if (found[0]?.index !== 0) return []
  return found.map(({ 0: { length }, 1: key, 2: quoted, index }, i) => {
    const rest = label.slice(index + length, found[i + 1]?.index)
    const value = quoted === undefined || rest !== '' ? (quoted ?? '') + rest : (unquoted(quoted) ?? quoted)
    return { key: key!, value }
  })
}

/** Null where it is no JSON string, as labels of older files have them. */
function unquoted(text: string): string | null {
  try {
    return String(JSON.parse(text))
  } catch {
    return null
  }
}

/** A label as `chunk 64, 1 core`; a name stays. */
export function labelWords(label: string): string {
  const settings = labelSettings(label)
  return settings.length === 0
    ? plain(label)
    : settings.map(({ key, value }) => levelLabel(key, value)).join(', ')
}

/** The first names of scenarios, which have commas of their own: `chunk 64, 1 core; chunk 64, 2 cores and 3 more`. */
export function namesText(firsts: readonly string[], of: number): string {
  const left = of - firsts.length
  return firsts.join('; ') + (left > 0 ? ` and ${wholeNumber(left)} more` : '')
}

/** A setting's value; `none` where there is none, such as a cap that is not set. */
export function scalarText(value: Scalar | undefined): string {
  return value === null || value === undefined ? 'none' : plain(String(value))
}

export function outcomeName(outcome: Outcome): string {
  return OUTCOME_NAMES[outcome]
}

export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** `16 to 256 rows on average` where chunks differ in size; null where they do not. */
export function chunkSizesText(sizes: ChunkSizes | null): string | null {
  return sizes && `${wholeNumber(sizes.least)} to ${count(Math.round(sizes.most), 'row')} on average`
}

/** How often each scenario runs: `10 runs`, `5 to 40 runs until latency mean ±2%`. */
export function runsText({ benchmark_runs, until }: Pick<Sweep, 'benchmark_runs' | 'until'>): string {
  if (!until) return count(benchmark_runs, 'run')
  return `${until.min} to ${benchmark_runs} runs until ${metricName(until.metric)} is known to ±${formatShare(until.ci)}`
}

/** A word as a POSIX shell reads it back; control characters never survive. */
export function shellWord(word: string): string {
  const clean = plain(word)
  return /^[\w@%+=:,./-]+$/.test(clean) ? clean : `'${clean.replaceAll("'", "'\\''")}'`
}

/** Id of an item of a page that has no other: what tells it from the others. */
export function itemId(...parts: readonly string[]): string {
  return JSON.stringify(parts)
}

/** How much a sweep runs. */
export interface SweepSize {
  scenarios: number
  /** The most, where rounds end by precision. */
  trials: number
  fewest: number
  /** `8 scenarios x 3 runs = 24 trials`. */
  text: string
}

export function sizeOf(sweep: Pick<Sweep, 'scenarios' | 'benchmark_runs' | 'until'>): SweepSize {
  const { scenarios, benchmark_runs: runs, until } = sweep
  const trials = scenarios.reduce((sum, scenario) => sum + (scenario.runs ?? runs), 0)
  const fewest = until ? scenarios.length * until.min : trials
  const times = trials === scenarios.length * runs ? `x ${runsText(sweep)}` : `of 1 to ${count(runs, 'run')}`
  const total = `${fewest < trials ? `${wholeNumber(fewest)} to ` : ''}${count(trials, 'trial')}`
  return {
    scenarios: scenarios.length,
    trials,
    fewest,
    text: `${count(scenarios.length, 'scenario')} ${times} = ${total}`,
  }
}

/** A time to wait, rounded up: `42 s`, `3 min`, `1 h 40 min`. */
export function waitText(seconds: number): string {
  return formatDuration(seconds <= 60 ? Math.ceil(seconds) : Math.ceil(seconds / 60) * 60)
}

/** A scenario's compute cap in cores of the machine that ran: as in force, else as asked; null for none. */
export function coresOf({ in_force, asked }: ComputeCapReport): number | null {
  return in_force ?? asked
}

function stripParams(key: string): string {
  return key.replace(/^params\./, '')
}

/** What differs between two scenarios, and what they share, along the axes of the sweep. */
function pairText(
  a: Record<string, Scalar>,
  b: Record<string, Scalar>,
  axes: readonly string[],
): { change: string; shared: string } {
  const differing = axes.filter((key) => a[key] !== b[key])
  const shared = axes.filter((key) => a[key] === b[key])
  const [only] = differing
  const list = (keys: string[], point: Record<string, Scalar>) =>
    keys.map((key) => settingLabel(key, point[key])).join(', ')
  const change =
    only !== undefined && differing.length === 1
      ? changeOfOne(only, a[only], b[only])
      : `${list(differing, b)} against ${list(differing, a)}`
  return { change, shared: list(shared, b) }
}

/** `0.25 against 1 core`, `batch 64 against 8`. */
function changeOfOne(key: string, a: Scalar | undefined, b: Scalar | undefined): string {
  if (a === null || b === null) return `${settingLabel(key, b)} against ${settingLabel(key, a)}`
  return own(TOLD_BY_UNIT, key) !== undefined
    ? `${scalarText(b)} against ${settingLabel(key, a)}`
    : `${settingLabel(key, b)} against ${scalarText(a)}`
}

/** `+96% from chunk 1,250 on, −0.2% before`; empty where a change is the same everywhere. */
export function whereText(where: Where): string {
  const change = (ratio: number) => ratioText(ratio, null, null)
  switch (where.shape) {
    case 'everywhere':
      return ''
    case 'from':
      return `${change(where.after)} from chunk ${wholeNumber(where.chunk + 1)} on, ${change(where.before)} before`
    case 'between':
      return `${change(where.inside)} in chunks ${wholeNumber(where.from + 1)} to ${wholeNumber(where.to)}, ${change(where.outside)} elsewhere`
    case 'growing':
      return `${change(where.first)} at the first chunks, ${change(where.last)} at the last`
  }
}

export type RatioStyle = 'percent' | 'factor'

/** Per cent where all of these lie between a half and twice; one style a table keeps its rows comparable. */
export function ratioStyle(ratios: readonly (number | null)[]): RatioStyle {
  return ratios.every((value) => value === null || (value > 0.5 && value < 2)) ? 'percent' : 'factor'
}

/** A ratio and its interval: `+3.1% [+1.0, +5.2]` or `2.11× [1.98, 2.25]`; `—` where unknown. */
export function ratioText(
  ratio: number | null,
  low: number | null,
  high: number | null,
  style: RatioStyle = ratioStyle([ratio, low, high]),
): string {
  if (ratio === null || !Number.isFinite(ratio)) return '—'
  const show = (value: number) => (style === 'percent' ? changeText(value) : formatNumber(value))
  const middle = `${show(ratio)}${style === 'percent' ? '%' : '×'}`
  if (low === null || high === null || low === high) return middle
  return `${middle} [${show(low)}, ${show(high)}]`
}

/** A difference and its interval: `+0.012 [+0.004, +0.02]`. */
export function amountText(
  value: number | null,
  low: number | null = null,
  high: number | null = null,
): string {
  if (value === null || !Number.isFinite(value)) return '—'
  const show = (one: number) => `${one > 0 ? '+' : one < 0 ? '−' : ''}${formatNumber(Math.abs(one))}`
  if (low === null || high === null || low === high) return show(value)
  return `${show(value)} [${show(low)}, ${show(high)}]`
}

/** How far apart the sides are: the ratio, or the difference where that is what says something. */
export function sizeText(row: ComparisonRow, style?: RatioStyle): string {
  if (row.ratio !== null) return ratioText(row.ratio, row.ratio_ci_low, row.ratio_ci_high, style)
  return amountText(row.difference, row.difference_ci_low, row.difference_ci_high)
}

/** `2%`, or `0.02` where differences are compared. */
export function marginText(margin: number, compared_by: ComparisonRow['compared_by']): string {
  return compared_by === 'ratio' ? formatShare(margin) : String(margin)
}

/** `exact` where values were compared without a test, a dash where they were not compared. */
export function adjustedPText({ p_adjusted, test }: Pick<ComparisonRow, 'p_adjusted' | 'test'>): string {
  return test === 'exact' ? 'exact' : formatP(p_adjusted)
}

/** Signed; a change that rounds to zero keeps its sign, since it tells on which side of none it lies. */
function changeText(ratio: number): string {
  const change = (ratio - 1) * 100
  if (change === 0) return '0'
  const size = Math.abs(change)
  return `${change > 0 ? '+' : '−'}${size.toFixed(Number(size.toFixed(1)) >= 10 ? 0 : 1)}`
}

type Named = Pick<ReportModel, 'scenarios' | 'axes'>

/** What differs between the sides, and what they share; a seed that was pooled is neither. */
export function pairOf(
  { scenarios, axes }: Named,
  row: Pick<ComparisonRow, 'a' | 'b' | 'a_label' | 'b_label' | 'seeds'>,
): { change: string; shared: string } {
  const points = pointsOf(scenarios)
  const pointOf = (side: string) => points.get(membersOf(side)[0]!)
  const [a, b] = [pointOf(row.a), pointOf(row.b)]
  if (!a || !b) return { change: plain(`${row.b_label} against ${row.a_label}`), shared: '' }
  return pairText(
    a,
    b,
    axes.filter((key) => !row.seeds?.keys.includes(key)),
  )
}

/** By the list of scenarios: it is asked for once for every row of thousands. */
const knownPoints = new WeakMap<Named['scenarios'], Map<string, Named['scenarios'][number]['point']>>()

function pointsOf(scenarios: Named['scenarios']): ReadonlyMap<string, Named['scenarios'][number]['point']> {
  const known = knownPoints.get(scenarios) ?? new Map(scenarios.map(({ id, point }) => [id, point]))
  knownPoints.set(scenarios, known)
  return known
}

/** A comparison and what it is about. */
export interface Line {
  /** What was compared with what. */
  pair: string
  /** What was changed, and what both sides share; the pair itself and nothing where they are not told apart. */
  change: string
  shared: string
  /** Ids of what a page says of it: the scenarios of both sides, or the comparison itself. */
  about: string[]
  row: ComparisonRow
}

/** Every comparison of a run, named along the axes of the sweep. */
export function pairLines(model: ReportModel): Line[] {
  return model.comparisons.map((row) => {
    const { change, shared } = pairOf(model, row)
    const about = [...membersOf(row.a), ...membersOf(row.b)]
    return { row, pair: shared === '' ? change : `${change}, ${shared}`, change, shared, about }
  })
}
