/**
 * A picture of curves, one per scenario: a colour for the axis that explains most, a panel for each value of the next, and
 * beyond a few dozen curves the median of those that look alike with the range of them.
 */
import { count } from '../../format.ts'
import type { Metric } from '../../metrics.ts'
import { type Bundle, bundleRows } from '../bundle.ts'
import type { Plot } from '../section.ts'
import type { ReportModel, ScenarioReport } from '../types.ts'
import { levelLabel, scalarText, settingName } from '../words.ts'
import { drawnBy } from './drawn-by.ts'
import { type AxesEncoding, encodeAxes, type Levels, levelOf, lineChannels } from './encode.ts'
import { linearTicks, numbersAlong, type PlotScale, position, tickText } from './scale.ts'
import { captionView, ellipsis, pictureFrame, pictureSubtitle, textWidth } from './text.ts'
import { FONT_SIZE, INK } from './theme.ts'

const WIDTH = 820
const GAP = 40
const HEIGHT = { one: 400, several: 240 }
/** More curves than these are told by their median and range. */
export const MOST_CURVES = 36
/** Places at which curves are put together. */
const PLACES = 60

export interface Curve {
  /** Those with the same curve share it. */
  scenarios: readonly ScenarioReport[]
  /** In the order in which they are joined. */
  points: readonly { x: number; y: number }[]
}

interface AxisOf {
  title: string
  scale: PlotScale
  /** A Vega expression for the text of a tick; absent: as numbers are written. */
  labelExpr?: string
}

export interface Measure {
  curves: readonly Curve[]
  x: AxisOf
  y: AxisOf
  /** Curves are put together at equal values of this. */
  along: 'x' | 'y'
  interpolate: 'step-after' | 'linear'
  /** Levels to hold the curves against, such as a cap. */
  limits?: (scenarios: readonly ScenarioReport[]) => { value: number; text: string }[]
  /** What happened along a curve; left out where curves are put together. */
  marks?: { curve: Curve; x: number; y: number; tip: string }[]
}

export interface CurvePicture {
  alt: string
  headline: string
  caption: readonly string[]
  /** Metrics whose explanation chooses colour and panels. */
  metrics: readonly Metric[]
  measures: readonly Measure[]
}

export function curvesPlot(model: ReportModel, file: string, picture: CurvePicture): Plot {
  const all = picture.measures.flatMap(({ curves }) => curves)
  const drawn = [...new Set(all.flatMap(({ scenarios }) => scenarios))]
  // An axis along which scenarios share a curve tells no curve from another.
  const axes = model.axes.filter((key) => all.every((curve) => isOneLevel(curve, key)))
  const encoding = encodeAxes(drawn, axes, picture.metrics, model.sensitivity)
  const isMany = picture.measures.some(({ curves }) => curves.length > MOST_CURVES)
  const panels = panelsOf(encoding.shape)
  const columns = panels.length <= 3 ? panels.length : panels.length === 4 ? 2 : 3
  const width = Math.round((WIDTH - (columns - 1) * GAP) / columns)
  const measures = picture.measures.map((measure, m) => ({
    measure,
    panels: panels.map((panel, p) => {
      const curves = measure.curves.filter(({ scenarios }) => scenarios.some(panel.has))
      const bundle = isMany ? bundleOf(curves, encoding, measure, `bundle_${m}_${p}`) : null
      return { panel, curves, bundle }
    }),
  }))
  const bundles = measures.flatMap(({ panels }) => panels.flatMap(({ bundle }) => bundle ?? []))
  const makeSpec = () => {
    const grids = measures.map(({ measure, panels }) => ({
      columns,
      spacing: GAP,
      concat: panels.map((panel, i) =>
        panelSpec(
          { ...panel, measure, encoding, width, model },
          i % columns === 0,
          i + columns >= panels.length,
        ),
      ),
    }))
    const caption = [...picture.caption, ...howDrawn(encoding, isMany, all.length)]
    return {
      ...pictureFrame(picture.alt, picture.headline, pictureSubtitle(model), WIDTH),
      spacing: 24,
      datasets: Object.fromEntries(bundles.map((bundle) => [bundle.data, bundleRows(bundle, () => true)])),
      vconcat: [...grids, captionView(caption, WIDTH)],
    }
  }
  return drawnBy({ file, alt: picture.alt, ...(isMany && { bundles }) }, makeSpec)
}

function isOneLevel({ scenarios }: Curve, key: string): boolean {
  return new Set(scenarios.map(({ point }) => scalarText(point[key]))).size === 1
}

interface Panel {
  title: string | null
  has(scenario: ScenarioReport): boolean
}

function panelsOf(facet: Levels | null): Panel[] {
  if (facet === null) return [{ title: null, has: () => true }]
  return facet.values.map((value) => ({
    title: levelLabel(facet.key, value),
    has: (scenario) => levelOf(scenario, facet) === value,
  }))
}

interface PanelInput {
  model: ReportModel
  measure: Measure
  encoding: AxesEncoding
  panel: Panel
  curves: readonly Curve[]
  /** The curves put together; null where each is drawn. */
  bundle: Bundle | null
  width: number
}

function panelSpec(
  { measure, encoding, panel, curves, bundle, width, model }: PanelInput,
  isFirst: boolean,
  isLast: boolean,
) {
  const isMany = bundle !== null
  const x = channel('x', { ...measure.x, scale: withRoom(measure.x.scale, width) }, isLast)
  const y = channel('y', measure.y, isFirst)
  const { color, strokeDash } = lineChannels(encoding.colour)
  const lines = isMany
    ? { name: bundle.data }
    : { values: curves.flatMap((curve, i) => rowsOf(curve, i, encoding, model)) }
  const low = measure.along === 'x' ? { y: { ...y, field: 'low' }, y2: { field: 'high' } } : { y }
  const wide = measure.along === 'y' ? { x: { ...x, field: 'low' }, x2: { field: 'high' } } : { x }
  const limits = measure.limits?.(curves.flatMap(({ scenarios }) => scenarios)) ?? []
  const marks = isMany ? [] : (measure.marks ?? []).filter(({ curve }) => curves.includes(curve))
  return {
    width,
    height: panel.title === null ? HEIGHT.one : HEIGHT.several,
    ...(panel.title !== null && {
      title: {
        text: ellipsis(panel.title, FONT_SIZE.axisTitle, width, 600),
        fontSize: FONT_SIZE.axisTitle,
        color: INK,
        offset: 8,
      },
    }),
    layer: [
      {
        data: { values: limits },
        mark: { type: 'rule', strokeDash: [6, 5], color: INK, strokeWidth: 1.5 },
        encoding: { y: { ...y, field: 'value' } },
      },
      {
        data: { values: limits },
        mark: {
          type: 'text',
          align: 'left',
          baseline: 'bottom',
          dy: -4,
          color: INK,
          fontSize: FONT_SIZE.caption,
        },
        encoding: { x: { value: 4 }, y: { ...y, field: 'value' }, text: { field: 'text' } },
      },
      {
        data: isMany ? { name: bundle.data } : { values: [] },
        mark: {
          type: 'area',
          opacity: 0.16,
          orient: measure.along === 'x' ? 'vertical' : 'horizontal',
          ...(measure.along === 'x' && { interpolate: measure.interpolate }),
        },
        encoding: { ...wide, ...low, color },
      },
      {
        data: lines,
        mark: {
          type: 'line',
          strokeWidth: isMany ? 2.4 : 2,
          opacity: 0.9,
          interpolate: isMany ? 'linear' : measure.interpolate,
        },
        encoding: {
          x,
          y,
          color,
          strokeDash,
          detail: { field: 'line' },
          order: { field: 'place', type: 'quantitative' },
        },
      },
      {
        data: { values: marks.map((mark) => markRow(mark, encoding)) },
        mark: { type: 'point', filled: true, shape: 'diamond', size: 90, opacity: 1, stroke: '#ffffff' },
        encoding: { x, y, color, tooltip: { field: 'tip' } },
      },
    ],
  }
}

/** Least room between the numbers along an axis, px. */
const ROOM = 12

/** A logarithmic scale of a narrow panel has a tick per decade: some of the others would leave uneven gaps. */
function withRoom(scale: PlotScale, width: number): PlotScale {
  if (scale.type !== 'log') return scale
  const fits = (ticks: readonly number[]) => {
    const ends = ticks.map((tick) => {
      const [at, half] = [position(scale, tick) * width, textWidth(tickText(tick), FONT_SIZE.tick) / 2]
      return [at - half, at + half] as const
    })
    return ends.every(([from], i) => i === 0 || from - ends[i - 1]![1] >= ROOM)
  }
  const decades = scale.ticks.filter((tick) => Number.isInteger(Math.log10(tick)))
  const ticks = [scale.ticks, decades, decades.filter((_, i) => i % 2 === 0)].find(
    (some) => some.length > 1 && fits(some),
  )
  return ticks === undefined ? scale : { ...scale, ticks }
}

/** Linear, with a little room above. */
export function fromZero(most: number, room = 1.02): PlotScale {
  const domain: [number, number] = [0, most * room]
  return { type: 'linear', domain, ticks: linearTicks(domain) }
}

function channel(field: 'x' | 'y', { title, scale, labelExpr }: AxisOf, hasTitle: boolean) {
  const { axis, ...along } = numbersAlong(field, scale, hasTitle ? title : null)
  // Ticks of another text have another title.
  const own = labelExpr === undefined ? {} : { labelExpr, title: hasTitle ? title : null }
  return { ...along, axis: { ...axis, ...own, labelOverlap: 'greedy' } }
}

function rowsOf({ scenarios, points }: Curve, line: number, encoding: AxesEncoding, model: ReportModel) {
  const [first] = scenarios
  const about = scenarios.map(({ id }) => id)
  const isAll = about.length === model.scenarios.length
  return points.map(({ x, y }, place) => ({
    ...(!isAll && { about }),
    ...{ x, y, place, line },
    colour: levelOf(first!, encoding.colour),
  }))
}

function markRow({ curve, x, y, tip }: NonNullable<Measure['marks']>[number], encoding: AxesEncoding) {
  const about = curve.scenarios.map(({ id }) => id)
  return { about, x, y, tip, colour: levelOf(curve.scenarios[0]!, encoding.colour) }
}

// ---------------------------------------------------------------- many curves as one

/** Digits that a picture can show. */
const DIGITS = 5

function bundleOf(
  curves: readonly Curve[],
  encoding: AxesEncoding,
  { along, x, y, interpolate }: Measure,
  data: string,
): Bundle {
  const places = placesOver((along === 'x' ? x : y).scale, curves, along)
  const byColour = new Map<string | null, Curve[]>()
  for (const curve of curves) {
    const colour = levelOf(curve.scenarios[0]!, encoding.colour)
    byColour.set(colour, [...(byColour.get(colour) ?? []), curve])
  }
  const groups = [...byColour].map(([colour, group]) => ({
    colour,
    curves: group.map((curve) => ({
      about: curve.scenarios.map(({ id }) => id),
      values: places.map((at) => {
        const value = valueAt(curve, at, along, interpolate)
        return value === undefined ? null : Number(value.toPrecision(DIGITS))
      }),
    })),
  }))
  return { data, along, places: places.map((place) => Number(place.toPrecision(DIGITS + 1))), groups }
}

/** The curves' own places where they are few and all alike. */
function placesOver({ type }: PlotScale, curves: readonly Curve[], along: 'x' | 'y'): number[] {
  const own = [...new Set(curves.flatMap(({ points }) => points.map((point) => point[along])))].sort(
    (a, b) => a - b,
  )
  if (own.length <= PLACES) return own
  // A distribution has its upper tail, too.
  if (along === 'y')
    return [...Array.from({ length: PLACES }, (_, i) => (i + 1) / PLACES), ...TAIL].sort((a, b) => a - b)
  const [low, high] = [own[0]!, own.at(-1)!]
  const at = (i: number) => i / (PLACES - 1)
  return Array.from({ length: PLACES }, (_, i) =>
    type === 'log' ? low * (high / low) ** at(i) : low + (high - low) * at(i),
  )
}

const TAIL = [0.99, 0.995, 0.999]

/** Undefined beyond the ends of the curve. */
function valueAt(
  { points }: Curve,
  at: number,
  along: 'x' | 'y',
  interpolate: Measure['interpolate'],
): number | undefined {
  const across = along === 'x' ? 'y' : 'x'
  // The distribution of a sample: its value at a share is the least that has it.
  if (along === 'y') return at <= 0 ? undefined : points.find((point) => point.y >= at)?.[across]
  const next = points.findIndex((point) => point.x >= at)
  if (next < 0) return undefined
  const [a, b] = [points[next - 1], points[next]!]
  if (b.x === at) return b.y
  if (a === undefined) return undefined
  return interpolate === 'step-after' ? a.y : a.y + ((b.y - a.y) * (at - a.x)) / (b.x - a.x)
}

function howDrawn({ others }: AxesEncoding, isMany: boolean, curves: number): string[] {
  const names = others.map(settingName)
  if (isMany)
    return [
      `Lines: the median of the curves of a colour in each panel, ${count(curves, 'curve')} in all; bands reach from the least to the most.`,
    ]
  return names.length === 0 ? [] : [`Lines of one colour differ in ${names.join(', ')}.`]
}
