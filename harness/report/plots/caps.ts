/** Proof of enforcement: what was asked for against what the trials used. */

import { count, formatNumber, wholeNumber } from '../../format.ts'
import type { Plot } from '../section.ts'
import type { ReportModel, ScenarioReport } from '../types.ts'
import { coresOf, labelWords, scalarText, settingName } from '../words.ts'
import { drawnBy } from './drawn-by.ts'
import { linearTicks, logTicks, numbersAlong } from './scale.ts'
import { captionLayer, pictureFrame, pictureSubtitle } from './text.ts'
import { INK } from './theme.ts'

const ALT = 'Compute share allowed and achieved, and memory allowed and its peak, a point per scenario'
const SIDE = 400
const GAP = 110
/** Between scenarios with one cap, px, where there is room. */
const SPACING = 12
const TEXT_WIDTH = SIDE * 2 + GAP + 60
const STATES = ['held', 'trials ended for it', 'over the cap', 'not enforced'] as const
type State = (typeof STATES)[number]
const COLOURS = ['#0072b2', '#e69f00', '#d55e00', '#767676']
const MARKS = ['circle', 'diamond', 'cross', 'triangle-up']

interface CapPoint {
  /** The scenario's id. */
  about: string
  label: string
  cap: number
  used: number
  most: number
  state: State
}

interface Panel {
  name: 'compute' | 'memory'
  xTitle: string
  yTitle: string
  points: CapPoint[]
  /** Logarithmic where the values span more than a decade. */
  log: boolean
}

export function capsPlot(model: ReportModel, file: string): Plot {
  const compute: Panel = {
    name: 'compute',
    xTitle: 'Compute cap (share of a core)',
    yTitle: 'Achieved share, mean',
    points: model.scenarios.flatMap(computePoint),
    log: false,
  }
  const memory: Panel = {
    name: 'memory',
    xTitle: 'Memory cap (MB)',
    yTitle: 'Largest peak of any trial (MB)',
    points: model.scenarios.flatMap(memoryPoint),
    log: true,
  }
  const panels = [compute, memory].filter(({ points }) => points.length > 0)
  if (panels.length === 0) {
    const capped = model.scenarios.some((s) => s.compute.asked !== null || s.memory.asked_mb !== null)
    const skipped = capped ? 'no trial reports what it used' : 'no scenario asks for a cap'
    return { file, alt: ALT, skipped }
  }
  const makeSpec = () => {
    const states = STATES.filter((state) =>
      panels.some(({ points }) => points.some((point) => point.state === state)),
    )
    // A single panel has the room of two.
    const width = panels.length === 1 ? SIDE * 2 + GAP : SIDE
    const caption = captionLayer(captionOf(model, panels), SIDE + 78, TEXT_WIDTH)
    return {
      ...pictureFrame(ALT, headline(compute.points, memory.points), pictureSubtitle(model), TEXT_WIDTH),
      spacing: GAP,
      // The caption below the first panel must not push the second one away.
      bounds: 'flush',
      // Shared, the offsets in one panel would be measured by the bands of the other.
      resolve: { scale: { xOffset: 'independent' } },
      hconcat: panels.map((panel, i) => ({
        width,
        height: SIDE,
        layer: [...layersOf(panel, states, width), ...(i === 0 ? [caption] : [])],
      })),
    }
  }
  return drawnBy({ file, alt: ALT }, makeSpec)
}

function computePoint({ id, label, compute }: ScenarioReport): CapPoint[] {
  const { achieved, achieved_max } = compute
  const cap = coresOf(compute)
  if (cap === null || achieved === null) return []
  const state: State =
    compute.enforced === false ? 'not enforced' : compute.over_cap ? 'over the cap' : 'held'
  return [
    {
      about: id,
      label: labelWords(label),
      cap,
      used: achieved.value,
      most: achieved_max ?? achieved.value,
      state,
    },
  ]
}

function memoryPoint({ id, label, memory, outcomes }: ScenarioReport): CapPoint[] {
  const { asked_mb: cap, peak_max_mb: most } = memory
  if (cap === null || most === null) return []
  const state = memoryState(memory, outcomes.out_of_memory > 0)
  return [{ about: id, label: labelWords(label), cap, used: most, most, state }]
}

function memoryState({ enforced, asked_mb, peak_max_mb }: ScenarioReport['memory'], ended: boolean): State {
  if (ended) return 'trials ended for it'
  if (enforced === false) return 'not enforced'
  return peak_max_mb! > asked_mb! ? 'over the cap' : 'held'
}

function layersOf({ name, xTitle, yTitle, points, log }: Panel, states: readonly State[], width: number) {
  const caps = [...new Set(points.map(({ cap }) => cap))].sort((a, b) => a - b)
  const all = points.flatMap(({ cap, used, most }) => [cap, used, most]).filter((value) => value > 0)
  const low = all.reduce((a, b) => Math.min(a, b))
  const high = all.reduce((a, b) => Math.max(a, b))
  const decades = log && high / low > 10
  const domain: [number, number] = decades ? [low / 1.5, high * 1.4] : [0, high * 1.12]
  const type = decades ? 'log' : 'linear'
  const ticks = decades ? logTicks(domain) : linearTicks(domain)
  const x = {
    field: 'cap',
    type: 'ordinal',
    scale: { domain: caps.map((cap) => scalarText(cap)), paddingInner: 0.25, paddingOuter: 0.2 },
    axis: { title: xTitle, labelAngle: 0, labelOverlap: 'greedy' },
  }
  const y = numbersAlong('used', { type, domain, ticks }, yTitle)
  const xOffset = { field: 'offset', type: 'quantitative', scale: { domain: [0, 1] } }
  const ofState = (range: readonly string[]) => ({
    domain: states,
    range: states.map((state) => range[STATES.indexOf(state)]),
  })
  const color = {
    field: 'state',
    type: 'nominal',
    scale: ofState(COLOURS),
    // That all caps were held says the headline.
    legend: states.length === 1 && states[0] === STATES[0] ? null : { title: 'Cap', symbolStrokeWidth: 0 },
  }
  const band = (width / caps.length) * 0.72
  const most = Math.max(...caps.map((cap) => points.filter((point) => point.cap === cap).length))
  const data = { values: sideBySide(points, band) }
  const many = points.length > 150
  return [
    {
      name: `${name}_cap`,
      data: { values: caps.map((cap) => ({ cap: scalarText(cap), used: cap })) },
      mark: {
        type: 'tick',
        color: INK,
        opacity: 1,
        thickness: 2.5,
        size: Math.min(band, Math.max(60, (most + 1) * SPACING)),
      },
      encoding: { x, y },
    },
    {
      name: `${name}_most`,
      data,
      mark: { type: 'rule', strokeWidth: 1.4, opacity: 0.5 },
      encoding: { x, xOffset, y, y2: { field: 'most' }, color },
    },
    {
      name: `${name}_points`,
      data,
      mark: { type: 'point', filled: true, stroke: '#ffffff', strokeWidth: many ? 0 : 0.8 },
      encoding: {
        x,
        xOffset,
        y,
        color,
        shape: { ...color, scale: ofState(MARKS) },
        size: { value: many ? 22 : 85 },
        opacity: { value: 0.85 },
        tooltip: [
          { field: 'label', title: 'Scenario' },
          { field: 'cap', title: xTitle },
          { field: 'shown', title: yTitle },
        ],
      },
    },
  ]
}

/** Scenarios with one cap stand side by side, so that none hides another. */
function sideBySide(points: readonly CapPoint[], band: number) {
  const groups = new Map<number, CapPoint[]>()
  for (const point of points) {
    const group = groups.get(point.cap)
    if (group) group.push(point)
    else groups.set(point.cap, [point])
  }
  return [...groups.values()].flatMap((group) => {
    const width = Math.min(0.9, (group.length * SPACING) / band)
    return group.map((point, i) => ({
      ...point,
      cap: scalarText(point.cap),
      offset: group.length === 1 ? 0.5 : 0.5 + (i / (group.length - 1) - 0.5) * width,
      shown: formatNumber(point.used),
    }))
  })
}

function headline(compute: CapPoint[], memory: CapPoint[]): string {
  const held = (points: CapPoint[]) =>
    points.filter(({ state }) => state === 'held' || state === 'trials ended for it').length
  const parts = [
    ...(compute.length > 0
      ? [`${wholeNumber(held(compute))} of ${count(compute.length, 'compute cap')}`]
      : []),
    ...(memory.length > 0 ? [`${wholeNumber(held(memory))} of ${count(memory.length, 'memory cap')}`] : []),
  ]
  return `${parts.join(' and ')} held`
}

function captionOf({ scenarios, axes }: ReportModel, panels: readonly Panel[]): string[] {
  const list = (lists: string[][]) =>
    [...new Set(lists.flat())].filter((name) => name !== 'none').join(', ') || 'nothing'
  const heldBy = {
    compute: `Compute held by: ${list(scenarios.map(({ compute }) => compute.mechanisms))}.`,
    memory: `Memory, above an idle worker, held by: ${list(scenarios.map(({ memory }) => memory.mechanisms))}.`,
  }
  const ended = scenarios.some(({ outcomes }) => outcomes.out_of_memory > 0)
  return [
    [
      'Black bars: the caps. One point per scenario, those with the same cap side by side',
      orderOf(scenarios, axes, panels),
      '; thin lines reach up to the trial that used most. ',
      panels.map(({ name }) => heldBy[name]).join(' '),
    ].join(''),
    [
      ended ? 'Diamonds: trials ended as out of memory; the last reading may lie above the cap. ' : '',
      'A workload that waits, needs little, or runs beside other work uses less than it may.',
    ].join(''),
  ]
}

/** What tells the scenarios with one cap apart, where that is one setting of a few values. */
function orderOf(
  scenarios: readonly ScenarioReport[],
  axes: readonly string[],
  panels: readonly Panel[],
): string {
  const [other, ...more] = axes.filter((key) => key !== 'max_compute_units' && key !== 'max_memory_mb')
  if (other === undefined || more.length > 0) return ''
  const values = [...new Set(scenarios.map(({ point }) => scalarText(point[other])))]
  const oneOfEach = panels.every(({ points }) => {
    const counts = new Map<number, number>()
    for (const { cap } of points) counts.set(cap, (counts.get(cap) ?? 0) + 1)
    return [...counts.values()].every((n) => n === values.length)
  })
  return oneOfEach && values.length > 1 && values.length <= 6
    ? ` (${settingName(other)}, from left: ${values.join(', ')})`
    : ''
}
