/** What a search found: the demand or capacity curve, or, at a single value, how the search closed in on its answer. */
import { count, formatShare, list, wholeNumber } from '../../format.ts'
import type { RecordedSearch } from '../found.ts'
import type { Plot } from '../section.ts'
import type { ReportModel } from '../types.ts'
import { capitalised, plain, scalarText, settingLabel, settingName, settingTitle } from '../words.ts'
import { drawnBy } from './drawn-by.ts'
import { numbersAlong, type PlotScale, position, scaleOfLevels, scaleOver, vegaAxis } from './scale.ts'
import { captionLayer, pictureFrame, pictureSubtitle, textWidth } from './text.ts'
import { FONT_SIZE, INK, MUTED } from './theme.ts'

const WIDTH = 700
const HEIGHT = 400
const STATES = ['meets the goal', 'fails it', 'not decided'] as const
const COLOURS = ['#0072b2', '#d55e00', '#767676']
const MARKS = ['circle', 'cross', 'diamond']
const SURE = ['confirmed', 'by a trial or two'] as const

interface FoundPoint {
  about: string
  /** A number where the other axis is one, else its value in words. */
  x: number | string
  value: number
  state: (typeof STATES)[number]
  sure: (typeof SURE)[number]
  shown: string
}

/** Where a search at one value of the other axis ended. */
interface Answer {
  x: number | string
  meets: number
  /** The nearest value confirmed to fail; null where none was. */
  fails: number | null
}

export function foundPlot(model: ReportModel, recorded: RecordedSearch, file: string): Plot {
  const { search, found, lines } = recorded
  const { over } = search
  const alt =
    over === null
      ? `Values of ${settingName(search.axis)} in the order in which the search tried them, by verdict`
      : `${search.best === 'min' ? 'Demand' : 'Capacity'}: ${settingName(search.axis)} that meets the goal, against ${settingName(over)}`
  const points = over === null ? pointsByStep(recorded) : pointsByLine(recorded)
  const isOver = model.manifest.finished_at !== null
  const blanks = over === null ? [] : blanksOf(recorded, isOver)
  if (points.length === 0) return { file, alt, skipped: 'no value was decided' }
  const answers = over === null ? [] : answersOf(recorded)
  const levels = points.map(({ value }) => value)
  const y = new Set(levels).size === 1 ? scaleOfLevels(levels) : scaleOver(levels)
  const places = [...points, ...blanks].map(({ x }) => x)
  const xTitle = over === null ? 'Step of the search' : settingTitle(over)
  const along = places.every((place) => typeof place === 'number') ? scaleAlong(places, over === null) : null
  const x =
    along === null
      ? {
          field: 'x',
          type: 'ordinal',
          scale: { domain: [...new Set(places)] },
          axis: { title: xTitle, labelAngle: 0, labelOverlap: 'greedy' },
        }
      : { ...numbersAlong('x', along, xTitle), axis: axisAlong(along, xTitle) }
  const gaps = answers.filter(({ fails }) => fails !== null)
  const room = roomBeside(places, along)
  // Of a curve only the answers are named, each on its own side of the gap.
  const labels =
    over === null
      ? [{ name: 'values', of: points.filter(({ sure }) => sure === SURE[0]), isAbove: true }]
      : [
          { name: 'met', of: answers.map(({ x, meets }) => named(x, meets)), isAbove: search.best === 'min' },
          {
            name: 'failed',
            of: gaps.map(({ x, fails }) => named(x, fails!)),
            isAbove: search.best === 'max',
          },
        ]
  const yOf = (field: string) => numbersAlong(field, y, settingTitle(search.axis))
  const [result] = found.results
  const states = STATES.filter((state) => points.some((point) => point.state === state))
  const ofState = (range: readonly string[]) => ({
    domain: states,
    range: states.map((state) => range[STATES.indexOf(state)]),
  })
  const makeSpec = () => ({
    ...pictureFrame(alt, headline(recorded, isOver), pictureSubtitle(model), WIDTH),
    width: WIDTH,
    height: HEIGHT,
    layer: [
      ...(over === null && result !== undefined && result.meets !== null
        ? [
            {
              name: 'answer',
              data: { values: [{ value: result.meets }] },
              mark: { type: 'rule', color: COLOURS[0], strokeWidth: 1.5, strokeDash: [6, 4] },
              encoding: { y: yOf('value') },
            },
          ]
        : []),
      {
        name: over === null ? 'way' : 'curve',
        data: { values: over === null ? points : answers },
        mark:
          over === null
            ? { type: 'line', color: MUTED, strokeWidth: 1, opacity: 0.6 }
            : { type: 'line', color: COLOURS[0], strokeWidth: 2.5 },
        encoding: { x, y: yOf(over === null ? 'value' : 'meets') },
      },
      ...(gaps.length === 0
        ? []
        : [
            {
              name: 'gaps',
              data: { values: gaps },
              mark: { type: 'rule', color: MUTED, strokeWidth: 6, opacity: 0.25 },
              encoding: { x, y: yOf('meets'), y2: { field: 'fails' } },
            },
          ]),
      {
        name: 'points',
        data: { values: points },
        mark: { type: 'point', filled: true, strokeWidth: 0, opacity: 1 },
        encoding: {
          x,
          y: yOf('value'),
          color: {
            field: 'state',
            type: 'nominal',
            scale: ofState(COLOURS),
            legend: { title: 'Value' },
          },
          shape: {
            field: 'state',
            type: 'nominal',
            scale: ofState(MARKS),
            legend: { title: 'Value' },
          },
          size: {
            field: 'sure',
            type: 'ordinal',
            sort: SURE,
            scale: { domain: SURE, range: [190, 55] },
            legend: { title: 'Verdict', symbolFillColor: INK },
          },
          tooltip: [
            { field: 'shown', title: settingName(search.axis) },
            { field: 'state', title: 'Value' },
            { field: 'sure', title: 'Verdict' },
          ],
        },
      },
      {
        name: 'blanks',
        data: {
          values: blanks.every(({ why }) => textWidth(why, FONT_SIZE.caption) + 8 < room) ? blanks : [],
        },
        mark: { type: 'text', baseline: 'bottom', color: MUTED, fontSize: FONT_SIZE.caption },
        encoding: { x, y: { value: -6 }, text: { field: 'why' } },
      },
      ...labels.flatMap(({ name, of, isAbove }) =>
        labelLayers(name, of, isAbove, { x, y: yOf('value') }, over === null ? null : room),
      ),
      captionLayer(captionOf(recorded, isOver, blanks), HEIGHT + 78, WIDTH),
    ],
  })
  return lines.length === 0
    ? { file, alt, skipped: 'no value was decided' }
    : drawnBy({ file, alt }, makeSpec)
}

function scaleAlong(places: readonly number[], isSteps: boolean): PlotScale {
  if (!isSteps) return scaleOfLevels(places)
  const scale = scaleOver(places, { log: false })
  return { ...scale, ticks: scale.ticks.filter((tick) => Number.isInteger(tick)) }
}

function axisAlong(scale: PlotScale, title: string) {
  return { ...vegaAxis(scale, title), labelOverlap: 'greedy' }
}

/** Least distance between two values of the other axis, px. */
function roomBeside(places: readonly (number | string)[], along: PlotScale | null): number {
  const all = [...new Set(places)]
  if (along === null) return WIDTH / all.length
  const at = all.map((place) => position(along, place as number) * WIDTH).sort((a, b) => a - b)
  return at.reduce((least, here, i) => (i === 0 ? least : Math.min(least, here - at[i - 1]!)), WIDTH)
}

interface Label {
  x: number | string
  value: number
  shown: string
}

/** Beside the values that were tried there, where the next ones leave the room; without any they would cover those. */
const BESIDE = 13

/** @param room to the next value of the other axis, px; null where there is none */
function labelLayers(
  name: string,
  of: readonly Label[],
  isAbove: boolean,
  encoding: object,
  room: number | null,
) {
  const widest = of.reduce((most, { shown }) => Math.max(most, textWidth(shown, FONT_SIZE.label, 600)), 0)
  if (room !== null && widest + 2 * BESIDE > room) return []
  const text = {
    type: 'text',
    baseline: isAbove ? 'bottom' : 'top',
    dy: (isAbove ? -1 : 1) * (room === null ? 11 : 1),
    ...(room !== null && { align: 'left', dx: BESIDE }),
    fontSize: FONT_SIZE.label,
    fontWeight: 600,
  }
  const layer = (layerName: string, mark: object) => ({
    name: layerName,
    data: { values: of },
    mark: { ...text, ...mark },
    encoding: { ...encoding, text: { field: 'shown' } },
  })
  return [
    // So that the curve does not run through the letters.
    layer(`${name}_halo`, { stroke: '#ffffff', strokeWidth: 4, strokeJoin: 'round', fill: '#ffffff' }),
    layer(name, { color: INK }),
  ]
}

interface Blank {
  x: number | string
  why: string
}

/** Values of the other axis without an answer, and why there is none. */
function blanksOf({ search, lines }: RecordedSearch, isOver: boolean): Blank[] {
  return search.lines.flatMap((at) => {
    const line = lines.find((one) => one.at === at)
    if (line !== undefined && line.meets !== null) return []
    const x = typeof at === 'number' ? at : scalarText(at)
    if (line === undefined) return [{ x, why: 'not begun' }]
    return [{ x, why: isOver || line.isOver ? 'none meets it' : 'not over' }]
  })
}

function stateOf(verdict: 'meets' | 'fails' | 'undecided'): FoundPoint['state'] {
  return verdict === 'meets' ? STATES[0] : verdict === 'fails' ? STATES[1] : STATES[2]
}

function pointsByStep({ lines }: RecordedSearch): FoundPoint[] {
  return lines.flatMap(({ steps }) =>
    steps.map(({ scenario, value, verdict, confirmed }, i) => ({
      about: scenario,
      x: i + 1,
      value,
      state: stateOf(verdict),
      sure: confirmed ? SURE[0] : SURE[1],
      shown: shownValue(value),
    })),
  )
}

function pointsByLine({ lines }: RecordedSearch): FoundPoint[] {
  return lines.flatMap(({ at, tried }) =>
    tried.flatMap(({ scenario, value, verdict, confirmed }) => {
      if (verdict === null) return []
      const x = typeof at === 'number' ? at : scalarText(at)
      const sure = confirmed ? SURE[0] : SURE[1]
      return [{ about: scenario, x, value, state: stateOf(verdict), sure, shown: shownValue(value) }]
    }),
  )
}

function answersOf({ lines }: RecordedSearch): Answer[] {
  return lines.flatMap(({ at, meets, fails }) =>
    meets === null ? [] : [{ x: typeof at === 'number' ? at : scalarText(at), meets, fails }],
  )
}

const named = (x: number | string, value: number) => ({ x, value, shown: shownValue(value) })

function shownValue(value: number): string {
  return Number.isInteger(value) ? wholeNumber(value) : scalarText(value)
}

function headline({ search, found, lines }: RecordedSearch, isOver: boolean): string {
  const [result] = found.results
  const most = search.best === 'min' ? 'Smallest' : 'Largest'
  if (!isOver) {
    const done =
      search.over === null
        ? ''
        : `: ${lines.filter((line) => line.isOver).length} of ${count(search.lines.length, 'value')} of ${withoutUnit(search.over)} done`
    return `Search for the ${most.toLowerCase()} ${withoutUnit(search.axis)}, not over${done}`
  }
  if (search.over === null && result !== undefined)
    return result.meets === null
      ? `No ${settingName(search.axis)} in the range was confirmed to meet the goal`
      : `${capitalised(settingLabel(search.axis, result.meets))} is the ${most.toLowerCase()} that meets the goal`
  return `${most} ${withoutUnit(search.axis)} that meets the goal, by ${withoutUnit(search.over ?? '')}`
}

function withoutUnit(key: string): string {
  return settingName(key).replace(/ \(.*/, '')
}

function captionOf({ found, search }: RecordedSearch, isOver: boolean, blanks: readonly Blank[]): string[] {
  const trials = found.results.reduce((sum, { trials }) => sum + trials, 0)
  const isCurve = search.over !== null
  const none = blanks.map(({ x }) => scalarText(x))
  const hasLine = none.length < search.lines.length
  const line = isCurve
    ? hasLine
      ? ` Line: the ${search.best === 'min' ? 'smallest' : 'largest'} value confirmed to meet the goal; grey: up to the nearest one confirmed to fail it.`
      : ''
    : found.results.some(({ meets }) => meets !== null)
      ? ' Dashed: the answer.'
      : ''
  const each = isCurve ? ' for each value on the horizontal axis' : ''
  return [
    `Goal: ${plain(found.goal)}.${line} ${count(trials, 'trial')}; the chance that any confirmed verdict is wrong is at most ${formatShare(found.test.alpha)}${each}.`,
    ...(isOver
      ? []
      : ['The search was interrupted: what is drawn is what it had tried until then, and no answer yet.']),
    ...(isOver && none.length > 0
      ? [`No value is confirmed to meet the goal at ${withoutUnit(search.over ?? '')} ${list(none)}.`]
      : []),
  ]
}
