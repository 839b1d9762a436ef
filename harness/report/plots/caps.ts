/** Proof of enforcement: what was asked for against what the trials used. */
import type { TopLevelSpec } from 'vega-lite'
import type { ReportModel, ScenarioReport } from '../types.ts'
import { count, scalarText } from '../words.ts'
import type { Plot } from './plot.ts'
import { linearTicks, logTicks, tickLabel } from './scale.ts'
import { captionLayer, wrap } from './text.ts'
import { config, FONT_SIZE, MUTED, REFERENCE } from './theme.ts'

const ALT = 'Requested against achieved compute share, and requested against peak memory, a point a scenario'
const SIDE = 400
const GAP = 96
const TEXT_WIDTH = SIDE * 2 + GAP + 60
/** A share is a ratio of two clocks: this much over the cap is still held. */
export const COMPUTE_TOLERANCE = 1.05

const STATES = ['held', 'ended for it', 'over the cap'] as const
type State = (typeof STATES)[number]
const COLOURS = ['#0072b2', '#e69f00', '#d55e00']
const MARKS = ['circle', 'diamond', 'cross']

interface CapPoint {
  label: string
  requested: number
  used: number
  most: number
  state: State
}

export function capsPlot(model: ReportModel, file: string): Plot {
  const compute = model.scenarios.flatMap(computePoint)
  const memory = model.scenarios.flatMap(memoryPoint)
  if (compute.length + memory.length === 0) {
    const capped = model.scenarios.some((s) => s.compute.requested !== null || s.memory.requested_mb !== null)
    const skipped = capped ? 'no trial could tell what it used' : 'no scenario asks for a cap'
    return { file, alt: ALT, skipped }
  }
  const panels = [
    ...(compute.length > 0
      ? [panel('compute', 'Compute, share of a core', 'Achieved, mean', compute, false)]
      : []),
    ...(memory.length > 0 ? [panel('memory', 'Memory, MB', 'Largest peak of any trial', memory, true)] : []),
  ]
  const spec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    description: ALT,
    config: { ...config(), concat: { spacing: GAP } },
    title: {
      text: wrap(headline(compute, memory), FONT_SIZE.title, 600, TEXT_WIDTH),
      subtitle: wrap(model.subtitle, FONT_SIZE.subtitle, 400, TEXT_WIDTH),
    },
    hconcat: panels.map((layers, i) => ({
      width: SIDE,
      height: SIDE,
      layer: i === 0 ? [...layers, captionLayer(captionOf(model), SIDE + 76, TEXT_WIDTH)] : layers,
    })),
  }
  return { file, alt: ALT, spec: spec as unknown as TopLevelSpec }
}

export function computePoint({ label, compute }: ScenarioReport): CapPoint[] {
  const { requested, achieved, achieved_max } = compute
  if (requested === null || achieved === null) return []
  const state: State = achieved.value > requested * COMPUTE_TOLERANCE ? 'over the cap' : 'held'
  return [{ label, requested, used: achieved.value, most: achieved_max ?? achieved.value, state }]
}

export function memoryPoint({ label, memory, outcomes }: ScenarioReport): CapPoint[] {
  const { requested_mb: requested, peak_max_mb: most } = memory
  if (requested === null || most === null) return []
  const ended = outcomes.out_of_memory > 0
  const state: State = ended ? 'ended for it' : most > requested ? 'over the cap' : 'held'
  return [{ label, requested, used: most, most, state }]
}

function panel(name: string, title: string, yTitle: string, points: CapPoint[], wide: boolean) {
  const all = points
    .flatMap(({ requested, used, most }) => [requested, used, most])
    .filter((value) => value > 0)
  const [low, high] = [Math.min(...all), Math.max(...all)]
  const log = wide && high / low > 10
  const domain: [number, number] = log ? [low / 1.4, high * 1.4] : [0, high * 1.12]
  const ticks = log ? logTicks(domain) : linearTicks(domain)
  const labelExpr = tickLabel({ type: log ? 'log' : 'linear', ticks })
  const scale = log ? { type: 'log', domain, nice: false } : { type: 'linear', domain, nice: false }
  const x = {
    field: 'x',
    type: 'quantitative',
    scale,
    axis: { title: `Requested: ${title}`, values: ticks, labelExpr, labelOverlap: 'greedy' },
  }
  const y = {
    field: 'used',
    type: 'quantitative',
    scale,
    axis: { title: yTitle, values: ticks, labelExpr },
  }
  const spread = spreadOut(points, domain, log)
  const at = log ? domain[0] * (domain[1] / domain[0]) ** 0.5 : (domain[0] + domain[1]) / 2
  const colour = {
    field: 'state',
    type: 'nominal',
    scale: { domain: STATES, range: COLOURS },
    legend: { title: 'Cap', symbolStrokeWidth: 0 },
  }
  return [
    {
      name: `${name}_cap`,
      data: {
        values: [
          { x: domain[0], used: domain[0] },
          { x: domain[1], used: domain[1] },
        ],
      },
      mark: { type: 'line', stroke: REFERENCE, strokeDash: [6, 5], strokeWidth: 1.5 },
      encoding: { x, y },
    },
    {
      name: `${name}_cap_text`,
      data: { values: [{ x: at, used: at, text: 'the cap' }] },
      mark: { type: 'text', angle: 315, dy: -10, color: MUTED, fontSize: FONT_SIZE.label },
      encoding: { x, y, text: { field: 'text' } },
    },
    {
      name: `${name}_most`,
      data: { values: spread },
      mark: { type: 'rule', strokeWidth: 1.4, opacity: 0.5 },
      encoding: { x, y, y2: { field: 'most' }, color: { ...colour, legend: null } },
    },
    {
      name: `${name}_points`,
      data: { values: spread },
      mark: {
        type: 'point',
        filled: true,
        stroke: '#ffffff',
        strokeWidth: 1,
        size: points.length > 150 ? 36 : 90,
      },
      encoding: {
        x,
        y,
        color: colour,
        shape: { ...colour, scale: { domain: STATES, range: MARKS } },
        opacity: { value: 0.85 },
        tooltip: [
          { field: 'label', title: 'Scenario' },
          { field: 'requested', title: 'Requested' },
          { field: 'usedText', title: yTitle },
        ],
      },
    },
  ]
}

/** Scenarios with one cap side by side, so that none hides another. */
function spreadOut(points: readonly CapPoint[], [low, high]: [number, number], log: boolean) {
  const groups = new Map<number, CapPoint[]>()
  for (const point of points) groups.set(point.requested, [...(groups.get(point.requested) ?? []), point])
  const caps = [...groups.keys()].sort((a, b) => a - b)
  const scaled = (value: number) =>
    log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low)
  const nearest = Math.min(...caps.slice(1).map((cap, i) => scaled(cap) - scaled(caps[i]!)), 0.15)
  return [...groups].flatMap(([, group]) =>
    group.map((point, i) => {
      const shift =
        group.length === 1
          ? 0
          : (i / (group.length - 1) - 0.5) * Math.min(nearest * 0.6, 0.012 * group.length)
      const share = scaled(point.requested) + shift
      const x = log ? low * (high / low) ** share : low + share * (high - low)
      return { ...point, x, usedText: scalarText(Number(point.used.toPrecision(4))) }
    }),
  )
}

function headline(compute: CapPoint[], memory: CapPoint[]): string {
  const held = (points: CapPoint[]) => points.filter(({ state }) => state !== 'over the cap').length
  const parts = [
    ...(compute.length > 0 ? [`${held(compute)} of ${count(compute.length, 'compute cap')}`] : []),
    ...(memory.length > 0 ? [`${held(memory)} of ${count(memory.length, 'memory cap')}`] : []),
  ]
  return `${parts.join(' and ')} held`
}

function captionOf({ scenarios }: ReportModel): string[] {
  const mechanisms = (lists: string[][]) =>
    [...new Set(lists.flat())].filter((name) => name !== 'none').join(', ')
  const compute = mechanisms(scenarios.map((scenario) => scenario.compute.mechanisms)) || 'none'
  const memory = mechanisms(scenarios.map((scenario) => scenario.memory.mechanisms)) || 'none'
  return [
    `A point a scenario, those with the same cap side by side; below the line is within the cap. Lines reach up to the trial that used most. Compute: ${compute}. Memory, above an empty cell: ${memory}.`,
    'Diamonds: trials ended as out of memory; what was read before the end may lie above the cap. A workload that waits or needs little uses less than it may.',
  ]
}
