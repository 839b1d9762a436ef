/** Two or more runs against each other, scenario by scenario; the first is the reference. */

import type { DifferenceKind, TrialResult } from '../../workers/protocol/trial-result.ts'
import type { Scalar } from '../../workers/workload.ts'
import { comparePairs, compareScenarios } from '../analyse/compare.ts'
import { type ComparisonRow, type Group, type GroupPair, membersOf } from '../analyse/comparison.ts'
import { groupOf, type Pool, poolBySeed, seedKeys } from '../analyse/seeds.ts'
import { groupByScenario } from '../analyse/values.ts'
import { formatWarning } from '../analyse/warnings.ts'
import { count, list } from '../format.ts'
import { metricTable } from '../metrics.ts'
import { METRICS_LISTED, namesHint, refuseUnknown } from '../nearest.ts'
import { adviceOn, compatibility, conditionsOf, severityOf } from '../record/compatibility.ts'
import type { RecordedRun } from '../record/open-run.ts'
import type { Manifest } from '../record/types.ts'
import { ONLY_AS_AXIS } from '../sweep/identity.ts'
import type { Correction, Scenario } from '../sweep/types.ts'
import { UserError } from '../user-error.ts'
import { pairNotices } from './notices.ts'
import type { Notice } from './section.ts'
import { capitalised, labelWords, namesText, scalarText, settingLabel } from './words.ts'

/** What of a run is compared; names are unique among the runs. */
export type ComparedRun = Pick<RecordedRun, 'name' | 'manifest' | 'trials' | 'notes'>

/** One row of the table and what it is about. */
export interface ComparisonLine {
  /** The scenario that both sides share; '' where the sides are scenarios themselves. */
  scenario: string
  /** The same in words, for people; '' where `scenario` is. */
  words: string
  a: string
  b: string
  /** What people choose between: the runs, or within a run the values of the reference, such as two profiles. */
  sides: { a: string; b: string }
  row: ComparisonRow
}

export interface RunComparison {
  /** What was compared, in one line. */
  title: string
  alpha: number
  correction: Correction
  margin: number
  lines: ComparisonLine[]
  /** What differs between the runs beside the code, and what to beware of. */
  notices: Notice[]
}

export interface CompareOptions {
  /** The reference run's own where absent. */
  metrics?: readonly string[]
  alpha?: number
  margin?: number
}

/** Scenarios without a partner that are named. */
const MOST_ALONE = 3

const ONE_AFTER_THE_OTHER =
  'These runs were made one after the other. On shared machines that alone makes identical code differ: at alpha 5% about one comparison in four is a false positive. Make both runs several times in turns (A B A B) and trust only differences that repeat, or use stint gate, which runs both versions side by side.'

/**
 * Two runs or more against the first, or the profiles of one.
 * @throws {UserError} where there is nothing to compare, or the first run has no metric that is asked for
 */
export function compareRecorded(runs: readonly ComparedRun[], options: CompareOptions = {}): RunComparison {
  const [first] = runs
  if (first === undefined) throw new UserError('no run folder to compare', 'give two run folders or more')
  const known = metricTable(first.manifest.workload.metrics, first.trials).keys()
  refuseUnknown('metric', options.metrics ?? [], known, METRICS_LISTED)
  if (runs.length > 1) return compareRuns(runs, options)
  const reference = profileReference(first.manifest)
  if (reference !== null) return compareWithin(first, reference, options)
  throw new UserError(
    `${first.name}: one run without profiles has nothing to compare with`,
    'give two run folders or more',
  )
}

/** @param runs at least two */
export function compareRuns(runs: readonly ComparedRun[], options: CompareOptions = {}): RunComparison {
  const [reference, ...others] = runs
  if (!reference || others.length === 0) throw new RangeError('compareRuns needs two runs')
  const settings = {
    alpha: options.alpha ?? reference.manifest.sweep.compare.alpha,
    correction: reference.manifest.sweep.compare.correction,
    margin: options.margin ?? reference.manifest.sweep.compare.margin,
    seed: reference.manifest.sweep.random_seed,
  }
  const table = metricTable(
    reference.manifest.workload.metrics,
    runs.flatMap(({ trials }) => trials),
  )
  const wanted = options.metrics ?? reference.manifest.sweep.compare.metrics
  const unknown = wanted.filter((name) => !table.has(name))
  const notices: Notice[] = [{ level: 'problem', text: ONE_AFTER_THE_OTHER }]
  if (unknown.length > 0) {
    notices.push({
      level: 'problem',
      text: `No metric is called ${list(unknown, 'or')}. ${capitalised(namesHint('metrics', unknown[0]!, table.keys(), METRICS_LISTED))}.`,
    })
  }
  const pairs: GroupPair[] = []
  const abouts = new Map<string, Omit<ComparisonLine, 'row'>>()
  const key = (a: string, b: string) => JSON.stringify([a, b])
  notices.push(...runs.flatMap(leftOut))
  for (const other of others) {
    notices.push(...differencesBetween(reference, other))
    const paired = pairRuns(reference, other)
    for (const [i, pair] of paired.pairs.entries()) {
      pairs.push(pair)
      abouts.set(key(pair.a.id, pair.b.id), {
        ...paired.labels[i]!,
        a: reference.name,
        b: other.name,
        sides: { a: reference.name, b: other.name },
      })
    }
    notices.push(...paired.notices)
  }
  const metrics = wanted.flatMap((name) => table.get(name) ?? [])
  const rows = comparePairs(pairs, metrics, settings)
  const namesOf = (row: ComparisonRow) => {
    const { a, b, words } = abouts.get(key(row.a, row.b))!
    return { a: `${a}: ${words}`, b: `${b}: ${words}` }
  }
  return {
    title: `${others.map(({ name }) => name).join(', ')} against ${reference.name}`,
    alpha: settings.alpha,
    correction: settings.correction,
    margin: settings.margin,
    lines: rows.map((row) => ({ row, ...abouts.get(key(row.a, row.b))! })),
    // That one side ran after the other is said once, of the runs as a whole.
    notices: [...notices, ...pairNotices(rows, ['one_machine_state'], namesOf)],
  }
}

/**
 * The scenarios of one run against those that have the reference's values and are otherwise alike: profiles of
 * hardware with `{ profile: 'server' }`.
 */
export function compareWithin(
  run: ComparedRun,
  reference: Record<string, Scalar>,
  options: CompareOptions = {},
): RunComparison {
  const { name, manifest, trials } = run
  const settings = {
    ...manifest.sweep.compare,
    reference,
    alpha: options.alpha ?? manifest.sweep.compare.alpha,
    margin: options.margin ?? manifest.sweep.compare.margin,
    metrics: [...(options.metrics ?? manifest.sweep.compare.metrics)],
  }
  const { rows, notes } = compareScenarios({
    trials,
    scenarios: manifest.sweep.scenarios,
    metrics: metricTable(manifest.workload.metrics, trials),
    settings,
    seed: manifest.sweep.random_seed,
  })
  const wanted = Object.entries(reference).map(([key, value]) => settingLabel(key, value))
  const points = new Map(manifest.sweep.scenarios.map(({ id, point }) => [id, point]))
  const sideOf = (id: string) => {
    const point = points.get(membersOf(id)[0]!)
    return Object.keys(reference)
      .map((key) => scalarText(point?.[key]))
      .join(' ')
  }
  return {
    title: `Within ${name}, against ${wanted.join(', ')}`,
    alpha: settings.alpha,
    correction: settings.correction,
    margin: settings.margin,
    lines: rows.map((row) => ({
      row,
      ...{ scenario: '', words: '' },
      a: row.a_label,
      b: row.b_label,
      sides: { a: sideOf(row.a), b: sideOf(row.b) },
    })),
    notices: [
      ...leftOut(run),
      ...notes.map((warning): Notice => ({ level: 'note', text: formatWarning(warning, labelWords) })),
      ...pairNotices(rows),
    ],
  }
}

function leftOut({ name, notes }: ComparedRun): Notice[] {
  return notes.map((note) => ({ level: 'problem', text: `${name}: ${note}.` }))
}

/** The profile that the sweep compares with, else the first; null for a run without several profiles. */
export function profileReference({ sweep }: Manifest): Record<string, Scalar> | null {
  const profiles = new Set(sweep.scenarios.map(({ point }) => point['profile'] ?? null))
  const [first] = profiles
  const profile = sweep.compare.reference?.['profile'] ?? first
  return profiles.size > 1 && profile !== undefined ? { profile } : null
}

function pairRuns(
  a: ComparedRun,
  b: ComparedRun,
): {
  pairs: GroupPair[]
  labels: Pick<ComparisonLine, 'scenario' | 'words'>[]
  notices: Notice[]
} {
  const axes = new Set([a, b].flatMap(({ manifest }) => manifest.sweep.axes))
  // The seed is the unit where both runs have several.
  const [seedsA, seedsB] = [seedKeys(a.manifest.sweep.scenarios), seedKeys(b.manifest.sweep.scenarios)]
  const seeds = seedsA.filter((key) => seedsB.includes(key))
  const poolsOf = ({ manifest }: ComparedRun) => poolBySeed(manifest.sweep.scenarios, seeds)
  const candidates = new Map(poolsOf(b).map((pool) => [keyOf(pool.scenario, axes), pool]))
  const [groupsA, groupsB] = [groupByScenario(a.trials), groupByScenario(b.trials)]
  const group = (run: ComparedRun, pool: Pool, groups: Map<string, TrialResult[]>): Group => {
    const found = groupOf(pool, groups)
    return { ...found, id: `${run.name}/${found.id}`, label: `${run.name}: ${found.label}` }
  }
  const pairs: GroupPair[] = []
  const labels: ReturnType<typeof pairRuns>['labels'] = []
  const alone: string[] = []
  for (const pool of poolsOf(a)) {
    const { scenario } = pool
    const key = keyOf(scenario, axes)
    const partner = candidates.get(key)
    if (partner) {
      pairs.push({ a: group(a, pool, groupsA), b: group(b, partner, groupsB), apart: true })
      labels.push({ scenario: scenario.label, words: wordsOf(scenario, axes) })
    } else alone.push(`${a.name}: ${wordsOf(scenario, axes)}`)
    candidates.delete(key)
  }
  alone.push(...[...candidates.values()].map(({ scenario }) => `${b.name}: ${wordsOf(scenario, axes)}`))
  const notices: Notice[] = []
  if (pairs.length === 0) {
    notices.push({
      level: 'problem',
      text: `${a.name} and ${b.name} have no scenario in common. Compare runs of the same grid, or look at how their settings differ in run.json.`,
    })
  } else if (alone.length > 0) {
    notices.push({
      level: 'note',
      text: `${count(alone.length, 'scenario')} found no partner and ${alone.length === 1 ? 'was' : 'were'} left out: ${namesText(alone.slice(0, MOST_ALONE), alone.length)}.`,
    })
  }
  return { pairs, labels, notices }
}

/** `chunk 64, batch 8, 0.5 cores`: a scenario by its axes, or its label where it has none. */
function wordsOf({ label, point }: Scenario, axes: ReadonlySet<string>): string {
  const words = [...axes]
    .filter((key) => Object.hasOwn(point, key))
    .map((key) => settingLabel(key, point[key]))
  return words.length === 0 ? label : words.join(', ')
}

/** Settings that make two scenarios the same: those that its id is made of. */
function keyOf({ point }: Scenario, axes: ReadonlySet<string>): string {
  const entries = Object.entries(point).filter(([key]) => axes.has(key) || !ONLY_AS_AXIS.has(key))
  return JSON.stringify(entries.sort(([x], [y]) => (x < y ? -1 : 1)))
}

/** One notice for each kind of difference. */
function differencesBetween(a: ComparedRun, b: ComparedRun): Notice[] {
  const byKind = new Map<DifferenceKind, string[]>()
  for (const difference of compatibility(conditionsOf(a), conditionsOf(b))) {
    const words = `${difference.what}: ${difference.a} in ${a.name}, ${difference.b} in ${b.name}`
    byKind.set(difference.kind, [...(byKind.get(difference.kind) ?? []), words])
  }
  return [...byKind].flatMap(([kind, words]): Notice[] => {
    const severity = severityOf({ kind }, 'compare')
    if (severity === 'fine') return []
    const level = severity === 'note' ? 'note' : 'problem'
    return [{ level, text: `The runs differ in ${words.join('; in ')}. ${adviceOn(kind)}` }]
  })
}
