/**
 * Checks all that a workload hands over, so that nothing after it meets anything but plain, bounded data. The worker
 * thread checks first, where the message can name the value at fault; the coordinator checks again, since a workload
 * shares the trial process with what reports on it and could send anything. Written by hand: a schema library would be
 * loaded into every trial, and would call what a workload may have replaced.
 */

import type { DuetReport, DuetSide, DuetSums } from './protocol/duet.ts'
import type { InputProblem } from './protocol/prepare.ts'
import type { TrialReport } from './protocol/trial-process.ts'
import {
  ENERGY_SOURCES,
  LATENCY_SHARES,
  NO_NOISE_READINGS,
  type NoiseReadings,
  OUTCOMES,
  type TrialError,
} from './protocol/trial-result.ts'
import type { Choices, MetricInfo, ParamInfo, Scalar, StepReport, WorkloadInfo } from './workload.ts'

// Taken before a workload can replace them.
const { isArray } = Array
const { isFinite: finite, isInteger, MAX_SAFE_INTEGER } = Number
const { create, hasOwn, keys, setPrototypeOf } = Object
const dateText = Date.prototype.toISOString

const MOST_METRICS = 1000
/** Those of a trial: the harness's own come on top. */
const MOST_IN_REPORT = MOST_METRICS + 100
const LONGEST_NAME = 200
const LONGEST_MESSAGE = 4000
const LONGEST_STACK = 16_000
/** Values and characters that `info`, or the detail of one step, may hold. */
const MOST_VALUES = 1_000_000
const MOST_CHARACTERS = 16_000_000
const DEEPEST = 32
/** A trial says so often what it recorded as unknown; more would say nothing new. */
const MOST_NOTES = 20
const LONGEST_QUOTE = 60

/** What JSON can say. */
export type Plain = null | boolean | number | string | Plain[] | { [name: string]: Plain }

/** The workload breaks its contract: its author has to mend it. */
export class WorkloadError extends Error {
  override name = 'WorkloadError'
}

// ---------------------------------------------------------------- what a workload returns

/**
 * How many rows a step handled.
 * @throws {WorkloadError} where its report does not say so
 */
export function checkedRows(report: unknown): number {
  if (!isObject(report))
    return fail(
      `step() must return { rows: number, ... }, or null when the data is used up; it returned ${shown(report)}`,
    )
  const { rows } = report as { rows?: unknown }
  // Operators only: this runs for every chunk.
  if (typeof rows === 'number' && rows >= 0 && rows <= MAX_SAFE_INTEGER && rows % 1 === 0) return rows
  return fail(`step(): rows is ${shown(rows)}; expected a whole number, 0 or more`)
}

/**
 * How many rows a step answered; those that it handled where it does not say.
 * @throws {WorkloadError}
 */
export function checkedAnswered({ answered }: StepReport, rows: number): number {
  if (answered === undefined || answered === null) return rows
  if (typeof answered === 'number' && answered >= 0 && answered <= MAX_SAFE_INTEGER && answered % 1 === 0)
    return answered
  return fail(`step(): answered is ${shown(answered)}; expected a whole number, 0 or more`)
}

/** Of a workload that is to give up events. */
export const CANNOT_SHED =
  'queue.when_full is drop_oldest or drop_newest, and this workload has no skip(rows) to give up rows by'

/**
 * What `skip(rows)` returned.
 * @throws {WorkloadError}
 */
export function checkedSkipped(skipped: unknown, asked: number): number {
  if (typeof skipped === 'number' && skipped >= 0 && skipped <= asked && skipped % 1 === 0) return skipped
  return fail(`skip(${asked}) returned ${shown(skipped)}; expected how many rows it gave up, 0 to ${asked}`)
}

/**
 * @returns NaN where the report does not say
 * @throws {WorkloadError}
 */
export function checkedBytes({ bytes }: StepReport): number {
  if (bytes === undefined || bytes === null) return Number.NaN
  if (typeof bytes === 'number' && bytes >= 0 && finite(bytes)) return bytes
  return fail(`step(): bytes is ${shown(bytes)}; expected a number, 0 or more`)
}

/**
 * `operators_ms` or `detail` of a step's report.
 * @returns null where the report has none
 * @throws {WorkloadError} where it is no object
 */
export function checkedPart(
  report: Pick<StepReport, 'operators_ms' | 'detail'>,
  part: 'operators_ms' | 'detail',
): Record<string, unknown> | null {
  const value: unknown = report[part]
  return value === undefined || value === null ? null : object(value, `step(): ${part}`)
}

/** @throws {WorkloadError} unless it is a time, or nothing */
export function checkOperatorMs(value: unknown, name: string): void {
  if (value === undefined || value === null || (typeof value === 'number' && !(value < 0))) return
  fail(`step(): operators_ms.${name} is ${shown(value)}; expected a number of ms, 0 or more`)
}

/** What `finish()` returned. */
export interface CheckedOutput {
  metrics: Record<string, number | null>
  info?: Record<string, Plain>
  /** Which metrics were no finite numbers and are null. */
  notes: string[]
}

/** @throws {WorkloadError} naming the value at fault */
export function checkedOutput(output: unknown): CheckedOutput {
  const must = 'finish() must return { metrics: { name: number | null } }'
  if (!isObject(output)) return fail(`${must}; it returned ${shown(output)}`)
  const { metrics, info } = output as { metrics?: unknown; info?: unknown }
  if (!isObject(metrics) || isArray(metrics)) fail(`${must}; its metrics is ${shown(metrics)}`)
  const notes: string[] = []
  const checked = { metrics: checkedMetrics(metrics, 'finish(): metrics', notes, MOST_METRICS), notes }
  return info === undefined || info === null ? checked : { ...checked, info: checkedInfo(info) }
}

function checkedMetrics(
  value: unknown,
  where: string,
  notes: string[],
  most: number,
): Record<string, number | null> {
  const given = object(value, where)
  const names = keys(given)
  if (names.length > most)
    fail(`${where} has ${names.length} entries; at most ${most} are kept, more may go into info`)
  const metrics: Record<string, number | null> = create(null)
  for (const name of names) {
    checkLength(name, where)
    const one = given[name]
    if (one === undefined || one === null) metrics[name] = null
    else if (typeof one !== 'number') fail(`${where}.${name} is ${shown(one)}; expected a number or null`)
    else if (finite(one)) metrics[name] = one
    else {
      metrics[name] = null
      if (notes.length < MOST_NOTES) notes[notes.length] = `metric ${name} is ${one}, recorded as unknown`
    }
  }
  return metrics
}

function checkedInfo(info: unknown): Record<string, Plain> {
  object(info, 'info')
  return plain(info, 'info') as Record<string, Plain>
}

// ---------------------------------------------------------------- what a workload says of itself

export const DIRECTIONS = ['lower_is_better', 'higher_is_better', 'neutral'] as const
export const KINDS = ['deterministic', 'measured'] as const
const TYPES = ['number', 'integer', 'string', 'boolean'] as const
export const DATASET_RULES = ['required', 'optional', 'none'] as const

/**
 * What `describe()` returned, as plain data.
 * @throws {WorkloadError} naming the entry at fault
 */
export function checkedDescription(description: unknown): WorkloadInfo {
  const where = 'describe()'
  if (!isObject(description) || typeof (description as { then?: unknown }).then === 'function')
    fail(`${where} returned ${shown(description)}; expected { name, params, metrics, dataset }`)
  const { name, params, metrics, accuracy, dataset } = object(plain(description, where), where)
  const info: WorkloadInfo = {
    name: text(name, `${where}.name`),
    params: params === null ? null : checkedEach(params, `${where}.params`, checkedParam),
    metrics: checkedEach(metrics, `${where}.metrics`, checkedMetric),
    dataset: oneOf(DATASET_RULES, dataset, `${where}.dataset`),
  }
  for (const name of keys(info.metrics)) {
    const { baseline_of } = info.metrics[name]!
    if (baseline_of === undefined || (baseline_of !== name && hasOwn(info.metrics, baseline_of))) continue
    fail(
      `${where}.metrics.${name}.baseline_of is ${shown(baseline_of)}; expected the name of another metric of ${where}`,
    )
  }
  return accuracy === undefined ? info : { ...info, accuracy: text(accuracy, `${where}.accuracy`) }
}

function checkedEach<T>(
  value: unknown,
  where: string,
  check: (value: unknown, where: string) => T,
): Record<string, T> {
  const given = object(value, where)
  const checked: Record<string, T> = create(null)
  for (const name of keys(given)) {
    checkLength(name, where)
    checked[name] = check(given[name], `${where}.${name}`)
  }
  return checked
}

export function checkedChoices(value: unknown): Choices {
  return checkedEach(value, 'choices', (values, where) =>
    checkedEach(values, where, (one, where) => {
      const { description, params } = object(one, where)
      return {
        description: text(description, `${where}.description`, ''),
        params: checkedEach(params, `${where}.params`, checkedParam),
      }
    }),
  )
}

function checkedMetric(value: unknown, where: string): MetricInfo {
  const { unit, direction, kind, signed, baseline_of, description } = object(value, where)
  return {
    unit: text(unit, `${where}.unit`, ''),
    direction: oneOf(DIRECTIONS, direction, `${where}.direction`, 'neutral'),
    kind: oneOf(KINDS, kind, `${where}.kind`, 'measured'),
    ...(signed === true && { signed }),
    ...(baseline_of !== undefined &&
      baseline_of !== null && { baseline_of: text(baseline_of, `${where}.baseline_of`) }),
    description: text(description, `${where}.description`, ''),
  }
}

function checkedParam(value: unknown, where: string): ParamInfo {
  const { type, default: standard, values, minimum, maximum, writes, description } = object(value, where)
  const limit = (bound: unknown, key: string) =>
    bound === undefined || bound === null ? {} : { [key]: number(bound, `${where}.${key}`) }
  if (values !== undefined && !isArray(values)) fail(`${where}.values is ${shown(values)}; expected a list`)
  return {
    type: oneOf(TYPES, type, `${where}.type`),
    default: scalar(standard, `${where}.default`),
    ...(values === undefined
      ? {}
      : { values: (values as unknown[]).map((one, i) => scalar(one, `${where}.values[${i}]`)) }),
    ...limit(minimum, 'minimum'),
    ...limit(maximum, 'maximum'),
    ...(writes === true ? { writes } : {}),
    description: text(description, `${where}.description`, ''),
  }
}

// ---------------------------------------------------------------- what a workload throws

/** Anything may be thrown: null, a value whose message is a function or cannot be read, an error of 100 MB. */
export function trialErrorFrom(thrown: unknown): TrialError {
  const { name, message, stack, exit } = texts(thrown)
  return {
    name: cut(name ?? 'Error', LONGEST_NAME),
    message: cut(message ?? `the workload threw ${shown(thrown)}`, LONGEST_MESSAGE),
    ...(stack === undefined ? {} : { stack: cut(stack, LONGEST_STACK) }),
    ...(exit === undefined ? {} : { exit: cut(exit, LONGEST_NAME) }),
  }
}

function texts(thrown: unknown): Partial<Record<'name' | 'message' | 'stack' | 'exit', string>> {
  const found: Partial<Record<'name' | 'message' | 'stack' | 'exit', string>> = {}
  if (!isObject(thrown)) return found
  for (const key of ['name', 'message', 'stack', 'exit'] as const) {
    try {
      const value = (thrown as Record<string, unknown>)[key]
      if (typeof value === 'string') found[key] = value
    } catch {
      // A getter of the workload's own.
    }
  }
  return found
}

// ---------------------------------------------------------------- what a trial process sends

const NOISE = keys(NO_NOISE_READINGS) as (keyof NoiseReadings)[]
/** Only these may be below 0. */
const SIGNED: readonly string[] = ['frequency_change']

/** @throws {WorkloadError} naming what is not as a trial process that works would send it */
export function checkedReport(value: unknown): TrialReport {
  const report = object(value, 'the report')
  const outcome = oneOf(OUTCOMES, report['outcome'], 'outcome')
  const energy = object(report['energy'], 'energy')
  const noise = object(report['noise'], 'noise')
  const notes = checkedTexts(report['notes'], 'notes')
  const checked: TrialReport = {
    outcome,
    metrics: checkedMetrics(report['metrics'], 'metrics', notes, MOST_IN_REPORT),
    budget_mb: measure(report['budget_mb'], 'budget_mb'),
    peak_mb: measure(report['peak_mb'], 'peak_mb'),
    achieved: measure(report['achieved'], 'achieved'),
    throttled_ms: measure(report['throttled_ms'], 'throttled_ms'),
    window: checkedWindow(report['window']),
    energy: {
      joules: measure(energy['joules'], 'energy.joules'),
      source: energy['source'] == null ? null : oneOf(ENERGY_SOURCES, energy['source'], 'energy.source'),
    },
    machine_busy_ms: measure(report['machine_busy_ms'], 'machine_busy_ms'),
    noise: checkedNoise(noise),
  }
  if (notes.length > 0) checked.notes = notes
  if (report['event_latency_ms'] != null)
    checked.event_latency_ms = checkedDistribution(report['event_latency_ms'])
  if (report['error'] != null) checked.error = trialErrorFrom(report['error'])
  if (report['info'] != null) checked.info = checkedInfo(report['info'])
  return checked
}

function checkedDistribution(value: unknown): number[] {
  const rising = checkedMeasures(value, 'event_latency_ms')
  if (rising.length !== LATENCY_SHARES.length)
    fail(`event_latency_ms has ${rising.length} values; expected ${LATENCY_SHARES.length}`)
  for (let i = 1; i < rising.length; i++)
    if (rising[i]! < rising[i - 1]!) fail('event_latency_ms does not rise')
  return rising
}

function checkedWindow(value: unknown): TrialReport['window'] {
  if (value == null) return null
  const { from, to } = object(value, 'window')
  return { from: number(from, 'window.from'), to: number(to, 'window.to') }
}

function checkedNoise(noise: Record<string, unknown>): NoiseReadings {
  const checked = { ...NO_NOISE_READINGS }
  for (const name of NOISE) {
    if (noise[name] === undefined) continue
    const check = SIGNED.includes(name) ? numberOrNull : measure
    checked[name] = check(noise[name], `noise.${name}`)
  }
  return checked
}

/** @throws {WorkloadError} as `checkedReport` */
export function checkedDuet(value: unknown): DuetReport {
  const report = object(value, 'the report')
  const notes: string[] = []
  const both = <T>(of: unknown, where: string, check: (value: unknown, where: string) => T) => {
    if (of == null) return null
    const { baseline, candidate } = object(of, where)
    return {
      baseline: check(baseline, `${where}.baseline`),
      candidate: check(candidate, `${where}.candidate`),
    } as Record<DuetSide, T>
  }
  const { failure } = report
  return {
    pairs: count(report['pairs'], 'pairs'),
    sums: both(report['sums'], 'sums', checkedSums),
    chunks: both(report['chunks'], 'chunks', count),
    profile: both(report['profile'], 'profile', checkedMeasures),
    outputs: both(report['outputs'], 'outputs', (metrics, where) =>
      checkedMetrics(metrics, where, notes, MOST_METRICS),
    ),
    complete: report['complete'] === true,
    core: report['core'] == null ? null : count(report['core'], 'core'),
    failure: failure == null ? null : checkedFailure(object(failure, 'failure')),
  }
}

function checkedSums(value: unknown, where: string): DuetSums {
  const given = object(value, where)
  const needed = (name: keyof DuetSums) =>
    measure(given[name], `${where}.${name}`) ?? fail(`${where} has no ${name}`)
  return {
    latency_ms: needed('latency_ms'),
    p50_ms: needed('p50_ms'),
    p95_ms: needed('p95_ms'),
    p99_ms: needed('p99_ms'),
    max_ms: needed('max_ms'),
    rows: needed('rows'),
    cpu_ms: measure(given['cpu_ms'], `${where}.cpu_ms`),
  }
}

const MOST_STRETCHES = 1000

function checkedMeasures(value: unknown, where: string): number[] {
  if (!isArray(value) || value.length > MOST_STRETCHES)
    return fail(`${where} is ${shown(value)}; expected a list`)
  const all: number[] = []
  for (const one of value) all[all.length] = measure(one, where) ?? fail(`${where} has no number`)
  return all
}

function checkedFailure({ side, outcome, error }: Record<string, unknown>): DuetReport['failure'] {
  return {
    side: side == null ? null : oneOf(['baseline', 'candidate'] as const, side, 'failure.side'),
    outcome: oneOf(OUTCOMES, outcome, 'failure.outcome'),
    error: trialErrorFrom(error),
  }
}

/** @throws {WorkloadError} as `checkedReport` */
export function checkedProblem(value: unknown): InputProblem {
  const { message, hint, param, key, file, line } = object(value, 'the error')
  const problem: InputProblem = { message: cut(text(message, 'message'), LONGEST_MESSAGE) }
  if (typeof hint === 'string') problem.hint = cut(hint, LONGEST_MESSAGE)
  if (typeof param === 'string') problem.param = cut(param, LONGEST_NAME)
  if (typeof key === 'string') problem.key = cut(key, LONGEST_NAME)
  if (typeof file === 'string') problem.file = cut(file, LONGEST_MESSAGE)
  if (typeof line === 'number' && isInteger(line)) problem.line = line
  return problem
}

export function checkedTexts(value: unknown, where: string): string[] {
  if (value === undefined || value === null) return []
  if (!isArray(value)) return fail(`${where} is ${shown(value)}; expected a list`)
  const all: string[] = []
  for (const one of value) all[all.length] = cut(text(one, where), LONGEST_MESSAGE)
  return all
}

// ---------------------------------------------------------------- plain data

/**
 * A copy that holds nothing but what JSON can say: numbers that are not finite become null, dates their ISO text,
 * values that are undefined are left out. Its objects have no prototype.
 * @param bare its lists have none either: no `toJSON` is found where it is written
 * @throws {WorkloadError} naming what is no plain data, goes around in a circle or is too large
 */
export function plain(value: unknown, where: string, bare = false): Plain {
  return new Copy(where, bare).of(value, where, 1)
}

class Copy {
  private readonly whole: string
  private readonly bare: boolean
  private readonly around: unknown[] = []
  private values = 0
  private characters = 0

  constructor(whole: string, bare: boolean) {
    this.whole = whole
    this.bare = bare
  }

  of(value: unknown, where: string, depth: number): Plain {
    if (++this.values > MOST_VALUES) fail(`${this.whole} holds more than ${MOST_VALUES} values`)
    switch (typeof value) {
      case 'number':
        return finite(value) ? value : null
      case 'boolean':
        return value
      case 'undefined':
        return null
      case 'string':
        return this.text(value)
      case 'object':
        return value === null ? null : this.inside(value, where, depth)
    }
    return fail(
      `${where} is ${shown(value)}; expected plain data: numbers, texts, true, false, null, lists and objects of them`,
    )
  }

  private text(value: string): string {
    this.characters += value.length
    if (this.characters > MOST_CHARACTERS)
      fail(`${this.whole} holds texts of more than ${MOST_CHARACTERS} characters`)
    return value
  }

  private inside(value: object, where: string, depth: number): Plain {
    if (depth > DEEPEST) fail(`${where} lies more than ${DEEPEST} levels deep`)
    for (let level = 0; level < depth - 1; level++) {
      if (this.around[level] === value) fail(`${where} is an object that it lies within`)
    }
    this.around[depth - 1] = value
    if (value instanceof Date) return finite(value.getTime()) ? dateText.call(value) : null
    if (value instanceof Map || value instanceof Set)
      fail(`${where} is ${shown(value)}; give it as an object or a list`)
    if (isArray(value) || ArrayBuffer.isView(value)) {
      const list: Plain[] = []
      const { length } = value as ArrayLike<unknown>
      for (let i = 0; i < length; i++)
        list[i] = this.of((value as ArrayLike<unknown>)[i], `${where}[${i}]`, depth + 1)
      return this.bare ? setPrototypeOf(list, null) : list
    }
    const copy: Record<string, Plain> = create(null)
    for (const name of keys(value)) {
      const one = (value as Record<string, unknown>)[name]
      if (one === undefined) continue
      this.text(name)
      copy[name] = this.of(one, `${where}.${name}`, depth + 1)
    }
    return copy
  }
}

// ---------------------------------------------------------------- the parts

function fail(message: string): never {
  throw new WorkloadError(cut(message, LONGEST_MESSAGE))
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function object(value: unknown, where: string): Record<string, unknown> {
  if (!isObject(value) || isArray(value)) return fail(`${where} is ${shown(value)}; expected an object`)
  return value as Record<string, unknown>
}

function checkLength(name: string, where: string): void {
  if (name.length > LONGEST_NAME)
    fail(`${where} has a name of ${name.length} characters; at most ${LONGEST_NAME} are kept: ${shown(name)}`)
}

function text(value: unknown, where: string, absent?: string): string {
  if (value === undefined && absent !== undefined) return absent
  return typeof value === 'string' ? value : fail(`${where} is ${shown(value)}; expected a text`)
}

function number(value: unknown, where: string): number {
  if (typeof value === 'number' && finite(value)) return value
  return fail(`${where} is ${shown(value)}; expected a number`)
}

function numberOrNull(value: unknown, where: string): number | null {
  return value === null || value === undefined ? null : number(value, where)
}

/** What was measured is 0 or more. */
function measure(value: unknown, where: string): number | null {
  const known = numberOrNull(value, where)
  return known === null || known >= 0 ? known : fail(`${where} is ${known}; expected 0 or more`)
}

function count(value: unknown, where: string): number {
  return isInteger(value) && (value as number) >= 0
    ? (value as number)
    : fail(`${where} is ${shown(value)}; expected a whole number, 0 or more`)
}

function scalar(value: unknown, where: string): Scalar {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && finite(value)) return value
  return fail(`${where} is ${shown(value)}; expected a number, a text, true, false or null`)
}

function oneOf<T extends string>(known: readonly T[], value: unknown, where: string, absent?: T): T {
  if (value === undefined && absent !== undefined) return absent
  for (const one of known) if (one === value) return one
  return fail(`${where} is ${shown(value)}; expected ${known.join(', ')}`)
}

/** Within `most` characters in all, so that a text that is cut again stays as it is. */
function cut(value: string, most: number): string {
  if (value.length <= most) return value
  const mark = `... (${value.length} characters)`
  return value.slice(0, most - mark.length) + mark
}

/** Any value in few words. */
export function shown(value: unknown): string {
  if (value === null) return 'null'
  switch (typeof value) {
    case 'string':
      return `the text "${cut(value, LONGEST_QUOTE)}"`
    case 'undefined':
    case 'number':
    case 'boolean':
      return `${value}`
    case 'bigint':
      return 'a BigInt'
    case 'symbol':
      return 'a symbol'
    case 'function':
      return 'a function'
  }
  return shownObject(value)
}

/** @param value whose own code may be called, and may throw */
function shownObject(value: object): string {
  try {
    if (isArray(value)) return 'a list'
    if (value instanceof Map) return 'a Map'
    if (value instanceof Set) return 'a Set'
    if (value instanceof Promise) return 'a promise'
    if (value instanceof Error) return 'an error whose message is no text'
  } catch {
    // A proxy that refuses to be looked at.
  }
  return 'an object'
}
