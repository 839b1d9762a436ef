/** Domains and ticks, worked out here so that labels can be placed where the points will be drawn. */
import { ticks } from 'd3-array'

export interface PlotScale {
  type: 'linear' | 'log'
  domain: [number, number]
  ticks: number[]
}

const DECADE = 10

/**
 * Covers the values with a little air; logarithmic where they are positive and span more than a decade.
 * @param values finite, at least one
 */
export function scaleOver(
  values: readonly number[],
  options: { air?: number; log?: boolean } = {},
): PlotScale {
  const air = options.air ?? 0.07
  const low = values.reduce((a, b) => Math.min(a, b))
  const high = values.reduce((a, b) => Math.max(a, b))
  const log = options.log ?? (low > 0 && high / low > DECADE)
  if (log) {
    const span = Math.max(Math.log(high / low), 0.1)
    const domain: [number, number] = [low * Math.exp(-span * air), high * Math.exp(span * air)]
    return { type: 'log', domain, ticks: logTicks(domain) }
  }
  const span = high - low || Math.abs(high) * 0.2 || 1
  const domain: [number, number] = [low - span * air, high + span * air]
  return { type: 'linear', domain, ticks: linearTicks(domain) }
}

/** More values than these have round ticks between them. */
const MOST_OWN_TICKS = 6

/** The scale of a setting, whose ticks are its own values where they are few: between them nothing was measured. */
export function scaleOfLevels(
  values: readonly number[],
  options: { air?: number; log?: boolean } = {},
): PlotScale {
  const scale = scaleOver(values, options)
  const levels = [...new Set(values)].sort((a, b) => a - b)
  return levels.length <= MOST_OWN_TICKS ? { ...scale, ticks: levels } : scale
}

/** Position along the scale, 0 at the start of the domain and 1 at its end. */
export function position(scale: PlotScale, value: number): number {
  const [low, high] = scale.domain
  if (scale.type === 'log') return Math.log(value / low) / Math.log(high / low)
  return (value - low) / (high - low)
}

/** 1, 2, 5 a decade, thinned to 1 a decade where that would crowd: d3-scale would take every digit. */
export function logTicks([low, high]: readonly [number, number]): number[] {
  const decades = Math.log10(high / low)
  const steps = decades > 6 ? [1] : decades > 3 ? [1, 3] : decades > 0.7 ? [1, 2, 5] : null
  if (!steps) return linearTicks([low, high])
  const found: number[] = []
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const step of steps) {
      const tick = Number(`${step}e${power}`)
      if (tick >= low && tick <= high) found.push(tick)
    }
  }
  return found
}

/** About five round numbers within the domain. */
export function linearTicks([low, high]: readonly [number, number], count = 5): number[] {
  return ticks(low, high, count)
}

/** The scale as Vega-Lite takes it. */
export function vegaScale({ type, domain }: Pick<PlotScale, 'type' | 'domain'>) {
  return type === 'log' ? { type, domain, nice: false } : { type, domain, nice: false, zero: false }
}

/** An axis along the scale; without a title where the panel beside has it. */
export function vegaAxis(scale: PlotScale, title: string | null) {
  return {
    title: title !== null && scale.type === 'log' ? `${title}, log scale` : title,
    values: scale.ticks,
    labelExpr: tickLabel(scale),
  }
}

/** A channel of numbers along the scale, with its axis. */
export function numbersAlong(field: string, scale: PlotScale, title: string | null) {
  return { field, type: 'quantitative', scale: vegaScale(scale), axis: vegaAxis(scale, title) }
}

/** A tick where no expression is run: as it is, without the dust of sums. */
export function tickText(value: number): string {
  return Number(value.toPrecision(6)).toLocaleString('en-US', { maximumSignificantDigits: 6 })
}

/** A Vega expression that writes ticks as people do: thousands grouped, and as many decimals as the finest has. */
export function tickLabel({ type, ticks }: Pick<PlotScale, 'type' | 'ticks'>): string {
  if (type === 'log') return "format(datum.value, ',.6~g')"
  const decimals = Math.max(0, ...ticks.map((tick) => (String(tick).split('.')[1] ?? '').length))
  return `format(datum.value, ',.${decimals}f')`
}
