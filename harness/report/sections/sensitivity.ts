/** What matters: how much of each metric the axes explain, and how latency and memory grow with the rows. */
import type { Growth } from '../../analyse/growth.ts'
import type { AxisEffect, MetricSensitivity } from '../../analyse/sensitivity.ts'
import { count, formatNumber, formatShare, list, wholeNumber } from '../../format.ts'
import type { Block, Cell, ColumnOf, DataTable, Plot, Section, Table } from '../section.ts'
import { columnsOf } from '../section.ts'
import type { ReportModel } from '../types.ts'
import { capitalised, metricName, settingName } from '../words.ts'

export const SENSITIVITY_FILE = 'benchmarks/sensitivity.csv'
/** An interaction that explains less of every metric is not worth a row. */
const LEAST_SHARE = 0.01

/** Nothing where fewer than two axes vary and rows are no axis. */
export function sensitivitySection(
  model: ReportModel,
  pictures: readonly Plot[],
  ofGrowth: readonly Plot[] = [],
): Section[] {
  const { sensitivity, growth } = model
  if (sensitivity === null && growth.length === 0) return []
  const blocks: Block[] = []
  if (sensitivity !== null) {
    blocks.push({ kind: 'text', text: sensitivityText(model) ?? 'No axis explains what was measured.' })
    blocks.push(...pictures.map((plot): Block => ({ kind: 'picture', plot })))
    blocks.push({ kind: 'table', table: sensitivityTable(model), pages: true })
  }
  if (growth.length > 0) {
    blocks.push({ kind: 'list', items: growth.map((one) => ({ text: growthText(one) })) })
    blocks.push(...ofGrowth.map((plot): Block => ({ kind: 'picture', plot })))
  }
  return [{ id: 'sensitivity', title: 'What matters', blocks }]
}

/** `Batch size explains 71% of R² and 4% of mean chunk latency: tune it first.` Null where nothing explains anything. */
function sensitivityText({ sensitivity, accuracy, latency }: ReportModel): string | null {
  if (sensitivity === null) return null
  const shown = [accuracy, latency].flatMap(
    (name) => sensitivity.metrics.find(({ metric }) => metric === name) ?? [],
  )
  const told = shown.length > 0 ? shown : sensitivity.metrics.slice(0, 2)
  const shareOf = ({ effects }: MetricSensitivity, key: string) =>
    effects.find(({ axes }) => axes.length === 1 && axes[0] === key)?.share ?? 0
  const ranked = sensitivity.axes
    .map((key) => ({ key, total: told.reduce((sum, one) => sum + shareOf(one, key), 0) }))
    .sort((a, b) => b.total - a.total)
  const first = ranked[0]
  if (first === undefined || first.total < LEAST_SHARE) return null
  const parts = (of: (one: MetricSensitivity) => number) =>
    list(told.map((one) => `${shareText(of(one))} of ${metricName(one.metric)}`))
  const others = ranked.slice(1).filter(({ total }) => total >= LEAST_SHARE)
  const next = others[0]
  const sentences = [
    `${capitalised(settingName(first.key))} explains ${parts((one) => shareOf(one, first.key))}: tune it first.`,
    ...(next ? [`Then ${settingName(next.key)}, with ${parts((one) => shareOf(one, next.key))}.`] : []),
  ]
  const pairs = told.flatMap((one) =>
    one.effects
      .filter(({ axes, share }) => axes.length === 2 && share >= 0.05)
      .map((pair) => ({ one, pair })),
  )
  const strongest = pairs.sort((a, b) => b.pair.share - a.pair.share)[0]
  if (strongest) {
    const { one, pair } = strongest
    sentences.push(
      `What ${settingName(pair.axes[0]!)} does depends on ${settingName(pair.axes[1]!)}: together a further ${shareText(pair.share)} of ${metricName(one.metric)}.`,
    )
  }
  return sentences.join(' ')
}

export function shareText(share: number): string {
  return share > 0 && share < 0.005 ? 'under 1%' : formatShare(Number(share.toFixed(2)), 2)
}

export function effectName(axes: readonly string[]): string {
  return axes.map((key, i) => (i === 0 ? capitalised(settingName(key)) : settingName(key))).join(' × ')
}

/** Effects of any of the metrics, the strongest first within each kind, and what is left. */
export function effectRows(model: ReportModel): { axes: string[]; shares: (AxisEffect | null)[] }[] {
  const { metrics } = model.sensitivity!
  const rows = new Map<string, { axes: string[]; shares: (AxisEffect | null)[] }>()
  for (const [i, { effects }] of metrics.entries()) {
    for (const effect of effects) {
      const key = JSON.stringify(effect.axes)
      const row = rows.get(key) ?? { axes: effect.axes, shares: metrics.map(() => null) }
      row.shares[i] = effect
      rows.set(key, row)
    }
  }
  const most = ({ shares }: { shares: (AxisEffect | null)[] }) =>
    shares.reduce((largest, effect) => Math.max(largest, effect?.share ?? 0), 0)
  return [...rows.values()]
    .filter((row) => row.axes.length === 1 || most(row) >= LEAST_SHARE)
    .sort((a, b) => a.axes.length - b.axes.length || most(b) - most(a))
}

function sensitivityTable(model: ReportModel): Table {
  const { metrics, determined, seeds } = model.sensitivity!
  const rows = [
    ...effectRows(model).map(({ axes, shares }) => ({
      name: effectName(axes),
      cells: shares.map(shareCell),
    })),
    {
      name: 'Not explained',
      cells: metrics.map(({ rest }): Cell => ({ text: shareText(rest), value: rest, tone: 'quiet' })),
    },
  ]
  const columns: ColumnOf<(typeof rows)[number]>[] = [
    { head: 'Axis', type: 'text', cell: ({ name }) => ({ text: name }) },
    ...metrics.map(
      ({ metric }, i): ColumnOf<(typeof rows)[number]> => ({
        head: capitalised(metricName(metric)),
        type: 'number',
        cell: ({ cells }) => cells[i]!,
      }),
    ),
  ]
  const merged = determined.map(({ axis, by }) => `${settingName(axis)} (set by ${settingName(by)})`)
  const notes = [
    'Omega squared: the share of the variance that an axis explains, from an analysis of variance with type II sums of squares; 95% interval in brackets. Times are compared on the log scale.',
    metrics.some(({ exact }) => exact) ? 'A metric without noise has no interval.' : '',
    metrics.every(({ interactions }) => !interactions)
      ? 'Too few trials to part interactions from noise.'
      : '',
    merged.length > 0 ? `No effect of their own: ${list(merged)}.` : '',
    seeds.length > 0 ? 'Seeds count as repetitions.' : '',
  ]
  return { columns: columnsOf(rows, columns), file: SENSITIVITY_FILE, note: notes.filter(Boolean).join(' ') }
}

function shareCell(effect: AxisEffect | null): Cell {
  if (effect === null || effect.df === 0) return { text: '—', value: null, tone: 'quiet' }
  const { share, low, high } = effect
  const interval = low === null || high === null || low === high ? '' : ` [${bound(low)}, ${bound(high)}]`
  return { text: shareText(share), spread: interval, value: share }
}

function bound(share: number): string {
  return formatNumber(Number((100 * Math.max(0, share)).toPrecision(2)), 2)
}

/** One row per metric and effect. */
export function sensitivityData({ sensitivity }: ReportModel): DataTable[] {
  if (sensitivity === null) return []
  const rows = sensitivity.metrics.flatMap(({ metric, scale, n, effects }) =>
    effects.map((effect) => ({ metric, scale, n, ...effect })),
  )
  const column = <Key extends keyof (typeof rows)[number]>(key: Key) => rows.map((row) => row[key])
  return [
    {
      file: SENSITIVITY_FILE,
      columns: [
        ['metric', column('metric')],
        ['scale', column('scale')],
        ['axis', rows.map(({ axes }) => axes[0]!)],
        ['second_axis', rows.map(({ axes }) => axes[1] ?? null)],
        ['df', column('df')],
        ['omega_squared', column('share')],
        ['omega_squared_ci_low', column('low')],
        ['omega_squared_ci_high', column('high')],
        ['n', column('n')],
      ],
    },
  ]
}

/** `Peak memory grows as rows^0.52 [0.48, 0.56] from 1,000 to 64,000 rows: square root.` */
function growthText({ metric, power, low, high, orders, rows, settings }: Growth): string {
  const name = capitalised(metricName(metric))
  const [nearest, ...others] = orders
  const also = others.length > 0 ? ` (${list(others, 'or')} cannot be ruled out)` : ''
  const order = nearest === undefined ? 'no common order of growth' : `${nearest}${also}`
  const over = settings > 1 ? `, over ${count(settings, 'setting')}` : ''
  return `${name} grows as rows^${power.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}] from ${wholeNumber(rows.least)} to ${count(rows.most, 'row')}${over}: ${order}.`
}
