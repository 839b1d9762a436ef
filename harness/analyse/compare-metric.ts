/** One row of the significance table: picks the comparison that the metric allows, and gathers the warnings. */
import type { OkTrial } from '../../workers/protocol/trial-result.ts'
import type { Metric } from '../metrics.ts'
import { own } from '../own.ts'
import {
  type ComparisonRow,
  type GroupPair,
  type TestSettings,
  type Verdict,
  verdictOf,
} from './comparison.ts'
import { mean } from './descriptive.ts'
import { comparableLatency } from './latency.ts'
import { pairedComparison, pairsByRound } from './paired.ts'
import {
  NO_SECONDARY_TESTS,
  secondaryTestsOfPairs,
  secondaryTestsOfTrials,
  tooFewForRanks,
} from './secondary-tests.ts'
import { type SeedValues, seedValues } from './seeds.ts'
import {
  computeMechanisms,
  countOutcomes,
  energySource,
  isEnergy,
  metricValues,
  mixesDataOrCode,
  okTrials,
  resumedByForce,
  uncapped,
  usableValues,
} from './values.ts'
import type { Side, Warning } from './warnings.ts'
import { hedgesG, relativeChange, type WelchTest, welchTest } from './welch.ts'

const SIDES: readonly Side[] = ['a', 'b']

/**
 * Trials are compared by Welch's test; where each side is one scenario over several seeds, the seed is the unit
 * and the sides are paired by it; where several machines ran them, a round on one of each, the sides are paired by
 * round. `p_adjusted` is left null: it needs the other pairs.
 */
export function compareMetric(pair: GroupPair, metric: Metric, settings: TestSettings): ComparisonRow {
  const row = compareAsTold(pair, metric, settings)
  // What has no common mean has no difference either.
  const mixed = mixesDataOrCode([...pair.a.trials, ...pair.b.trials])
  return mixed && row.verdict !== 'not_tested' ? { ...row, verdict: 'undecided' } : row
}

function compareAsTold(pair: GroupPair, metric: Metric, settings: TestSettings): ComparisonRow {
  const seeds = seedValues(pair, metric)
  const raw = seeds ?? {
    a: metricValues(pair.a.trials, metric.name),
    b: metricValues(pair.b.trials, metric.name),
  }
  const values = { a: usableValues(raw.a).values, b: usableValues(raw.b).values }
  const means = {
    a: values.a.length > 0 ? mean(values.a) : null,
    b: values.b.length > 0 ? mean(values.b) : null,
  }
  const margin = own(settings.margins, metric.name) ?? settings.margin
  const { metric: latency, differing } = comparableLatency([pair.a.trials, pair.b.trials])
  const row: ComparisonRow = {
    metric: metric.name,
    unit: metric.unit,
    scale: metric.scale,
    a: pair.a.id,
    b: pair.b.id,
    a_label: pair.a.label,
    b_label: pair.b.label,
    n_a: values.a.length,
    n_b: values.b.length,
    mean_a: means.a,
    mean_b: means.b,
    difference: means.a === null || means.b === null ? null : means.b - means.a,
    difference_ci_low: null,
    difference_ci_high: null,
    compared_by: metric.signed === true ? 'difference' : 'ratio',
    ratio: null,
    ratio_ci_low: null,
    ratio_ci_high: null,
    t: null,
    df: null,
    p: null,
    p_adjusted: null,
    correction: settings.correction,
    hedges_g: null,
    hedges_g_low: null,
    hedges_g_high: null,
    verdict: 'not_tested',
    test: null,
    seeds: seeds === null ? null : { keys: seeds.keys, n: seeds.a.length },
    secondary_tests: NO_SECONDARY_TESTS,
    warnings: warningsOfPair(pair),
  }
  if (differing !== null && metric.name === latency.name)
    row.warnings.push({ kind: 'chunk_sizes_differ', ...differing })
  if (seeds !== null && seeds.dropped > 0) {
    row.warnings.push({ kind: 'unpaired_seeds', dropped: seeds.dropped, kept: seeds.a.length })
  }
  if (means.a === null || means.b === null) {
    row.warnings.push(...missingSides(values))
    return row
  }
  const exactly = (a: number, b: number): ComparisonRow => ({
    ...row,
    ...compareExactly(a, b, margin, metric),
    test: 'exact',
  })

  if (isEnergy(metric)) {
    row.warnings.push(...energyWarnings(pair))
    if (!energyIsMeasured(pair)) return row
  }
  if (metric.kind === 'deterministic') {
    const unstable = seeds?.unstable ?? unstableSides(values)
    const exact = seeds === null || values.a.length === 1
    if (exact) row.warnings.push({ kind: 'deterministic' }, ...missingValues(raw, values))
    row.warnings.push(...unstable)
    // Where the premise fails, nothing that rests on it is claimed.
    if (unstable.length > 0) return { ...row, verdict: 'undecided' }
    if (exact) return exactly(means.a, means.b)
  } else row.warnings.push(...oneMachineState(pair))
  if (seeds !== null) {
    const compared = compareSeeds(row, seeds, metric, settings)
    return compared ?? exactly(means.a, means.b)
  }

  const blocks = pair.apart ? null : roundsOnMachines(pair, metric)
  if (blocks !== null) {
    row.n_a = row.n_b = blocks.a.length
    row.mean_a = mean(blocks.a)
    row.mean_b = mean(blocks.b)
    row.difference = row.mean_b - row.mean_a
    return compareBlocks(row, blocks, metric, settings) ?? exactly(row.mean_a, row.mean_b)
  }
  for (const side of SIDES) {
    const machines = machinesOf(pair[side].trials)
    if (machines > 1) row.warnings.push({ kind: 'machines_pooled', side, machines })
  }
  const test = welchTest(raw.a, raw.b, { scale: metric.scale, level: 1 - settings.alpha })
  row.warnings.push(...relevant(test.warnings, metric))
  if (test.warnings.some((warning) => warning.kind === 'constant')) return exactly(means.a, means.b)
  take(row, 'welch', test, margin, metric)
  if (Math.min(row.n_a, row.n_b) >= 2) {
    row.warnings.push(...tooFewForRanks(pair, metric, settings.alpha))
    if (settings.seed !== undefined) {
      const others = secondaryTestsOfTrials(pair, metric, { ...settings, margin, seed: settings.seed })
      row.secondary_tests = others.tests
      row.warnings.push(...others.warnings)
    }
  }
  const effect = test.t === null ? null : effectOf(metric, values, settings.alpha)
  row.hedges_g = effect?.value ?? null
  row.hedges_g_low = effect?.low ?? null
  row.hedges_g_high = effect?.high ?? null
  return row
}

/** Fills in the row; null where the differences have no spread, so that the values must be compared exactly. */
function compareSeeds(
  row: ComparisonRow,
  { keys, a, b }: SeedValues,
  metric: Metric,
  settings: TestSettings,
): ComparisonRow | null {
  const margin = own(settings.margins, metric.name) ?? settings.margin
  const test = pairedComparison(a, b, { scale: metric.scale, level: 1 - settings.alpha })
  if (test.warnings.some(({ kind }) => kind === 'no_spread')) {
    row.warnings.push({ kind: 'seeds_agree', keys, seeds: a.length })
    return null
  }
  row.warnings.push({ kind: 'seed_is_unit', keys, seeds: a.length }, ...relevant(test.warnings, metric))
  take(row, 'paired_by_seed', test, margin, metric)
  if (settings.seed !== undefined && test.p !== null) {
    row.secondary_tests = secondaryTestsOfPairs(a, b, metric, { ...settings, margin, seed: settings.seed })
  }
  return row
}

/** Machines of a fleet that ran them; 0 for those of the coordinator's own. */
function machinesOf(trials: GroupPair['a']['trials']): number {
  return new Set(okTrials(trials).flatMap(({ machine }) => machine ?? [])).size
}

interface Blocks {
  /** A value per round that both sides ran on one machine. */
  a: number[]
  b: number[]
  machines: number
}

/** Null where one machine ran all, or the sides share too few rounds of one machine. */
function roundsOnMachines({ a, b }: GroupPair, metric: Metric): Blocks | null {
  const machines = machinesOf([...a.trials, ...b.trials])
  if (machines < 2) return null
  const pairs = pairsByRound(a.trials, b.trials, metric.name)
  return pairs.a.length < 2 ? null : { a: pairs.a, b: pairs.b, machines }
}

/** Fills in the row; null where the differences have no spread, so that the values must be compared exactly. */
function compareBlocks(
  row: ComparisonRow,
  { a, b, machines }: Blocks,
  metric: Metric,
  settings: TestSettings,
): ComparisonRow | null {
  const margin = own(settings.margins, metric.name) ?? settings.margin
  const test = pairedComparison(a, b, { scale: metric.scale, level: 1 - settings.alpha })
  row.warnings.push({ kind: 'machine_is_block', machines, rounds: a.length })
  if (test.warnings.some(({ kind }) => kind === 'no_spread')) return null
  row.warnings.push(...relevant(test.warnings, metric))
  take(row, 'paired_by_round', test, margin, metric)
  if (settings.seed !== undefined && test.p !== null)
    row.secondary_tests = secondaryTestsOfPairs(a, b, metric, { ...settings, margin, seed: settings.seed })
  return row
}

/** Where differences are compared nobody misses a ratio. */
function relevant(warnings: readonly Warning[], { signed }: Metric): Warning[] {
  return warnings.filter(({ kind }) => signed !== true || kind !== 'ratio_undefined')
}

/** The primary test's numbers, and the verdict that its interval gives. */
function take(
  row: ComparisonRow,
  name: 'welch' | 'paired_by_seed' | 'paired_by_round',
  test: WelchTest,
  margin: number,
  metric: Metric,
): void {
  row.test = name
  const byDifference = row.compared_by === 'difference'
  // How many times minus two is of one says nothing.
  if (!byDifference && test.ratio !== null && test.ratio.value >= 0) {
    row.ratio = test.ratio.value
    row.ratio_ci_low = test.ratio.low
    row.ratio_ci_high = test.ratio.high
  }
  if (metric.scale === 'natural') {
    row.difference_ci_low = test.difference?.low ?? null
    row.difference_ci_high = test.difference?.high ?? null
  }
  row.t = test.t
  row.df = test.df
  row.p = test.p
  const { low, high } = (byDifference ? test.difference : test.change) ?? { low: null, high: null }
  row.verdict = low === null || high === null ? 'undecided' : verdictOf({ low, high }, margin, metric)
}

/** Without error there is no p: the change itself is held against the margin. From 0 any share is beyond it. */
function compareExactly(
  a: number,
  b: number,
  margin: number,
  metric: Metric,
): { ratio: number | null; verdict: Verdict } {
  const byDifference = metric.signed === true
  const change = byDifference ? b - a : (relativeChange(a, b) ?? Math.sign(b - a) * Infinity)
  const verdict = verdictOf({ low: change, high: change }, margin, metric)
  return { ratio: !byDifference && a > 0 && b >= 0 ? b / a : null, verdict }
}

function effectOf(metric: Metric, values: Record<Side, number[]>, alpha: number) {
  const onScale = (numbers: number[]) => (metric.scale === 'log' ? numbers.map(Math.log) : numbers)
  return hedgesG(onScale(values.a), onScale(values.b), 1 - alpha)
}

function warningsOfPair(pair: GroupPair): Warning[] {
  const warnings: Warning[] = []
  const counts = { a: countOutcomes(pair.a.trials), b: countOutcomes(pair.b.trials) }
  const total = { a: pair.a.trials.length, b: pair.b.trials.length }
  if (counts.a.ok * total.b !== counts.b.ok * total.a) warnings.push({ kind: 'unequal_outcomes', ...counts })
  else if (counts.a.ok < total.a) warnings.push({ kind: 'survivors_only', ...counts })
  const mixed = mixesDataOrCode([...pair.a.trials, ...pair.b.trials])
  for (const side of SIDES) {
    const ok = okTrials(pair[side].trials)
    const forced = resumedByForce(ok)
    const what = [
      ...new Set(forced.flatMap(({ resumed_under }) => resumed_under.map((change) => change.what))),
    ]
    if (forced.length > 0)
      warnings.push({ kind: 'resumed_by_force', side, trials: forced.length, n: ok.length, what, mixed })
    const loose = uncapped(pair[side].trials)
    if (loose.memory > 0)
      warnings.push({ kind: 'cap_not_enforced', side, cap: 'memory', trials: loose.memory })
    if (loose.compute > 0)
      warnings.push({ kind: 'cap_not_enforced', side, cap: 'compute', trials: loose.compute })
  }
  const mechanisms = { a: computeMechanisms(pair.a.trials), b: computeMechanisms(pair.b.trials) }
  const bothCapped = mechanisms.a.length > 0 && mechanisms.b.length > 0
  if (bothCapped && mechanisms.a.join() !== mechanisms.b.join()) {
    warnings.push({ kind: 'different_mechanisms', ...mechanisms })
  }
  return warnings
}

/**
 * Says when the sides did not take turns: all ok trials of one before the first of the other, on each machine that ran
 * both, since each has a clock of its own.
 */
function oneMachineState(pair: GroupPair): Warning[] {
  const [a, b] = SIDES.map((side) => startsByMachine(okTrials(pair[side].trials))) as [Starts, Starts]
  const orders = [...a].flatMap(([machine, mine]) => {
    const theirs = b.get(machine) ?? []
    if (mine.length < 2 || theirs.length < 2) return []
    return [mine.at(-1)! < theirs[0]! ? 'a first' : theirs.at(-1)! < mine[0]! ? 'b first' : 'in turn']
  })
  const order = new Set(orders).size === 1 ? orders[0] : 'in turn'
  return order === 'in turn' ? [] : [{ kind: 'one_machine_state' }]
}

/** Times in order, by machine. */
type Starts = Map<string | null, string[]>

function startsByMachine(trials: readonly OkTrial[]): Starts {
  const starts: Starts = new Map()
  for (const { machine, started_at } of trials) {
    const own = starts.get(machine)
    if (own === undefined) starts.set(machine, [started_at])
    else own.push(started_at)
  }
  for (const own of starts.values()) own.sort()
  return starts
}

function missingSides(values: Record<Side, number[]>): Warning[] {
  return SIDES.filter((side) => values[side].length === 0).map((side) => ({ kind: 'no_values', side }))
}

function missingValues(raw: Record<Side, unknown[]>, values: Record<Side, number[]>): Warning[] {
  return SIDES.filter((side) => values[side].length < raw[side].length).map((side) => ({
    kind: 'missing_values',
    side,
    missing: raw[side].length - values[side].length,
    n: raw[side].length,
  }))
}

function unstableSides(values: Record<Side, number[]>): Warning[] {
  return SIDES.filter((side) => new Set(values[side]).size > 1).map((side) => ({
    kind: 'not_deterministic',
    side,
    low: Math.min(...values[side]),
    high: Math.max(...values[side]),
  }))
}

function energyIsMeasured(pair: GroupPair): boolean {
  return SIDES.every((side) => ['rapl', 'perf'].includes(energySource(pair[side].trials) ?? ''))
}

function energyWarnings(pair: GroupPair): Warning[] {
  const shared = SIDES.some((side) => okTrials(pair[side].trials).some((trial) => trial.energy.shared))
  if (shared) return [{ kind: 'shared_energy' }]
  return energyIsMeasured(pair) ? [] : [{ kind: 'estimated_energy' }]
}
