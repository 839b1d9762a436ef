/** Which axis of the grid is a colour, which a shape, and which must be written beside the points. */
import type { Scalar } from '../../../workers/contract.ts'
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

/** Compute is the colour and memory the shape where they vary; else the first axes with few enough values. */
export function encodeAxes(scenarios: readonly ScenarioReport[], axes: readonly string[]): AxesEncoding {
  const varying = axes
    .map((key) => ({ key, values: levelsOf(scenarios, key) }))
    .filter(({ values }) => values.length > 1)
  const colour = choose(varying, 'max_compute_units', MAX_COLOURS, 'max_memory_mb')
  const rest = varying.filter((levels) => levels !== colour)
  const shape = choose(rest, 'max_memory_mb', SHAPES.length, null)
  return { colour, shape, others: rest.filter((levels) => levels !== shape).map(({ key }) => key) }
}

/** Vega-Lite channels `color` and `shape` over the fields `colour` and `shape`. */
export function levelChannels({ colour, shape }: AxesEncoding): {
  color: Record<string, unknown>
  shape: Record<string, unknown>
} {
  return {
    color: colour
      ? {
          field: 'colour',
          type: 'nominal',
          scale: { domain: colour.values, range: palette(colour.values.length) },
          legend: {
            title: capitalised(settingName(colour.key)),
            symbolType: 'circle',
            symbolStrokeWidth: 0,
            columns: colour.values.length > 10 ? 2 : 1,
          },
        }
      : { value: palette(1)[0] },
    shape: shape
      ? {
          field: 'shape',
          type: 'nominal',
          scale: { domain: shape.values, range: SHAPES.slice(0, shape.values.length) },
          legend: {
            title: capitalised(settingName(shape.key)),
            symbolFillColor: '#5b6470',
            symbolStrokeWidth: 0,
          },
        }
      : { value: 'circle' },
  }
}

export function levelOf(scenario: ScenarioReport, levels: Levels | null): string | null {
  return levels ? scalarText(scenario.flat[levels.key]) : null
}

function choose(
  candidates: Levels[],
  preferred: string,
  most: number,
  avoided: string | null,
): Levels | null {
  const fitting = candidates.filter(({ values }) => values.length <= most)
  return (
    fitting.find(({ key }) => key === preferred) ??
    fitting.find(({ key }) => key !== avoided) ??
    fitting[0] ??
    null
  )
}

function levelsOf(scenarios: readonly ScenarioReport[], key: string): string[] {
  const values = new Map<string, Scalar>()
  for (const { flat } of scenarios) values.set(scalarText(flat[key]), flat[key] ?? null)
  return [...values].sort(([, a], [, b]) => order(a, b)).map(([text]) => text)
}

function order(a: Scalar, b: Scalar): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a).localeCompare(String(b), 'en')
}
