/** Which axis of the grid is a colour, which a shape, and which must be written beside the points. */
import type { Scalar } from '../../../workers/workload.ts'
import type { Sensitivity } from '../../analyse/sensitivity.ts'
import type { Metric } from '../../metrics.ts'
import type { ScenarioReport } from '../types.ts'
import { capitalised, scalarText, settingName } from '../words.ts'
import { MAX_COLOURS, palette, SHAPES } from './theme.ts'

export interface Levels {
  key: string
  /** In order: numbers by size, `none` last. */
  values: string[]
}

export interface AxesEncoding {
  colour: Levels | null
  shape: Levels | null
  /** Axes that neither shows. */
  others: string[]
}

/**
 * The axis that explains most of what is seen is the colour, the next the shape, among those with few enough values.
 * Explained is the share of variance in the metrics named, together, so that all pictures of a run look alike: by the
 * run's sensitivity where it has one, else from the means.
 */
export function encodeAxes(
  scenarios: readonly ScenarioReport[],
  axes: readonly string[],
  metrics: readonly Metric[],
  sensitivity: Sensitivity | null = null,
): AxesEncoding {
  const varying = axes
    .map((key) => ({ key, values: levelsOf(scenarios, key) }))
    .filter(({ values }) => values.length > 1)
    .map((levels) => ({
      ...levels,
      explained: mainShares(levels.key, sensitivity, metrics) ?? explainedBy(levels.key, scenarios, metrics),
    }))
    .sort((a, b) => b.explained - a.explained)
  const colour = varying.find(({ values }) => values.length <= MAX_COLOURS) ?? null
  const rest = varying.filter((levels) => levels !== colour)
  const shape = rest.find(({ values }) => values.length <= SHAPES.length) ?? null
  const shown = [colour?.key, shape?.key]
  return { colour, shape, others: axes.filter((key) => isVarying(key, varying) && !shown.includes(key)) }
}

/** ` Lines of one colour differ in ...`; empty where colours, and shapes where there are any, tell all. */
export function besidesColour({ shape, others }: AxesEncoding, what: string, hasShapes: boolean): string {
  const names = [...others, ...(shape === null || hasShapes ? [] : [shape.key])].map(settingName)
  const alike = hasShapes ? 'of one colour and shape' : 'of one colour'
  return names.length === 0 ? '' : ` ${what} ${alike} differ in ${names.join(', ')}.`
}

function isVarying(key: string, varying: readonly Levels[]): boolean {
  return varying.some((levels) => levels.key === key)
}

/** Null where the sensitivity knows none of the metrics. An axis that another determines explains nothing by itself. */
function mainShares(key: string, sensitivity: Sensitivity | null, metrics: readonly Metric[]): number | null {
  const known = sensitivity?.metrics.filter(({ metric }) => metrics.some(({ name }) => name === metric)) ?? []
  if (known.length === 0) return null
  return known.reduce(
    (sum, { effects }) =>
      sum + (effects.find(({ axes }) => axes.length === 1 && axes[0] === key)?.share ?? 0),
    0,
  )
}

/** Sum over the metrics of epsilon squared (Kelley 1935): eta squared, less what as many levels explain by chance. */
function explainedBy(key: string, scenarios: readonly ScenarioReport[], metrics: readonly Metric[]): number {
  return metrics.reduce((sum, { name, scale }) => {
    const groups = new Map<string, number[]>()
    for (const { point, metrics: means } of scenarios) {
      const value = means[name]?.value
      if (value === undefined || (scale === 'log' && value <= 0)) continue
      const level = scalarText(point[key])
      groups.set(level, [...(groups.get(level) ?? []), scale === 'log' ? Math.log(value) : value])
    }
    const all = [...groups.values()].flat()
    const total = squaresAround(all)
    const free = all.length - groups.size
    if (free <= 0 || !(total > 0)) return sum
    const within = [...groups.values()].reduce((left, values) => left + squaresAround(values), 0)
    return sum + Math.max(0, 1 - within / free / (total / (all.length - 1)))
  }, 0)
}

function squaresAround(values: readonly number[]): number {
  const centre = values.reduce((sum, value) => sum + value, 0) / values.length
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0)
}

/** Where no other axis has the shapes, they tell the colours apart as well, for print and eyes that see no colour. */
export function shapesTellColours({ colour, shape }: AxesEncoding): boolean {
  return colour !== null && shape === null && colour.values.length <= SHAPES.length
}

/**
 * Vega-Lite channels `color` and `shape` over the fields `colour` and `shape`. A level has the same colour in all pictures
 * of a run; legends name those of the scenarios that this one draws.
 */
export function levelChannels(
  encoding: AxesEncoding,
  drawn: readonly ScenarioReport[],
): {
  color: Record<string, unknown>
  shape: Record<string, unknown>
} {
  const { colour, shape } = encoding
  const isBoth = shapesTellColours(encoding)
  const named = namedOf(colour, drawn)
  const color = colourChannel(colour, isBoth ? named : { symbolType: 'circle', ...named })
  if (isBoth) return { color, shape: { ...color, scale: scaleOf(colour!, SHAPES) } }
  return {
    color,
    shape: shape
      ? {
          field: 'shape',
          type: 'nominal',
          scale: scaleOf(shape, SHAPES),
          legend: {
            title: capitalised(settingName(shape.key)),
            symbolFillColor: '#5b6470',
            symbolStrokeWidth: 0,
            ...namedOf(shape, drawn),
          },
        }
      : { value: 'circle' },
  }
}

/** A Vega-Lite channel over the field `colour`. */
export function colourChannel(
  colour: Levels | null,
  legend: Record<string, unknown> = { symbolType: 'circle' },
): Record<string, unknown> {
  if (colour === null) return { value: palette(1)[0] }
  return {
    field: 'colour',
    type: 'nominal',
    scale: scaleOf(colour, palette(colour.values.length)),
    legend: {
      title: capitalised(settingName(colour.key)),
      symbolStrokeWidth: 0,
      columns: colour.values.length > 10 ? 2 : 1,
      ...legend,
    },
  }
}

function namedOf(levels: Levels | null, drawn: readonly ScenarioReport[]): { values?: string[] } {
  const there = new Set(drawn.map((scenario) => levelOf(scenario, levels)))
  const values = levels?.values.filter((value) => there.has(value)) ?? []
  return values.length === levels?.values.length ? {} : { values }
}

/** Of as many colours as everybody can tell apart, px of line and gap in turn. */
const DASHES = [
  [1, 0],
  [9, 3],
  [2.5, 2.5],
  [12, 3, 2.5, 3],
  [5, 2.5],
  [12, 3, 2.5, 3, 2.5, 3],
]

/** Channels `color` and `strokeDash` of lines, for print and eyes that see no colour; with more levels of `color` only. */
export function lineChannels(colour: Levels | null): Record<'color' | 'strokeDash', Record<string, unknown>> {
  // In a legend of two scales Vega takes a name that every object has, such as `constructor`, for something of its own.
  const isOwn = (value: string) => Object.hasOwn(Object.prototype, value)
  if (colour === null || colour.values.length > DASHES.length || colour.values.some(isOwn))
    return { color: colourChannel(colour), strokeDash: { value: DASHES[0] } }
  const legend = { symbolType: 'stroke', symbolSize: 900, symbolStrokeWidth: 2.4 }
  const color = colourChannel(colour, legend)
  return { color, strokeDash: { ...color, scale: scaleOf(colour, DASHES) } }
}

function scaleOf<Value>({ values }: Levels, range: readonly Value[]) {
  return { domain: values, range: range.slice(0, values.length) }
}

export function levelOf(scenario: ScenarioReport, levels: Levels | null): string | null {
  return levels ? scalarText(scenario.point[levels.key]) : null
}

function levelsOf(scenarios: readonly ScenarioReport[], key: string): string[] {
  const values = new Map<string, Scalar>()
  for (const { point } of scenarios) values.set(scalarText(point[key]), point[key] ?? null)
  return [...values].sort(([, a], [, b]) => order(a, b)).map(([text]) => text)
}

function order(a: Scalar, b: Scalar): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a).localeCompare(String(b), 'en')
}
