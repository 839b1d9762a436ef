/** Metrics over many runs, a panel per series that changed: levels, and the runs where each change may lie. */

import { count, formatMetric } from '../../format.ts'
import type { History, HistoryEvent, HistorySeries, SeriesChange } from '../../gate/types.ts'
import type { Plot } from '../section.ts'
import { itemId, labelWords, metricName, plain } from '../words.ts'
import { drawnBy } from './drawn-by.ts'
import { linearTicks, scaleOver, tickLabel } from './scale.ts'
import { ellipsis, pictureFrame } from './text.ts'
import { FONT_SIZE, INK, MUTED } from './theme.ts'

const WIDTH = 820
const HEIGHT = 130
/** More would make a picture that nobody scrolls through; the others are in the table. */
const MOST_PANELS = 8
const COLOURS = { worse: '#d55e00', better: '#009e73', changed: '#0072b2' }

/** One for each sweep and machine with a change. */
export function historyPlots({ series, events }: Pick<History, 'series' | 'events'>): Plot[] {
  const groups = new Map<string, HistorySeries[]>()
  for (const one of series) {
    const key = JSON.stringify([one.sweep, one.machine])
    groups.set(key, [...(groups.get(key) ?? []), one])
  }
  return [...groups.values()]
    .filter((group) => group.some(({ changes }) => changes.length > 0))
    .map((group, i) => {
      const [{ sweep, machine }] = group as [HistorySeries]
      const own = events.filter((event) => event.sweep === sweep && event.machine === machine)
      return historyPlot(group, own, `history-${i + 1}.png`)
    })
}

/** Id of a series in a page. */
export function seriesId({ sweep, machine, scenario, metric }: HistorySeries): string {
  return itemId(sweep, machine, scenario, metric)
}

/**
 * One picture for a sweep on a machine.
 * @param series of that sweep and machine
 */
function historyPlot(series: readonly HistorySeries[], events: readonly HistoryEvent[], file: string): Plot {
  const alt =
    'Metrics over the runs, a panel per series that changed, with the level before and after each change'
  const changed = series.filter(({ changes }) => changes.length > 0).sort((a, b) => sizeOf(b) - sizeOf(a))
  if (changed.length === 0) return { file, alt, skipped: 'no series changed' }
  const shown = changed.slice(0, MOST_PANELS)
  const { sweep, machine } = shown[0]!
  const more = changed.length - shown.length
  const makeSpec = () => ({
    ...pictureFrame(
      alt,
      headline(events),
      `${plain(sweep)} · ${plain(machine)}${more > 0 ? ` · ${more} more series changed` : ''}`,
      WIDTH,
    ),
    spacing: 34,
    vconcat: shown.map((one, i) => panel(one, i === shown.length - 1)),
  })
  return drawnBy({ file, alt }, makeSpec)
}

function headline(events: readonly HistoryEvent[]): string {
  const worse = events.filter(({ verdict }) => verdict === 'worse' || verdict === 'mixed').length
  return worse === 0
    ? `${count(events.length, 'change')}, none for the worse`
    : `${count(events.length, 'change')}, ${worse} for the worse`
}

function sizeOf({ changes }: HistorySeries): number {
  return changes.reduce((most, { kind, before, after }) => {
    if (kind === 'spread') return most
    const size = before > 0 && after > 0 ? Math.abs(Math.log(after / before)) : Math.abs(after - before)
    return Math.max(most, size)
  }, 0)
}

function panel(series: HistorySeries, last: boolean) {
  const { metric, label, unit, points, changes, outliers } = series
  const values = points.map(({ value }) => value)
  const scale = scaleOver(values, { air: 0.12, log: false })
  const runs = points.map(({ started_at, commit, value }, index) => ({
    about: seriesId(series),
    index,
    value,
    apart: outliers.includes(index) ? 'stands apart' : 'run',
    date: started_at.slice(0, 10),
    commit: commit === null ? '' : commit.slice(0, 7),
    shown: formatMetric(value, unit),
  }))
  const ticks = linearTicks([0, Math.max(1, points.length - 1)], 6).filter(
    (tick) => Number.isInteger(tick) && tick < points.length,
  )
  const names = ticks.map((tick) => runs[tick]!.commit || runs[tick]!.date)
  const x = {
    field: 'index',
    type: 'quantitative',
    scale: { domain: [-0.7, points.length - 0.3], nice: false },
    axis: {
      title: last ? 'Run, in order of time, by its commit or date' : null,
      values: ticks,
      grid: false,
      labelExpr: `[${names.map((name) => JSON.stringify(plain(name))).join(',')}][indexof([${ticks}], datum.value)]`,
    },
  }
  const y = {
    field: 'value',
    type: 'quantitative',
    scale: { domain: scale.domain, nice: false, zero: false },
    axis: {
      title: unit === '' ? null : plain(unit),
      values: linearTicks(scale.domain, 4),
      labelExpr: tickLabel({ type: 'linear', ticks: linearTicks(scale.domain, 4) }),
    },
  }
  const title = ellipsis(`${metricName(metric)}, ${labelWords(label)}`, FONT_SIZE.axisTitle, WIDTH, 600)
  const text = `${title}${changes.length === 0 ? '' : `: ${changes.map((change) => changeText(change, unit)).join('; ')}`}`
  return {
    title: {
      text: ellipsis(text, FONT_SIZE.axisTitle, WIDTH + 40),
      fontSize: FONT_SIZE.axisTitle,
      fontWeight: 400,
      color: INK,
      offset: 8,
    },
    width: WIDTH,
    height: HEIGHT,
    layer: [
      {
        data: {
          values: changes.map(({ low, high, verdict }) => ({ from: low - 0.5, to: high + 0.5, verdict })),
        },
        mark: { type: 'rect', opacity: 0.18 },
        encoding: {
          x: { ...x, field: 'from' },
          x2: { field: 'to' },
          color: {
            field: 'verdict',
            type: 'nominal',
            scale: { domain: Object.keys(COLOURS), range: Object.values(COLOURS) },
            legend: null,
          },
        },
      },
      {
        data: { values: levels(changes, points.length) },
        mark: { type: 'line', strokeWidth: 2.2, color: MUTED },
        encoding: { x: { ...x, field: 'at' }, y, detail: { field: 'part' } },
      },
      {
        data: { values: runs },
        mark: { type: 'point', filled: true, size: 46, opacity: 0.95 },
        encoding: {
          x,
          y,
          color: { value: INK },
          shape: {
            field: 'apart',
            type: 'nominal',
            scale: { domain: ['run', 'stands apart'], range: ['circle', 'cross'] },
            legend: null,
          },
          tooltip: [
            { field: 'date', title: 'Run of' },
            { field: 'commit', title: 'Commit' },
            { field: 'shown', title: metricName(metric) },
          ],
        },
      },
    ],
  }
}

/** The levels as lines: flat between changes, sloping over a drift. */
function levels(changes: readonly SeriesChange[], n: number) {
  const moves = changes.filter(({ kind }) => kind !== 'spread')
  return moves.flatMap(({ kind, index, high, before, after }, k) => {
    const start = k === 0 ? -0.5 : after0(moves[k - 1]!)
    const end = k === moves.length - 1 ? n - 0.5 : moves[k + 1]!.index - 0.5
    const over = kind === 'drift' ? high : index - 0.5
    const from = kind === 'drift' ? index - 1 : index - 0.5
    return [
      ...(k === 0
        ? [
            { part: `${k}`, at: start, value: before },
            { part: `${k}`, at: from, value: before },
          ]
        : []),
      ...(kind === 'drift'
        ? [
            { part: `${k}-slope`, at: from, value: before },
            { part: `${k}-slope`, at: over, value: after },
          ]
        : []),
      { part: `${k + 1}`, at: over, value: after },
      { part: `${k + 1}`, at: end, value: after },
    ]
  })
}

const after0 = ({ kind, high, index }: SeriesChange) => (kind === 'drift' ? high : index - 0.5)

function changeText({ kind, before, after }: SeriesChange, unit: string): string {
  if (kind === 'spread') return after > before ? 'noisier' : 'less noisy'
  return `${formatMetric(before, unit)} → ${formatMetric(after, unit)}`
}
