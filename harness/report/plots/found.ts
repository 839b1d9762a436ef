/** What a search found: the demand or capacity curve, or, at a single value, how the search closed in on its answer. */
import { count, formatShare, wholeNumber } from '../../format.ts'
import type { RecordedSearch } from '../found.ts'
import type { Plot } from '../section.ts'
import type { ReportModel } from '../types.ts'
import { capitalised, plain, scalarText, settingLabel, settingName } from '../words.ts'
import { drawnBy } from './drawn-by.ts'
import { numbersAlong, scaleOfLevels, scaleOver } from './scale.ts'
import { captionLayer, pictureFrame, pictureSubtitle } from './text.ts'
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
  if (points.length === 0) return { file, alt, skipped: 'no value was decided' }
  const answers = over === null ? [] : answersOf(recorded)
  const levels = points.map(({ value }) => value)
  const y = new Set(levels).size === 1 ? scaleOfLevels(levels) : scaleOver(levels)
  const isNumeric = points.every(({ x }) => typeof x === 'number')
  const xTitle = over === null ? 'Step of the search' : capitalised(settingName(over))
  const x = isNumeric
    ? numericAxis(
        points.map(({ x }) => x as number),
        xTitle,
        over === null,
      )
    : {
        field: 'x',
        type: 'ordinal',
        scale: { domain: [...new Set(points.map(({ x }) => x))] },
        axis: { title: xTitle, labelAngle: 0, labelOverlap: 'greedy' },
      }
  const gaps = answers.filter(({ fails }) => fails !== null)
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
  const yOf = (field: string) => numbersAlong(field, y, capitalised(settingName(search.axis)))
  const [result] = found.results
  const states = STATES.filter((state) => points.some((point) => point.state === state))
  const ofState = (range: readonly string[]) => ({
    domain: states,
    range: states.map((state) => range[STATES.indexOf(state)]),
  })
  const makeSpec = () => ({
    ...pictureFrame(alt, headline(recorded), pictureSubtitle(model), WIDTH),
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
      ...labels.map(({ name, of, isAbove }) => ({
        name,
        data: { values: of },
        mark: {
          type: 'text',
          baseline: isAbove ? 'bottom' : 'top',
          dy: isAbove ? -11 : 11,
          color: INK,
          fontSize: FONT_SIZE.label,
          fontWeight: 600,
        },
        encoding: { x, y: yOf('value'), text: { field: 'shown' } },
      })),
      captionLayer([captionOf(recorded)], HEIGHT + 78, WIDTH),
    ],
  })
  return lines.length === 0
    ? { file, alt, skipped: 'no value was decided' }
    : drawnBy({ file, alt }, makeSpec)
}

function numericAxis(values: readonly number[], title: string, isWhole: boolean) {
  if (!isWhole) {
    const { axis, ...along } = numbersAlong('x', scaleOfLevels(values), title)
    return { ...along, axis: { ...axis, labelOverlap: 'greedy' } }
  }
  const scale = scaleOver(values, { log: false })
  const ticks = scale.ticks.filter((tick) => Number.isInteger(tick))
  return numbersAlong('x', { ...scale, ticks }, title)
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

function headline({ search, found }: RecordedSearch): string {
  const [result] = found.results
  const most = search.best === 'min' ? 'Smallest' : 'Largest'
  if (search.over === null && result !== undefined)
    return result.meets === null
      ? `No ${settingName(search.axis)} in the range was confirmed to meet the goal`
      : `${capitalised(settingLabel(search.axis, result.meets))} is the ${most.toLowerCase()} that meets the goal`
  return `${most} ${withoutUnit(search.axis)} that meets the goal, by ${withoutUnit(search.over ?? '')}`
}

function withoutUnit(key: string): string {
  return settingName(key).replace(/ \(.*/, '')
}

function captionOf({ found, search }: RecordedSearch): string {
  const trials = found.results.reduce((sum, { trials }) => sum + trials, 0)
  const line =
    search.over === null
      ? 'Dashed: the answer.'
      : `Line: the ${search.best === 'min' ? 'smallest' : 'largest'} value confirmed to meet the goal; grey: up to the nearest one confirmed to fail it.`
  return `Goal: ${plain(found.goal)}. ${line} ${count(trials, 'trial')}; the chance that any confirmed verdict is wrong is at most ${formatShare(found.test.alpha)}${search.over === null ? '' : ' for each value on the horizontal axis'}.`
}
