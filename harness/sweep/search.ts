/** From a sweep with a goal to the scenarios that `stint find` may try: values of one axis, in steps of a share. */

import type { ParamInfo, Scalar } from '../../workers/workload.ts'
import { FEWEST_TRIALS } from '../analyse/search.ts'
import { wholeNumber } from '../format.ts'
import { didYouMean } from '../nearest.ts'
import { DATASET_AXES } from './dataset.ts'
import { isMapping, type Mapping } from './document.ts'
import { constraintText } from './goal.ts'
import type { Finding, Place } from './problems.ts'
import { SCENARIO_SETTINGS, settings } from './settings.ts'
import type { SearchSettings, Sweep } from './types.ts'

/** What a search is asked for. */
export interface SearchRequest {
  axis: string
  best: 'min' | 'max'
  over: string | null
  /** Null: from the smallest to the largest value of the axis in the grid. */
  range: { low: number; high: number } | null
  /** As a share. */
  resolution: number
  /** Most trials of one value. */
  trials: number
  /** Of the workload's parameter that the axis is; null: it is none, or not known. */
  param: ParamInfo | null
}

/** More values than this are a slip in the range or the resolution. */
const MAX_VALUES = 20_000
/** Digits that tell neighbours apart, and that people still read. */
const DIGITS = 4

/** Numbers that name a thing: half of one, or more of it, means nothing. */
const UNORDERED = new Set(['random_seed', 'pin_core', 'dataset.seed'])

type Kind = 'whole' | 'number' | 'unordered'

/** Any number that a setting may be, so that its type tells what it takes. */
const SAMPLES = [1, 2, 100, 0.5]

interface Checked {
  safeParse(value: unknown): { success: boolean; error?: { issues: readonly { message: string }[] } }
}

/** What a setting may be; null for what is none. */
function typeOf(axis: string, cores: number): Checked | null {
  const table: Record<string, { type: Checked }> = {
    ...settings(cores),
    ...Object.fromEntries(Object.entries(DATASET_AXES).map(([name, entry]) => [`dataset.${name}`, entry])),
  }
  return Object.hasOwn(table, axis) ? table[axis]!.type : null
}

function kindOf({ axis, param }: SearchRequest, type: Checked | null): Kind | null {
  if (param !== null) {
    if (param.values !== undefined) return 'unordered'
    return param.type === 'integer' ? 'whole' : param.type === 'number' ? 'number' : 'unordered'
  }
  if (type === null) return null
  const taken = SAMPLES.filter((sample) => type.safeParse(sample).success)
  if (UNORDERED.has(axis) || taken.length === 0) return 'unordered'
  return taken.some((sample) => !Number.isInteger(sample)) ? 'number' : 'whole'
}

/** What an end of the range should be, where it may not be that; null where it may. */
function expectedAt({ param }: SearchRequest, type: Checked | null, end: number): string | null {
  const issue = type?.safeParse(end).error?.issues[0]
  if (issue !== undefined) return issue.message
  const { minimum, maximum } = param ?? {}
  if (minimum !== undefined && end < minimum) return `at least ${minimum}`
  if (maximum !== undefined && end > maximum) return `at most ${maximum}`
  if (param?.type === 'integer' && !Number.isInteger(end)) return 'a whole number'
  return null
}

export interface PlannedSearch {
  /** From low to high. */
  values: number[]
  /** Where the range was given. */
  place: Place
  findings: Finding[]
}

/**
 * The values that may be tried: from one end of the range to the other, neighbours apart by the resolution at most.
 * @param data the sweep as read
 * @param cores that bound `max_compute_units`
 */
export function valuesToTry(request: SearchRequest, data: Mapping, cores: number): PlannedSearch {
  const { axis, best, resolution } = request
  const option = `--${best} ${axis}`
  const refuse = (place: Place, key: string | null, what: string, hint: string): PlannedSearch => ({
    values: [],
    place,
    findings: [{ place, key, what, hint }],
  })
  const type = typeOf(axis, cores)
  const kind = kindOf(request, type)
  if (kind === null && !axis.startsWith('params.')) {
    const known = [...SCENARIO_SETTINGS, ...Object.keys(DATASET_AXES).map((name) => `dataset.${name}`)]
    const hint = 'name a setting with numbers, such as max_memory_mb, or a parameter: params.NAME'
    return refuse({ option }, null, `no such axis${didYouMean(axis, known)}`, hint)
  }
  if (kind === 'unordered') {
    const hint = 'search along one whose values are more or less of something, such as max_memory_mb'
    return refuse({ option }, null, `the values of ${axis} have no order, or no steps between them`, hint)
  }
  const range = request.range ?? rangeOfGrid(axis, data)
  if (range === null) {
    const hint = `say between which values to search: --range LOW..HIGH, or give ${axis} two values in the grid`
    return refuse({ option }, null, 'no range to search in', hint)
  }
  const { low, high } = range
  const place: Place = { option: `--range ${low}..${high}` }
  if (!(low > 0)) {
    const hint = 'a search goes up by a share of the value'
    return refuse(place, null, `starts at ${low}, expected a number above 0`, hint)
  }
  if (!(low < high)) {
    const hint = `the smaller end comes first: --range ${high}..${low}`
    return refuse(place, null, 'runs backwards or is empty', low === high ? 'give two ends' : hint)
  }
  for (const end of [low, high]) {
    const expected = expectedAt(request, type, end)
    if (expected !== null)
      return refuse(place, null, `${axis} cannot be ${end}, expected ${expected}`, 'narrow the range')
  }
  // What is no resolution is refused by itself.
  if (!(resolution > 0)) return { values: [low, high], place, findings: [] }
  const steps = Math.ceil(Math.log(high / low) / Math.log1p(resolution))
  if (steps >= MAX_VALUES) {
    const what = `has ${wholeNumber(steps + 1)} values at --resolution ${resolution * 100}%, expected at most ${wholeNumber(MAX_VALUES)}`
    return refuse(place, null, what, 'search a narrower range or in larger steps')
  }
  const values = [low]
  for (;;) {
    const last = values.at(-1)!
    const next =
      kind === 'whole'
        ? Math.max(last + 1, Math.floor(last * (1 + resolution)))
        : roundedDown(last * (1 + resolution))
    if (next <= last || next >= high) break
    values.push(next)
  }
  return { values: [...values, high], place, findings: [] }
}

/** To the digits that people read. */
function roundedDown(value: number): number {
  const unit = 10 ** (Math.floor(Math.log10(value)) + 1 - DIGITS)
  return Number((Math.floor(value / unit + 1e-9) * unit).toPrecision(DIGITS))
}

function rangeOfGrid(axis: string, data: Mapping): SearchRequest['range'] {
  const grid = data['grid']
  const listed = isMapping(grid) && Array.isArray(grid[axis]) ? (grid[axis] as unknown[]) : []
  const numbers = listed.filter((value): value is number => Number.isFinite(value)).sort((a, b) => a - b)
  const [low, high] = [numbers[0], numbers.at(-1)]
  return low === undefined || high === undefined || low === high ? null : { low, high }
}

/** What of the sweep a search cannot do with, before its scenarios are known. */
export function searchFindings(
  { axis, best, over, trials, resolution }: SearchRequest,
  data: Mapping,
): Finding[] {
  const option = `--${best} ${axis}`
  const found: Finding[] = []
  const add = (place: string, what: string, hint: string) =>
    found.push({ place: { option: place }, key: null, what, hint })
  if (!Number.isSafeInteger(trials) || trials < FEWEST_TRIALS)
    add(
      `--trials ${trials}`,
      `expected a whole number of at least ${FEWEST_TRIALS}`,
      'with fewer trials of a value none could be shown to meet the goal',
    )
  if (!(resolution > 0)) add(`--resolution ${resolution}`, 'expected a share above 0', 'such as 5%')
  const goal = data['goal']
  if (!isMapping(goal) || goal['subject_to'] === undefined) {
    const what = `the sweep ${isMapping(goal) ? 'names no bounds in its goal' : 'has no goal'}, and a search needs to know when it is met`
    add(option, what, 'say so in the sweep: goal: { subject_to: [latency_p99_ms <= 20] }')
  }
  for (const key of ['include', 'exclude']) {
    const listed = data[key]
    if (Array.isArray(listed) && listed.length > 0)
      add(
        option,
        `the sweep has \`${key}\`, which leaves gaps in the axis`,
        `remove it, or add --set ${key}=[]`,
      )
  }
  if (data['machines'] !== undefined) {
    const what = 'the sweep names machines, and a search runs on this machine only'
    add(option, what, 'drop "machines" from the sweep, and run stint find on the machine in question')
  }
  const grid = isMapping(data['grid']) ? Object.keys(data['grid']) : []
  const axes = [...(data['profiles'] === undefined ? [] : ['profile']), ...grid]
  if (over === axis)
    add(`--over ${over}`, 'is the axis of the search itself', 'name another axis of the grid')
  else if (over !== null && !axes.includes(over)) {
    const hint = `give it values in the sweep, or by --set 'grid.${over}=[1, 2]'`
    add(`--over ${over}`, `is no axis of the grid${didYouMean(over, axes)}`, hint)
  }
  const others = axes.filter((key) => key !== axis && key !== over)
  if (over === null && others.length === 1)
    add(
      option,
      `the grid has another axis, ${others[0]}`,
      `repeat the search along it with --over ${others[0]}`,
    )
  else if (others.length > 0)
    add(
      option,
      `the grid has other axes: ${others.join(', ')}`,
      `name one with --over, and give one value to each of the others: --set ${others[0]}=VALUE`,
    )
  return found
}

/**
 * The sweep as a search: every value of the axis is a scenario with as many trials as one may have.
 * @param sweep expanded over `values`
 */
export function asSearch(sweep: Sweep, request: SearchRequest, values: readonly number[]): Sweep {
  const { axis, best, over, resolution, trials } = request
  const lines = over === null ? [null] : distinct(sweep.scenarios.map(({ point }) => point[over] ?? null))
  return {
    ...sweep,
    benchmark_runs: trials,
    until: null,
    search: {
      axis,
      best,
      over,
      values: best === 'min' ? [...values] : [...values].reverse(),
      lines: lines.every((value) => typeof value === 'number') ? lines.sort((a, b) => a - b) : lines,
      resolution,
      trials,
    },
  }
}

function distinct(values: readonly Scalar[]): Scalar[] {
  return [...new Set(values)]
}

/** `smallest max_memory_mb that meets r2 >= 0.5` */
export function searchText({ search, goal }: { search: SearchSettings; goal: Sweep['goal'] }): string {
  const bounds = (goal?.subject_to ?? []).map(constraintText).join(' and ')
  const over = search.over === null ? '' : ` for each ${search.over}`
  return `${search.best === 'min' ? 'smallest' : 'largest'} ${search.axis} that meets ${bounds}${over}`
}
