/** Changes in metrics over many runs: what changed, when at the earliest and latest, and for better or worse. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { changePoints, outliersOf, placeOfChange, rampInstead, smallestP } from '../analyse/change-point.ts'
import { mean, standardDeviation } from '../analyse/descriptive.ts'
import {
  forcedWords,
  groupByScenario,
  metricValues,
  resumedByForce,
  usableValues,
} from '../analyse/values.ts'
import { count, formatP } from '../format.ts'
import { type Metric, metricTable } from '../metrics.ts'
import { METRICS_LISTED, refuseUnknown } from '../nearest.ts'
import { identityOfPlace, placesOf } from '../record/compatibility.ts'
import { MANIFEST_FILE } from '../record/manifest.ts'
import { openRun, type RecordedRun } from '../record/open-run.ts'
import { UserError } from '../user-error.ts'
import type { History, HistoryEvent, HistoryPoint, HistorySeries, SeriesChange } from './types.ts'

/** What is looked at of a recorded run. */
export type Recorded = Pick<RecordedRun, 'path' | 'manifest' | 'trials'>

export interface HistoryOptions {
  /** Instead of the metrics that the newest run compares. */
  metrics: readonly string[]
  /** Chance of a false change, over all series together. */
  alpha: number
  /** The smallest change worth telling, as a share. */
  margin: number
  seed: number
  /** Takes runs too that were resumed by force. */
  includeForced?: boolean
}

/** Runs in a regime at the least; a change is seen once so many runs have followed it. */
export const FEWEST_IN_REGIME = 4

/**
 * Above the 95% that are claimed: the posterior is that of normal noise with one spread, and values are rather less
 * regular.
 */
const PLACE_CONFIDENCE = 0.98

/** Levels that differ by less than this many standard errors are one, so that only their spread has changed. */
const SAME_LEVEL_ERRORS = 3

/** Of looking for outliers anew once the changes are known: more are seldom needed. */
const MOST_ROUNDS = 3

interface Series extends Omit<HistorySeries, 'changes' | 'outliers'> {
  scale: Metric['scale']
  /** As they are tested: logarithms where the scale is. */
  values: number[]
}

/**
 * The history of all runs in folders below `dir`, each once.
 * @throws {UserError} where there is none that has ended, or none has a metric that is asked for
 */
export function historyBelow(dir: string, options: HistoryOptions): History {
  const { runs, notes } = runsBelow(dir, options)
  if (runs.length === 0) {
    throw new UserError(
      [`${dir}: holds no run that has ended`, ...notes].join('\n  '),
      'give the folder that "stint run" writes to, such as results',
    )
  }
  const known = new Set(
    runs.flatMap(({ manifest, trials }) => [...metricTable(manifest.workload.metrics, trials).keys()]),
  )
  refuseUnknown('metric', options.metrics, known, METRICS_LISTED)
  const found = historyOf(runs, options)
  return { ...found, notes: [...found.notes, ...notes] }
}

/** `latest` is a link to a run, and a copy of one is where an artefact was unpacked. */
function runsBelow(
  dir: string,
  { includeForced = false }: Pick<HistoryOptions, 'includeForced'>,
): { runs: RecordedRun[]; notes: string[] } {
  if (!existsSync(dir)) throw new UserError(`${dir}: no such folder`)
  const runs = new Map<string, RecordedRun>()
  const notes: string[] = []
  for (const path of foldersWithRuns(dir).sort()) {
    try {
      const run = openRun(path, { includeForced })
      const { id, finished_at } = run.manifest
      if (finished_at === null || runs.has(id)) continue
      if (run.forced.length > 0) {
        notes.push(
          `left out: ${path}: it was resumed with --force, under other conditions than it began with; --include-forced counts it`,
        )
        continue
      }
      runs.set(id, run)
      const forced = resumedByForce(run.trials)
      if (forced.length > 0) {
        const { ran, changes } = forcedWords(forced)
        notes.push(`${path}: ${ran}, and counted with the others: ${changes}`)
      }
      for (const note of run.notes) notes.push(`${path}: ${note}`)
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      notes.push(`left out: ${error.message.split('\n')[0]}`)
    }
  }
  return { runs: [...runs.values()], notes }
}

function foldersWithRuns(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true })
  if (entries.some(({ name }) => name === MANIFEST_FILE)) return [folder]
  return entries
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => foldersWithRuns(join(folder, name)))
}

/** One series per sweep, machine, scenario and metric; one value per run. */
export function historyOf(runs: readonly Recorded[], options: HistoryOptions): History {
  const groups = groupsOf(runs)
  const found = eventsIn(groups, options)
  // Only what is found may be new.
  const before =
    found.events.length === 0
      ? []
      : eventsIn(
          groups.map((group) => group.slice(0, -1)).filter((group) => group.length > 0),
          options,
        ).events
  const known = new Set(before.map(placeKey))
  // An event may be placed anew by another run: the same where a series tells of it within the same runs.
  const isKnown = (event: HistoryEvent) =>
    known.has(placeKey(event)) || before.some((other) => sameEvent(event, other))
  return {
    runs: runs.length,
    events: found.events.map((event) => ({ ...event, new: !isKnown(event) })),
    series: found.series,
    notes: found.notes,
  }
}

const placeKey = ({ sweep, machine, first, last, verdict }: HistoryEvent) =>
  JSON.stringify([sweep, machine, verdict, first.run, last.run])

function sameEvent(a: HistoryEvent, b: HistoryEvent): boolean {
  const shared = a.members.some((x) =>
    b.members.some((y) => x.scenario === y.scenario && x.metric === y.metric && x.verdict === y.verdict),
  )
  const overlap = a.first.started_at <= b.last.started_at && b.first.started_at <= a.last.started_at
  return shared && overlap && a.sweep === b.sweep && a.machine === b.machine
}

/** Runs of one sweep on one machine, in order of time. */
function groupsOf(runs: readonly Recorded[]): Recorded[][] {
  const groups = new Map<string, Recorded[]>()
  for (const run of [...runs].sort((x, y) => (x.manifest.started_at < y.manifest.started_at ? -1 : 1))) {
    const { manifest } = run
    const places = new Set(placesOf(manifest).map((place) => JSON.stringify(identityOfPlace(place))))
    const key = JSON.stringify([manifest.sweep.name, ...[...places].sort()])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [run])
    else group.push(run)
  }
  return [...groups.values()]
}

function eventsIn(
  groups: readonly Recorded[][],
  options: HistoryOptions,
): Pick<History, 'events' | 'series' | 'notes'> {
  const all = groups.flatMap((group) => seriesOf(group, options.metrics))
  const moving = all.filter(({ values }) => values.some((value) => value !== values[0]))
  const level = testLevel(
    moving.map(({ values }) => values.length),
    options.alpha,
  )
  const series = all.map((one): HistorySeries => {
    const { values, scale, ...shown } = one
    const tested = smallestP(values.length, FEWEST_IN_REGIME) <= level && moving.includes(one)
    const changes = tested ? changesIn(one, level, options) : { changes: [], outliers: [] }
    return { ...shown, ...changes }
  })
  return {
    events: groups.flatMap((group) =>
      grouped(series.filter(({ points }) => group.some(({ path }) => path === points[0]?.run))),
    ),
    series,
    notes: shortNotes(all, moving, options.alpha),
  }
}

/**
 * The level for each series such that the chance of any false change stays below alpha: Bonferroni's, counting only the
 * series that are long enough to ever reach it (Tarone, "A modified Bonferroni method for discrete data", Biometrics
 * 46, 1990).
 */
function testLevel(lengths: readonly number[], alpha: number): number {
  const smallest = lengths.map((n) => smallestP(n, FEWEST_IN_REGIME))
  for (let k = 1; ; k++) {
    if (smallest.filter((p) => p <= alpha / k).length <= k) return alpha / k
  }
}

/** Which series say nothing, and from how many runs on they could. */
function shortNotes(all: readonly Series[], moving: readonly Series[], alpha: number): string[] {
  const level = (least: (one: Series) => number) =>
    testLevel(
      moving.map((one) => Math.max(one.values.length, least(one))),
      alpha,
    )
  const now = level(() => 0)
  const groups = new Map<string, Series[]>()
  for (const one of all) {
    if (smallestP(one.values.length, FEWEST_IN_REGIME) <= now) continue
    const key = `${one.sweep} on ${one.machine}`
    groups.set(key, [...(groups.get(key) ?? []), one])
  }
  return [...groups].map(([where, short]) => {
    const longest = short.reduce((most, { values }) => Math.max(most, values.length), 0)
    let needed = 2 * FEWEST_IN_REGIME
    // The longer they are, the more of them share alpha.
    const then = () => level((one) => (short.includes(one) ? needed : 0))
    while (smallestP(needed, FEWEST_IN_REGIME) > then()) needed++
    return `${where}: ${count(longest, 'run')}, too few for any finding in ${`${short.length} series`} at p ${formatP(then())}; ${needed} are needed`
  })
}

function seriesOf(runs: readonly Recorded[], wanted: readonly string[]): Series[] {
  const newest = runs.at(-1)!.manifest
  const table = metricTable(
    newest.workload.metrics,
    runs.flatMap(({ trials }) => trials),
  )
  const names = wanted.length > 0 ? wanted : newest.sweep.compare.metrics
  const groups = runs.map(({ trials }) => groupByScenario(trials))
  const processors = placesOf(newest).map(({ machine: { cpu_model, node } }) => `${cpu_model}, Node ${node}`)
  const machine = [...new Set(processors)].sort().join(' and ')
  return newest.sweep.scenarios.flatMap(({ id, label }) =>
    names.flatMap((name): Series[] => {
      const metric = table.get(name)
      if (metric === undefined) return []
      const { scale, unit, direction } = metric
      const compared_by = metric.signed === true ? 'difference' : 'ratio'
      const points: HistoryPoint[] = []
      const values: number[] = []
      runs.forEach(({ path, manifest: { git, started_at } }, index) => {
        const measured = usableValues(metricValues(groups[index]!.get(id) ?? [], name)).values
        const usable = scale === 'log' ? measured.filter((value) => value > 0) : measured
        if (usable.length === 0) return
        const value = mean(scale === 'log' ? usable.map(Math.log) : usable)
        const commit = git === null ? null : `${git.commit.slice(0, 7)}${git.dirty ? ' and changes' : ''}`
        points.push({ run: path, commit, started_at, value: scale === 'log' ? Math.exp(value) : value })
        values.push(value)
      })
      if (values.length === 0) return []
      return [
        {
          sweep: newest.sweep.name,
          machine,
          scenario: id,
          label,
          metric: name,
          unit,
          direction,
          compared_by,
          scale,
          points,
          values,
        },
      ]
    }),
  )
}

function changesIn(
  series: Series,
  alpha: number,
  options: HistoryOptions,
): Pick<HistorySeries, 'changes' | 'outliers'> {
  const { values } = series
  const search = (kept: number[]) =>
    changePoints(
      kept.map((i) => values[i]!),
      { seed: options.seed, alpha, minSize: FEWEST_IN_REGIME },
    )
  let kept = values.map((_, i) => i)
  let found = search(kept)
  let apart: number[] = []
  // An outlier hides a change near it, or moves it; and what stands apart from one regime may belong to the next.
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const starts = found.map(({ index }) => ({ index: kept[index]! }))
    const now = regimes(values.length, starts).flatMap(([from, to]) => outliersOf(values, from, to))
    if (now.join() === apart.join()) break
    apart = now
    kept = values.flatMap((_, i) => (apart.includes(i) ? [] : [i]))
    found = search(kept)
  }
  const changes = describe(series, kept, found).filter((change) => matters(series, change, options.margin))
  const outliers = apart.filter((i) => !changes.some(({ low, high }) => i >= low && i <= high))
  return { changes, outliers }
}

function regimes(n: number, found: readonly { index: number }[]): [number, number][] {
  const bounds = [0, ...found.map(({ index }) => index), n]
  return bounds.slice(1).map((to, k) => [bounds[k]!, to])
}

/** What each change is, its place and its levels; changes one way in a row are one drift where that fits better. */
function describe(
  series: Series,
  kept: readonly number[],
  found: readonly { index: number; p: number }[],
): SeriesChange[] {
  const values = kept.map((i) => series.values[i]!)
  const out: SeriesChange[] = []
  const levelOf = ([from, to]: [number, number]) => mean(values.slice(from, to))
  const parts = regimes(values.length, found)
  for (let k = 0; k < found.length; ) {
    const up = Math.sign(levelOf(parts[k + 1]!) - levelOf(parts[k]!))
    let end = k + 1
    while (end < found.length && Math.sign(levelOf(parts[end + 1]!) - levelOf(parts[end]!)) === up) end++
    const from = parts[k]![0]
    const stretch = values.slice(from, parts[end]![1])
    const ramp = rampInstead(
      stretch,
      found.slice(k, end).map(({ index }) => index - from),
    )
    const p = Math.max(...found.slice(k, end).map((change) => change.p))
    if (ramp !== null) {
      const [index, high] = [kept[from + ramp.from + 1]!, kept[from + ramp.to]!]
      out.push(change(series, 'drift', { index, low: index, high }, ramp.before, ramp.after, p))
      k = end
      continue
    }
    const [left, right] = [parts[k]!, parts[k + 1]!]
    const [sdBefore, sdAfter] = [left, right].map(([a, b]) => standardDeviation(values.slice(a, b))) as [
      number,
      number,
    ]
    const error = Math.sqrt(sdBefore ** 2 / (left[1] - left[0]) + sdAfter ** 2 / (right[1] - right[0]))
    if (Math.abs(levelOf(right) - levelOf(left)) <= SAME_LEVEL_ERRORS * error) {
      const whole = { index: kept[right[0]]!, low: kept[left[0] + 1]!, high: kept[right[1] - 1]! }
      const verdict = sdAfter > sdBefore ? 'worse' : 'better'
      out.push({ kind: 'spread', verdict, ...whole, before: sdBefore, after: sdAfter, p: found[k]!.p })
    } else {
      const place = placeOfChange(values.slice(left[0], right[1]), PLACE_CONFIDENCE)
      const at = (i: number) => kept[left[0] + i]!
      const split = left[0] + place.index
      const before = mean(values.slice(left[0], split))
      const after = mean(values.slice(split, right[1]))
      const where = { index: at(place.index), low: at(place.low), high: at(place.high) }
      out.push(change(series, 'step', where, before, after, found[k]!.p))
    }
    k++
  }
  return out
}

function change(
  { scale, direction }: Series,
  kind: 'step' | 'drift',
  place: Pick<SeriesChange, 'index' | 'low' | 'high'>,
  before: number,
  after: number,
  p: number,
): SeriesChange {
  const worse = direction === 'lower_is_better' ? after > before : after < before
  const verdict = direction === 'neutral' ? 'changed' : worse ? 'worse' : 'better'
  const level = scale === 'log' ? Math.exp : (x: number) => x
  return { kind, verdict, ...place, before: level(before), after: level(after), p }
}

/** A change of spread has no margin: it is told that later findings will be less sure, or more. */
function matters(
  { scale, compared_by }: Series,
  { kind, before, after }: SeriesChange,
  margin: number,
): boolean {
  if (kind === 'spread') return true
  if (scale === 'log') return Math.abs(Math.log(after / before)) >= Math.log1p(margin)
  // The share of a score that may be near 0, or below it, says nothing.
  const whole = compared_by === 'ratio' && before > 0 && after > 0 ? Math.min(before, after) : 1
  return Math.abs(after - before) >= margin * whole
}

/** Changes whose places overlap are one event: it lies where all of them may lie, and a drift lasts as long as any. */
function grouped(series: readonly HistorySeries[]): HistoryEvent[] {
  interface Found {
    one: HistorySeries
    change: SeriesChange
    low: HistoryPoint
    high: HistoryPoint
    good: HistoryPoint
  }
  const found: Found[] = series.flatMap((one) =>
    one.changes.map((each) => ({
      one,
      change: each,
      low: one.points[each.low]!,
      high: one.points[each.high]!,
      good: one.points[each.low - 1] ?? one.points[0]!,
    })),
  )
  found.sort((a, b) => (a.low.started_at < b.low.started_at ? -1 : 1))
  const sets: (Pick<Found, 'low' | 'high' | 'good'> & { all: Found[] })[] = []
  for (const each of found) {
    const home = sets.find(
      ({ low, high, all }) =>
        all[0]!.change.kind === each.change.kind &&
        each.low.started_at <= high.started_at &&
        low.started_at <= each.high.started_at,
    )
    if (home === undefined) {
      sets.push({ low: each.low, high: each.high, good: each.good, all: [each] })
      continue
    }
    home.all.push(each)
    if (each.change.kind === 'drift') {
      if (each.high.started_at > home.high.started_at) home.high = each.high
      continue
    }
    if (each.low.started_at > home.low.started_at) {
      home.low = each.low
      home.good = each.good
    }
    if (each.high.started_at < home.high.started_at) home.high = each.high
  }
  return sets.map(({ low, high, good, all }) => {
    const verdicts = new Set(all.map(({ change: { verdict } }) => verdict))
    const { sweep, machine } = all[0]!.one
    return {
      sweep,
      machine,
      verdict:
        verdicts.size === 1
          ? all[0]!.change.verdict
          : verdicts.has('worse') && !verdicts.has('better')
            ? 'worse'
            : 'mixed',
      kind: all[0]!.change.kind,
      first: low,
      last: high,
      good,
      new: false,
      members: all.map(({ one: { scenario, label, metric, unit, compared_by }, change: each }) => ({
        ...each,
        scenario,
        label,
        metric,
        unit,
        compared_by,
      })),
    }
  })
}
