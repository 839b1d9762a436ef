/** What changes along the stream: accuracy with drift alarms, memory and backlog against their limits. */
import { count, formatMetric, formatNumber, list, wholeNumber } from '../../format.ts'
import { own } from '../../own.ts'
import type { Course, LogSummary } from '../chunk-logs.ts'
import type { Plot } from '../section.ts'
import type { ReportModel, ScenarioReport } from '../types.ts'
import { metricName, metricTitle } from '../words.ts'
import { type Curve, curvesPlot, fromZero, type Measure, MOST_CURVES } from './curves.ts'
import { noLogs, sampleText } from './distribution.ts'
import { type PlotScale, scaleOver } from './scale.ts'

const NO_LOGS: ReadonlyMap<string, LogSummary> = new Map()
/** A limit further above what was measured would make it flat. */
const MOST_STRETCH = 2.5
/** More of them would cover each other. */
const MOST_LIMITS = 3

export function accuracyPlot(
  model: ReportModel,
  logs: ReadonlyMap<string, LogSummary> = NO_LOGS,
  file: string,
): Plot {
  const metric = model.accuracy === null ? undefined : model.metrics.get(model.accuracy)
  const alt = 'Accuracy over the rows of the stream, with drift alarms'
  if (metric === undefined) return { file, alt, skipped: 'the workload declares no accuracy metric' }
  const known = model.scenarios.flatMap((scenario) => {
    const score = scoreOf(model, scenario, metric.name)
    return score === null ? [] : [{ scenario, ...score }]
  })
  if (known.length === 0)
    return { file, alt, skipped: 'no ok trial reports a curve of its accuracy over the rows' }
  // Caps change nothing of it: what is drawn once need not be drawn again.
  const groups = new Map<string, typeof known>()
  for (const one of known) {
    const key = JSON.stringify(one.points)
    groups.set(key, [...(groups.get(key) ?? []), one])
  }
  const curves = [...groups.values()].map((group) => ({
    scenarios: group.map(({ scenario }) => scenario),
    points: group[0]!.points,
  }))
  const window = known.find((one) => one.window !== null)?.window ?? null
  const marks = curves.flatMap((curve) => marksOf(curve, logs))
  const last = curves.reduce((most, { points }) => Math.max(most, points.at(-1)!.x), 0)
  return curvesPlot(model, file, {
    alt,
    headline: accuracyHeadline(curves, metricName(metric.name), marks.length),
    caption: [
      `${window === null ? 'Over all rows so far' : `Over the last ${wholeNumber(window)} rows`}, of the first ok trial; each curve reaches to its last row.${marks.length > 0 ? ' Diamonds: drift alarms of error and target.' : ''}`,
      ...(curves.length < known.length
        ? [
            `${wholeNumber(known.length)} scenarios have ${count(curves.length, 'curve')}: what shares one is drawn once.`,
          ]
        : []),
    ],
    metrics: [metric],
    measures: [
      {
        curves,
        x: {
          title: 'Rows',
          scale: fromZero(last),
        },
        y: {
          title: metricTitle(metric),
          scale: scaleOver(scoresShown(curves), { air: 0.06, log: false }),
        },
        along: 'x',
        interpolate: 'linear',
        marks,
      },
    ],
  })
}

interface Score {
  points: { x: number; y: number }[]
  /** Rows of the window; null: over all rows so far. */
  window: number | null
}

/** What the built-in pipeline reports under `curve`, or a workload of the user's that does alike. */
function scoreOf({ trialsOf }: ReportModel, { id }: ScenarioReport, name: string): Score | null {
  const trial = trialsOf.get(id)?.find(({ outcome }) => outcome === 'ok')
  if (trial?.outcome !== 'ok') return null
  const curve = own(trial.info, 'curve')
  if (typeof curve !== 'object' || curve === null) return null
  const columns = curve as Record<string, unknown>
  const rows = own(columns, 'rows')
  const windowed = own(columns, `window_${name}`)
  const scores = Array.isArray(windowed) ? windowed : own(columns, name)
  const window = own(columns, 'window')
  if (!Array.isArray(rows) || !Array.isArray(scores)) return null
  // The curve counts scored rows: the first batch is learned before anything can be scored.
  const [all, scored, missing] = [trial.info['rows'], trial.info['scored'], trial.info['rows_without_target']]
  const ahead =
    typeof all === 'number' && typeof scored === 'number' && (missing === 0 || missing === undefined)
      ? all - scored
      : 0
  const points = rows.flatMap((row: unknown, i) => {
    const y: unknown = scores[i]
    return typeof row === 'number' && typeof y === 'number' ? [{ x: row + ahead, y }] : []
  })
  const isWindowed = Array.isArray(windowed) && typeof window === 'number'
  return points.length < 2 ? null : { points, window: isWindowed ? window : null }
}

/** A score may start far below where it settles: the worst hundredth may leave the picture. */
function scoresShown(curves: readonly Curve[]): number[] {
  const all = curves.flatMap(({ points }) => points.map(({ y }) => y)).sort((a, b) => a - b)
  const cut = (share: number) => all[Math.round(share * (all.length - 1))]!
  const [low, high] = [cut(0.01), cut(0.99)]
  const room = (high - low) * 0.5
  return all.filter((value) => value >= low - room && value <= high + room)
}

function marksOf(curve: Curve, logs: ReadonlyMap<string, LogSummary>) {
  const log = curve.scenarios.flatMap(({ id }) => logs.get(id) ?? [])[0]
  const alarms = (log?.alarms ?? []).filter(({ stream }) => stream === 'error' || stream === 'target')
  return alarms.flatMap(({ row, stream, detector }) => {
    const next = curve.points.findIndex(({ x }) => x >= row)
    const [a, b] = [curve.points[next - 1], curve.points[next]]
    if (a === undefined || b === undefined) return []
    const y = a.y + ((b.y - a.y) * (row - a.x)) / (b.x - a.x)
    return [
      { curve, x: row, y, tip: `${detector.replaceAll('_', ' ')} on the ${stream}, row ${wholeNumber(row)}` },
    ]
  })
}

function accuracyHeadline(curves: readonly Curve[], name: string, alarms: number): string {
  const ends = curves.map(({ points }) => points.at(-1)!.y)
  const [low, high] = [Math.min(...ends), Math.max(...ends)].map((value) => formatNumber(value))
  const range = (low === high ? `${low}` : `${low} to ${high}`).replaceAll('-', '−')
  const drift = alarms === 0 ? '' : `, with ${count(alarms, 'drift alarm')}`
  return `At the last rows ${name} is ${range}${drift}`
}

// ---------------------------------------------------------------- memory and backlog over time

export function coursePlot(model: ReportModel, logs: ReadonlyMap<string, LogSummary>, file: string): Plot {
  const alt = 'Memory and backlog over the time of a trial, against cap and limit'
  if (logs.size === 0) return { file, alt, skipped: noLogs(model) }
  if (typeof model.manifest.sweep.workload !== 'string')
    return { file, alt, skipped: 'the memory of a program is read for the whole trial only' }
  const known = model.scenarios.flatMap((scenario) => {
    const course = logs.get(scenario.id)?.course
    return course && course.at_s.length > 1 ? [{ scenario, course }] : []
  })
  if (known.length === 0)
    return { file, alt, skipped: 'chunk logs hold one chunk, or a sample from which no time can be added up' }
  // Where one trial does not say what an idle worker takes, none is counted from there.
  const idles = known.map(({ scenario }) => idleMemory(model, scenario))
  const isAbove = idles.every((idle) => idle !== null)
  // Trials of many scenarios are too different in length to be put together by the second.
  const isMany = known.length > MOST_CURVES
  const timeOf = ({ at_s }: Course) => (isMany ? at_s.at(-1)! : 1)
  const lasts = known.map(({ course }) => course.at_s.at(-1)!)
  const x = isMany
    ? {
        title: 'Share of the time of the trial',
        scale: fromZero(1),
        labelExpr: "format(datum.value, '.0%')",
      }
    : { title: 'Time (s)', scale: timeScale(known, lasts) }
  const memory = known.map(({ scenario, course }, i): Curve => {
    const idle = isAbove ? idles[i]! : 0
    return {
      scenarios: [scenario],
      points: within(
        x.scale,
        course.at_s.map((at, k) => ({
          x: at / timeOf(course),
          y: Math.max(0, course.memory_mb[k]! - idle),
        })),
      ),
    }
  })
  const most = memory.reduce((all, { points }) => points.reduce((a, { y }) => Math.max(a, y), all), 0)
  const caps = (scenarios: readonly ScenarioReport[]) => {
    const all = scenarios.flatMap(({ memory: { in_force_mb }, point }) =>
      in_force_mb === null || own(point, 'memory_scope') === 'process' ? [] : [in_force_mb],
    )
    return [...new Set(all)].sort((a, b) => a - b)
  }
  const inReach = isAbove ? caps(model.scenarios).filter((cap) => cap <= most * MOST_STRETCH) : []
  const beyond = isAbove ? caps(model.scenarios).filter((cap) => cap > most * MOST_STRETCH) : []
  const top = Math.max(most, ...inReach)
  const measures: Measure[] = [
    {
      curves: memory,
      x,
      y: {
        title: isAbove ? 'Above an idle worker (MB)' : 'Heap and external (MB)',
        scale: fromZero(top, 1.1),
      },
      along: 'x',
      interpolate: 'linear',
      limits: (scenarios) =>
        caps(scenarios)
          .filter((cap) => inReach.includes(cap))
          .slice(0, MOST_LIMITS)
          .map((value) => ({ value, text: `cap ${capText(value)}` })),
    },
    ...backlogOf(known, x, timeOf),
  ]
  return curvesPlot(model, file, {
    alt,
    headline: courseHeadline(most, isAbove, known),
    caption: [
      `Heap and external memory after each chunk, ${isAbove ? 'above an idle worker as caps count it' : 'that of an idle worker included'}; of the first trial with a chunk log.${sampleText(logs)}`,
      ...(x.scale.type === 'log'
        ? [
            `Trials last from ${formatNumber(Math.min(...lasts))} to ${formatNumber(Math.max(...lasts))} s, so that time is on a log scale, the same in all panels.`,
          ]
        : []),
      ...(beyond.length > 0 ? [`Caps above the picture: ${list(beyond.map(capText), 'and', 6)}.`] : []),
      ...(!isAbove && caps(model.scenarios).length > 0
        ? ['Caps count memory above an idle worker, which these trials do not report, so that none is drawn.']
        : []),
    ],
    metrics: [model.metrics.get('peak_memory_mb'), model.metrics.get('backlog_max_rows')].flatMap(
      (m) => m ?? [],
    ),
    measures,
  })
}

/** Where one trial lasts so many times as long as another, it would be a stroke at the edge of a linear scale. */
const MOST_TIMES = 8

/** One scale for all panels, so that the lengths of trials can be compared. */
function timeScale(known: readonly { course: Course }[], lasts: readonly number[]): PlotScale {
  const longest = Math.max(...lasts)
  const firsts = known.flatMap(({ course }) => course.at_s.find((at) => at > 0) ?? [])
  if (firsts.length === 0 || longest / Math.min(...lasts) <= MOST_TIMES) return fromZero(longest)
  return scaleOver([...firsts, longest], { log: true, air: 0.02 })
}

/** A log scale has no beginning. */
function within<P extends { x: number }>({ type, domain }: PlotScale, points: readonly P[]): P[] {
  return points.filter(({ x }) => type === 'linear' || x >= domain[0])
}

function capText(mb: number): string {
  return `${Number(mb.toPrecision(3))} MB`
}

function idleMemory({ trialsOf }: ReportModel, { id }: ScenarioReport): number | null {
  const trial = trialsOf.get(id)?.find(({ outcome }) => outcome === 'ok')
  return (trial?.outcome === 'ok' ? trial.metrics['idle_worker_mb'] : null) ?? null
}

function backlogOf(
  known: readonly { scenario: ScenarioReport; course: Course }[],
  x: Measure['x'],
  timeOf: (course: Course) => number,
): Measure[] {
  const curves = known.flatMap(({ scenario, course }): Curve[] =>
    course.backlog.length < 2
      ? []
      : [
          {
            scenarios: [scenario],
            points: within(
              x.scale,
              course.backlog.map(({ at_s, rows }) => ({ x: at_s / timeOf(course), y: rows })),
            ),
          },
        ],
  )
  if (curves.length === 0) return []
  const most = curves.reduce((all, { points }) => points.reduce((a, { y }) => Math.max(a, y), all), 1)
  const limitsOf = (scenarios: readonly ScenarioReport[]) =>
    [...new Set(scenarios.map(({ point }) => own(point, 'queue.limit_rows')))].filter(
      (limit): limit is number => typeof limit === 'number' && limit <= most * MOST_STRETCH,
    )
  const top = Math.max(most, ...limitsOf(known.map(({ scenario }) => scenario)))
  return [
    {
      curves,
      x,
      y: {
        title: 'Backlog (events)',
        scale: fromZero(top, 1.1),
      },
      along: 'x',
      interpolate: 'linear',
      limits: (scenarios) =>
        limitsOf(scenarios)
          .slice(0, MOST_LIMITS)
          .map((value) => ({ value, text: `queue.limit_rows ${wholeNumber(value)}` })),
    },
  ]
}

function courseHeadline(most: number, isAbove: boolean, known: readonly { course: Course }[]): string {
  const backlog = known.flatMap(({ course }) => course.backlog.map(({ rows }) => rows))
  const memory = `Memory reaches ${formatMetric(most, 'MB')}${isAbove ? ' above an idle worker' : ''}`
  return backlog.length === 0
    ? memory
    : `${memory}; the backlog reaches ${count(
        backlog.reduce((a, b) => Math.max(a, b)),
        'event',
      )}`
}
