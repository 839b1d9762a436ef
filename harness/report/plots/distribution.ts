/** How latency is distributed: over the events of an open loop, else over the chunks of a trial; and at its percentiles. */
import { LATENCY_SHARES } from '../../../workers/protocol/trial-result.ts'
import { mean } from '../../analyse/descriptive.ts'
import { okTrials } from '../../analyse/values.ts'
import { count, formatMetric, formatNumber, list, wholeNumber } from '../../format.ts'
import { own } from '../../own.ts'
import type { LogSummary, Step } from '../chunk-logs.ts'
import type { Plot } from '../section.ts'
import type { ReportModel, ScenarioReport } from '../types.ts'
import { chunkSizesText } from '../words.ts'
import { type Curve, curvesPlot } from './curves.ts'
import { type PlotScale, scaleOver } from './scale.ts'

export function ecdfPlot(model: ReportModel, logs: ReadonlyMap<string, LogSummary>, file: string): Plot {
  const events = model.scenarios.flatMap((scenario) => {
    const steps = eventSteps(model, scenario)
    return steps === null ? [] : [{ scenario, steps }]
  })
  const isEvent = events.length > 0
  const noun = isEvent ? 'events' : 'chunks'
  const alt = `Share of ${noun} with at most a given latency, a line per scenario`
  if (!isEvent && logs.size === 0) return { file, alt, skipped: noLogs(model) }
  const known = isEvent
    ? events
    : model.scenarios.map((scenario) => ({ scenario, steps: logs.get(scenario.id)?.latency ?? [] }))
  const curves = known.flatMap(({ scenario, steps }): Curve[] => {
    // A log scale has no 0.
    const [first, ...others] = steps.filter(({ ms }) => ms > 0)
    if (first === undefined) return []
    // From 0 up at the least of them.
    const points = [{ ms: first.ms, share: 0 }, first, ...others].map(({ ms, share }) => ({
      x: ms,
      y: share,
    }))
    return [{ scenarios: [scenario], points }]
  })
  if (curves.length === 0) return { file, alt, skipped: 'every logged chunk took no time' }
  const xs = scaleOver(
    curves.flatMap(({ points }) => [points[0]!.x, points.at(-1)!.x]),
    { air: 0.03 },
  )
  const ys: PlotScale = { type: 'linear', domain: [0, 1.02], ticks: [0, 0.25, 0.5, 0.75, 1] }
  const left = model.scenarios.length - events.length
  return curvesPlot(model, file, {
    alt,
    headline: ecdfHeadline(known, noun),
    caption: isEvent
      ? [
          `From the arrival of an event to its answer, waiting included; every event that was answered counts, and lines are means over the ok trials of a scenario.${left > 0 ? ` ${count(left, 'scenario')} without such trials ${left === 1 ? 'is' : 'are'} not shown.` : ''}`,
        ]
      : [
          `Of one trial per scenario, the first with a chunk log; from the start of a chunk until the next may start.${sampleText(logs)}`,
          ...sizesText(model),
        ],
    metrics: (isEvent
      ? ['event_latency_p50_ms', 'event_latency_p99_ms']
      : ['latency_p50_ms', 'latency_p99_ms']
    ).flatMap((name) => model.metrics.get(name) ?? []),
    measures: [
      {
        curves,
        x: { title: `${isEvent ? 'Event' : 'Chunk'} latency (ms)`, scale: xs },
        y: { title: `Share of ${noun}`, scale: ys, labelExpr: "format(datum.value, '.0%')" },
        along: 'y',
        interpolate: isEvent ? 'linear' : 'step-after',
      },
    ],
  })
}

/** The mean, over the ok trials, of the latency that each share of events does not exceed; null where none was recorded. */
function eventSteps({ trialsOf }: ReportModel, { id }: ScenarioReport): Step[] | null {
  const each = okTrials(trialsOf.get(id) ?? []).flatMap(({ event_latency_ms }) =>
    event_latency_ms == null ? [] : [event_latency_ms],
  )
  if (each.length === 0) return null
  return LATENCY_SHARES.map((share, i) => ({ share, ms: mean(each.map((values) => values[i]!)) }))
}

/** Why pictures of single chunks are missing. */
export function noLogs({ manifest }: ReportModel): string {
  return manifest.sweep.chunk_log === 'none'
    ? 'the sweep keeps no chunk log (chunk_log: none)'
    : 'no trial left a chunk log'
}

/** Where logs hold fewer chunks than their trials had. */
export function sampleText(logs: ReadonlyMap<string, LogSummary>): string {
  const sampled = [...logs.values()].filter(({ logged, chunks }) => chunks !== null && logged < chunks)
  if (sampled.length === 0) return ''
  const share = sampled.reduce((least, { logged, chunks }) => Math.min(least, logged / chunks!), 1)
  return ` Some logs hold a sample, at the least ${formatNumber(100 * share, 2)}% of the chunks: shares are of those.`
}

function sizesText(model: ReportModel): string[] {
  const sizes = chunkSizesText(model.differing_chunks)
  return sizes === null ? [] : [`Chunks hold ${sizes}: larger ones take longer.`]
}

function ecdfHeadline(known: readonly { steps: readonly Step[] }[], noun: string): string {
  const medians = known.flatMap(({ steps }) => steps.find(({ share }) => share >= 0.5)?.ms ?? [])
  const [low, high] = [Math.min(...medians), Math.max(...medians)]
  return low === high
    ? `Half of the ${noun} take at most ${formatMetric(low, 'ms')}`
    : `Half of the ${noun} take at most ${formatNumber(low)} to ${formatMetric(high, 'ms')}, by scenario`
}

// ---------------------------------------------------------------- percentiles

/** Each where the share of larger values is a step towards a rare one: by its logarithm. */
const PERCENTILES: readonly { share: number; chunk?: string; event: string; text: string }[] = [
  { share: 0.5, chunk: 'latency_p50_ms', event: 'event_latency_p50_ms', text: 'p50' },
  { share: 0.9, chunk: 'latency_p90_ms', event: 'event_latency_p90_ms', text: 'p90' },
  { share: 0.95, chunk: 'latency_p95_ms', event: 'event_latency_p95_ms', text: 'p95' },
  { share: 0.99, chunk: 'latency_p99_ms', event: 'event_latency_p99_ms', text: 'p99' },
  // Chunks have no such percentile: most trials have fewer than a thousand.
  { share: 0.999, event: 'event_latency_p99_9_ms', text: 'p99.9' },
]

export function percentilesPlot(model: ReportModel, file: string): Plot {
  const isEvent = model.scenarios.some((scenario) => isRealtime(scenario))
  const alt = `Percentiles of ${isEvent ? 'event' : 'chunk'} latency, a line per scenario, the tail stretched`
  const used = isEvent ? model.scenarios.filter(isRealtime) : model.scenarios
  const curves = used.flatMap((scenario): Curve[] => {
    const points = PERCENTILES.flatMap(({ share, chunk, event }) => {
      const name = isEvent ? event : chunk
      const value = name === undefined ? null : (scenario.metrics[name]?.value ?? null)
      return value === null || value <= 0 ? [] : [{ x: 1 / (1 - share), y: value }]
    })
    return points.length < 2 ? [] : [{ scenarios: [scenario], points }]
  })
  if (curves.length === 0) return { file, alt, skipped: 'no ok trial knows percentiles of its latency' }
  const shares = curves.flatMap(({ points }) => points.map(({ x }) => x))
  const ticks = PERCENTILES.map(({ share }) => 1 / (1 - share)).filter((tick) => shares.includes(tick))
  const xs: PlotScale = { type: 'log', domain: [ticks[0]! * 0.93, ticks.at(-1)! * 1.08], ticks }
  const ys = scaleOver(curves.flatMap(({ points }) => points.map(({ y }) => y)))
  // Nearest by its logarithm: a share less a share is no round number.
  const names = PERCENTILES.map(({ share, text }) => `datum.value < ${1.2 / (1 - share)} ? '${text}'`)
  const left = model.scenarios.length - used.length
  return curvesPlot(model, file, {
    alt,
    headline: tailHeadline(curves, isEvent),
    caption: [
      `Means over the ok trials of a scenario.${isEvent ? ' From the arrival of an event to its answer, waiting included.' : ''}${left > 0 ? ` ${wholeNumber(left)} scenarios that do not run in real time are not shown.` : ''}`,
      ...(isEvent ? [] : sizesText(model)),
    ],
    metrics: [model.metrics.get(isEvent ? 'event_latency_p99_ms' : 'latency_p99_ms')].flatMap((m) => m ?? []),
    measures: [
      {
        curves,
        x: {
          title: `Percentile of ${isEvent ? 'events' : 'chunks'}, tail stretched`,
          scale: { ...xs },
          labelExpr: `${names.join(' : ')} : ''`,
        },
        y: { title: `${isEvent ? 'Event' : 'Chunk'} latency (ms)`, scale: ys },
        along: 'x',
        interpolate: 'linear',
      },
    ],
  })
}

const isRealtime = ({ point }: ScenarioReport): boolean => own(point, 'mode') === 'realtime'

function tailHeadline(curves: readonly Curve[], isEvent: boolean): string {
  const factors = curves.flatMap(({ points }) => {
    const [first] = points
    const p99 = points.find(({ x }) => Math.abs(x - 100) < 1e-6)
    return first !== undefined && p99 !== undefined ? [p99.y / first.y] : []
  })
  const what = isEvent ? 'event' : 'chunk'
  if (factors.length === 0) return `Latency of ${what}s by percentile`
  const [low, high] = [Math.min(...factors), Math.max(...factors)].map((factor) => formatNumber(factor, 2))
  const range = low === high ? low : `${list([low!, high!]).replace(' and ', ' to ')}`
  return `The 99th percentile of ${what} latency is ${range} times the median`
}
