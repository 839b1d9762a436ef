/** What a reader must know before trusting a run, each with what to do next. */
import type { Disturbed, TrialResult } from '../../workers/protocol/trial-result.ts'
import type { Comparison, ComparisonRow } from '../analyse/comparison.ts'
import type { Precision } from '../analyse/precision.ts'
import {
  forcedWords,
  groupByScenario,
  metricValues,
  mixesDataOrCode,
  okTrials,
  resumedByForce,
} from '../analyse/values.ts'
import { formatWarning, type Warning } from '../analyse/warnings.ts'
import { count, formatNumber, formatShare } from '../format.ts'
import type { Notice } from './section.ts'
import type { NoiseReport, ReportModel, ScenarioReport } from './types.ts'
import {
  capitalised,
  chunkSizesText,
  coresOf,
  labelWords,
  metricName,
  namesText,
  outcomeName,
  plain,
} from './words.ts'

/** Fewer trials per scenario than this give intervals too wide to decide anything. */
const FEW_TRIALS = 5
const MUCH_WAITING = 0.05
const MUCH_VARIATION = 0.1

export function noticesFor(
  model: Omit<ReportModel, 'notices'>,
  comparison: Comparison,
  trials: readonly TrialResult[],
  leftOut: readonly string[],
): Notice[] {
  return [
    ...leftOut.map((text) => problem(`${text}.`)),
    ...aboutTheRun(model),
    ...aboutPrecision(model),
    ...aboutResuming(trials),
    ...aboutOutcomes(model),
    ...aboutLatency(model),
    ...aboutDeterminism(model, trials),
    ...aboutScores(model, trials),
    ...aboutValues(trials),
    ...aboutCaps(model),
    ...aboutChildren(trials),
    ...aboutNoise(model),
    ...aboutEnergy(model, trials),
    ...comparison.notes.map((warning) => note(formatWarning(warning, labelWords))),
    ...pairNotices(comparison.rows),
    ...model.manifest.notes.map((text) => note(text)),
  ]
}

function aboutTheRun({ manifest, trials, scenarios }: Omit<ReportModel, 'notices'>): Notice[] {
  const notices: Notice[] = []
  const { search } = manifest.sweep
  if (search !== null) {
    if (manifest.finished_at === null)
      notices.push(problem('The search is not over. Run stint resume on the run folder to go on with it.'))
  } else if (trials.finished < trials.planned) {
    notices.push(
      problem(
        `Only ${trials.finished} of ${count(trials.planned, 'planned trial')} finished. Run stint resume on the run folder to complete it.`,
      ),
    )
  }
  if (manifest.git?.dirty) {
    notices.push(
      note('The working tree had changes that no commit holds. Commit before a run that must be repeatable.'),
    )
  }
  if (manifest.sweep.n_jobs > 1) {
    notices.push(
      note(
        `${manifest.sweep.n_jobs} trials ran at once and may have slowed each other down. Set n_jobs to 1 where latency matters.`,
      ),
    )
  }
  const fewest = Math.min(
    ...scenarios.filter(({ outcomes }) => outcomes.ok > 0).map(({ outcomes }) => outcomes.ok),
  )
  // A search takes as many trials of each value as it needs.
  if (search === null && Number.isFinite(fewest) && fewest < FEW_TRIALS) {
    notices.push(
      note(
        `Some scenarios have only ${count(fewest, 'ok trial')}, so their intervals are wide or missing. Raise benchmark_runs to 10 or more.`,
      ),
    )
  }
  return notices
}

/** Trials that --force let run under other conditions than the rest, where they were asked for. */
function aboutResuming(trials: readonly TrialResult[]): Notice[] {
  const forced = resumedByForce(trials)
  if (forced.length === 0) return []
  const { ran, changes } = forcedWords(forced)
  const mixed = mixesDataOrCode(trials)
    ? ' Means over trials of different data or code are no results, and nothing is claimed of them.'
    : ''
  return [
    problem(
      `${ran}, and cannot be compared with the others: ${changes}.${mixed} Start a new run for numbers to rely on.`,
    ),
  ]
}

function aboutOutcomes({ scenarios, trials, manifest }: Omit<ReportModel, 'notices'>): Notice[] {
  const lost = Object.entries(trials.outcomes).filter(([outcome, n]) => outcome !== 'ok' && n > 0)
  if (lost.length === 0) return []
  const words = lost
    .map(([outcome, n]) => `${n} ${outcomeName(outcome as keyof typeof trials.outcomes)}`)
    .join(', ')
  const without = scenarios.filter(({ outcomes, trials: n }) => n > 0 && outcomes.ok === 0).length
  const none =
    without === 0
      ? ''
      : ` ${count(without, 'scenario')} ${without === 1 ? 'has' : 'have'} no ok trial at all.`
  // A search looks for where they begin.
  const say = manifest.sweep.search === null ? problem : note
  return [say(`Not every trial was ok: ${words}.${none} The reasons stand under Outcomes.`)]
}

function aboutLatency(model: Omit<ReportModel, 'notices'>): Notice[] {
  const sizes = chunkSizesText(model.differing_chunks)
  if (sizes === null) return []
  return [
    note(
      `Chunks hold ${sizes}, so latency is compared per row: in tables, pictures, fronts and recommendations. Chunk latency is in constraint_experiment.csv; it says nothing of speed here.`,
    ),
  ]
}

/** What is said to be the same in every trial of a scenario, and is not: then no result of the workload is one. */
function aboutDeterminism(
  { metrics, scenarios }: Omit<ReportModel, 'notices'>,
  trials: readonly TrialResult[],
): Notice[] {
  const groups = groupByScenario(okTrials(trials))
  return [...metrics.values()].flatMap((metric): Notice[] => {
    if (metric.kind !== 'deterministic') return []
    const differing = scenarios.flatMap(({ id, label, point }) => {
      // Each round has arrivals of its own, and the clock decides which of them are answered.
      if (point['mode'] === 'realtime') return []
      const values = metricValues(groups.get(id) ?? [], metric.name)
      return new Set(values).size > 1 ? [{ label, values }] : []
    })
    const [first] = differing
    if (first === undefined) return []
    const known = first.values.filter((value) => value !== null)
    const missing = first.values.length - known.length
    const [low, high] = [Math.min(...known), Math.max(...known)]
    const found = low === high ? `${low} in ${known.length} trials` : `${low} to ${high}`
    const none = missing === 0 ? '' : ` and none in ${missing}`
    const others = differing.length === 1 ? '' : `, and in ${count(differing.length - 1, 'more scenario')}`
    return [
      problem(
        `${capitalised(metricName(metric.name))} is declared deterministic and differs between trials with the same settings: ${found}${none} in ${labelWords(first.label)}${others}. Find what depends on time, order, an unseeded source, or data or code that changed during the run, before using any result.`,
      ),
    ]
  })
}

/** Metrics that a workload could not compute, by its own words: see `TrialOutput.info`. */
function aboutScores(
  { metrics, scenarios, accuracy }: Omit<ReportModel, 'notices'>,
  trials: readonly TrialResult[],
): Notice[] {
  const byReason = new Map<string, { names: Set<string>; scenarios: Set<string> }>()
  for (const { info, scenario } of okTrials(trials)) {
    const reasons = info['not_scored']
    if (typeof reasons !== 'object' || reasons === null) continue
    for (const [name, reason] of Object.entries(reasons)) {
      if (!metrics.has(name) || typeof reason !== 'string') continue
      const found = byReason.get(reason) ?? { names: new Set(), scenarios: new Set() }
      found.names.add(name)
      found.scenarios.add(scenario)
      byReason.set(reason, found)
    }
  }
  const missing = [...byReason].map(([reason, { names, scenarios: where }]) => {
    const of = scenarios.length === 1 ? '' : ` in ${where.size} of ${count(scenarios.length, 'scenario')}`
    const text = `No ${[...names].map(metricName).join(', ')}${of}: ${reason}.`
    return accuracy !== null && names.has(accuracy) ? problem(text) : note(text)
  })
  return [...missing, ...aboutRowsScored(scenarios)]
}

/** What workloads handed over and could not be taken as it was. */
function aboutValues(trials: readonly TrialResult[]): Notice[] {
  const times = new Map<string, number>()
  for (const { notes = [] } of trials) for (const text of notes) times.set(text, (times.get(text) ?? 0) + 1)
  return [...times].map(([text, n]) => note(`In ${count(n, 'trial')}: ${text}.`))
}

/** Scores over other rows are other quantities where the data drifts. */
function aboutRowsScored(scenarios: ReportModel['scenarios']): Notice[] {
  const scored = scenarios.flatMap(({ metrics }) => metrics['scored']?.value ?? [])
  const [fewest, most] = [Math.min(...scored), Math.max(...scored)]
  if (scored.length === 0 || fewest === most) return []
  return [
    note(
      `Scores are over ${formatNumber(fewest)} to ${formatNumber(most)} rows, by scenario (the metric "scored"). Where the data changes over time, such scores say how different parts of it went.`,
    ),
  ]
}

function aboutCaps({ scenarios }: Omit<ReportModel, 'notices'>): Notice[] {
  const notices: Notice[] = []
  const loose = scenarios.filter(
    ({ compute, memory }) => compute.enforced === false || memory.enforced === false,
  )
  if (loose.length > 0) {
    notices.push(
      problem(
        `In ${count(loose.length, 'scenario')} a cap was asked for and not fully enforced (marked in the table of caps). Run stint doctor to see what this machine can enforce.`,
      ),
    )
  }
  const mechanisms = new Set(
    scenarios.filter(({ compute }) => compute.asked !== null).flatMap(({ compute }) => compute.mechanisms),
  )
  if (mechanisms.size > 1) {
    notices.push(
      problem(
        `Compute caps were held by different mechanisms (${[...mechanisms].sort().join(', ')}), whose latencies should not be compared. Run again where one mechanism serves all.`,
      ),
    )
  }
  const beyond = scenarios.filter(({ compute }) => (coresOf(compute) ?? 0) > 1)
  if (beyond.length > 0) {
    notices.push(
      note(
        `${count(beyond.length, 'scenario')} may use more than one core. A workload runs in one thread, so only the runtime's helper threads (collection, compilation) take from the second: see the achieved share.`,
      ),
    )
  }
  // Where nothing held the cap that has been said above.
  const leaks = scenarios.filter(({ compute }) => compute.over_cap)
  if (leaks.length > 0) {
    notices.push(
      problem(
        `${count(leaks.length, 'scenario')} used over 5% more CPU than its cap allows. Longer trials average bursts out; if it stays, report the machine and mechanism.`,
      ),
    )
  }
  const over = scenarios.filter(
    ({ memory: { asked_mb, peak_max_mb } }) =>
      asked_mb !== null && peak_max_mb !== null && peak_max_mb > asked_mb,
  )
  if (over.length > 0) {
    const held = over.filter(({ outcomes }) => outcomes.out_of_memory > 0).length
    notices.push(
      note(
        `In ${count(over.length, 'scenario')} the largest memory reading passed the cap; ${held} of them ended trials as out of memory for it. The picture of caps shows by how much.`,
      ),
    )
  }
  return notices
}

function aboutChildren(trials: readonly TrialResult[]): Notice[] {
  const had = trials.filter(({ children }) => (children ?? 0) > 0).length
  if (had === 0) return []
  const text = `${count(had, 'trial')} started further processes. Their CPU time, memory, reads and writes count as the trial's, and they ended with it.`
  return [note(text)]
}

const REASONS: Record<Disturbed, string> = {
  own_limit: 'a CPU quota on Stint itself, as of its container or unit, held it back',
  steal: 'the hypervisor gave the cores to other machines',
  others: 'other processes used the cores',
  waiting: 'the workload waited for a core',
  pressure: 'processes waited for cores',
  frequency: 'the clock of the cores changed',
}
/** Share of disturbed trials from which the run as a whole is suspect. */
const MANY_DISTURBED = 0.2

/** @param finished trials, of some of which the system may have told too little to judge */
function aboutDisturbed({ disturbed }: NoiseReport, finished: number): Notice[] {
  if (disturbed.trials === 0) return []
  const why = Object.entries(disturbed.reasons)
    .sort(([, a], [, b]) => b - a)
    .map(([reason, n]) => `${REASONS[reason as Disturbed]} (${n})`)
    .join(', ')
  const many = disturbed.trials / disturbed.of >= MANY_DISTURBED
  const unjudged =
    finished > disturbed.of ? ` that could be judged (${finished - disturbed.of} could not)` : ''
  const text = `${disturbed.trials} of ${count(disturbed.of, 'trial')}${unjudged} ${disturbed.trials === 1 ? 'was' : 'were'} disturbed and kept: ${why}. ${adviceOn(disturbed.reasons)}; stint doctor shows ${disturbed.reasons.own_limit === undefined ? 'how noisy the machine is at rest' : 'which limits hold for it'}.`
  return [many ? problem(text) : note(text)]
}

function adviceOn({ own_limit, ...others }: NoiseReport['disturbed']['reasons']): string {
  const raise = 'Raise that quota, or set n_jobs: 1 and ask for smaller shares'
  const quiet = 'Stop other work, set pin_core and n_jobs: 1, or raise benchmark_runs'
  if (own_limit === undefined) return quiet
  return Object.keys(others).length === 0 ? raise : `${raise}. ${quiet}`
}

function aboutNoise({ noise, latency, trials }: Omit<ReportModel, 'notices'>): Notice[] {
  const notices: Notice[] = aboutDisturbed(noise, trials.finished)
  if ((noise.run_queue_wait_median ?? 0) > MUCH_WAITING) {
    notices.push(
      problem(
        `Trials waited for a core ${formatShare(noise.run_queue_wait_median!)} of the time (median): other work ran beside them. Stop it, or use stint gate, whose duets cancel most of it.`,
      ),
    )
  }
  if ((noise.latency_variation_median ?? 0) > MUCH_VARIATION) {
    notices.push(
      note(
        `The ${metricName(latency)} of identical trials varies by ${formatShare(noise.latency_variation_median!)} (median coefficient of variation). Small differences need more benchmark_runs or a quieter machine.`,
      ),
    )
  }
  return notices
}

function aboutEnergy({ measured }: Omit<ReportModel, 'notices'>, trials: readonly TrialResult[]): Notice[] {
  const known = okTrials(trials).filter(({ energy }) => energy.joules !== null)
  if (known.length === 0 && !measured.includes('energy_j')) {
    return [
      note('Energy was not measured: this machine has no readable counter. It is left empty, not guessed.'),
    ]
  }
  const notices: Notice[] = []
  if (known.some(({ energy }) => energy.source === 'estimate')) {
    notices.push(
      note('Energy is an estimate from CPU time, not a measurement; it is shown and never tested.'),
    )
  }
  if (known.some(({ energy }) => energy.shared)) {
    notices.push(
      note(
        'Trials shared the energy counters, and each got its part by CPU time; that is shown and never tested. Set n_jobs to 1 to measure the energy of a trial.',
      ),
    )
  }
  return notices
}

function problem(text: string): Notice {
  return { level: 'problem', text: plain(text) }
}

function note(text: string): Notice {
  return { level: 'note', text: plain(text) }
}

// ---------------------------------------------------------------- precision
// Which scenarios ended early since their mean was known well enough, and which never got there.

const MOST_NAMED = 5

function aboutPrecision({ manifest, scenarios }: Omit<ReportModel, 'notices'>): Notice[] {
  const { until, benchmark_runs: most } = manifest.sweep
  if (!until) return []
  const inState = (...states: Precision['state'][]) =>
    scenarios.filter(({ precision, trials }) => trials >= until.min && states.includes(precision!.state))
  const goal = `the mean of ${metricName(until.metric)} known to ±${formatShare(until.ci)}`
  const reached = inState('reached')
  // What is still wider with rounds left was interrupted, which is said elsewhere.
  const never = inState('wider').filter(({ trials }) => trials >= most)
  const notices: Notice[] = []
  if (reached.length > 0) {
    notices.push(
      note(
        `${subject(reached.length, scenarios.length)} stopped by precision after ${range(reached)} of ${most} trials, with ${goal}.`,
      ),
    )
  }
  if (never.length > 0) {
    notices.push(
      problem(
        `${subject(never.length, scenarios.length)} did not reach the precision asked for in all ${most} trials (${goal}): ${named(never, widthOf)}. Raise max, allow a wider ci, or measure on a quieter machine.`,
      ),
    )
  }
  const failed = inState('not_ok')
  if (failed.length > 0) {
    notices.push(
      note(`A trial was not ok, which ends the rounds once min is reached: ${named(failed, trialsOf)}.`),
    )
  }
  const without = inState('constant', 'unknown')
  if (without.length > 0) {
    notices.push(
      note(
        `Precision does not apply, since ${until.metric} is constant or unknown: ${named(without, trialsOf)}.`,
      ),
    )
  }
  return notices
}

function subject(n: number, of: number): string {
  return `${n} of ${count(of, 'scenario')}`
}

function range(scenarios: readonly ScenarioReport[]): string {
  const trials = scenarios.map((scenario) => scenario.trials)
  const [few, many] = [Math.min(...trials), Math.max(...trials)]
  return few === many ? String(few) : `${few} to ${many}`
}

function named(scenarios: readonly ScenarioReport[], about: (scenario: ScenarioReport) => string): string {
  const names = scenarios
    .slice(0, MOST_NAMED)
    .map((scenario) => `${labelWords(scenario.label)} (${about(scenario)})`)
  return namesText(names, scenarios.length)
}

function widthOf({ precision }: ScenarioReport): string {
  const { halfWidth } = precision!
  return halfWidth === null ? 'the mean is 0' : `±${formatShare(halfWidth)}`
}

function trialsOf({ trials }: ScenarioReport): string {
  return count(trials, 'trial')
}

// ---------------------------------------------------------------- what the significance table warns of, one notice a kind

/** Expected of most pairs; said once in the text around the table. */
const SAID_ELSEWHERE: readonly Warning['kind'][] = ['deterministic']

/**
 * Each kind with an example, since a grid repeats itself.
 * @param known kinds that the reader knows of already
 * @param namesOf what people call the sides of a row
 */
export function pairNotices(
  rows: readonly ComparisonRow[],
  known: readonly Warning['kind'][] = [],
  namesOf: (row: ComparisonRow) => { a: string; b: string } = ({ a_label, b_label }) => ({
    a: labelWords(a_label),
    b: labelWords(b_label),
  }),
): Notice[] {
  const byKind = new Map<Warning['kind'], { pairs: number; first: string }>()
  for (const row of rows) {
    for (const kind of new Set(row.warnings.map((warning) => warning.kind))) {
      if (SAID_ELSEWHERE.includes(kind) || known.includes(kind)) continue
      const seen = byKind.get(kind)
      if (seen) seen.pairs++
      else {
        const warning = row.warnings.find((candidate) => candidate.kind === kind)!
        const { a, b } = namesOf(row)
        const where = `${capitalised(metricName(row.metric))}, ${a} (a) against ${b} (b)`
        byKind.set(kind, { pairs: 1, first: plain(`${where}: ${formatWarning(warning)}`) })
      }
    }
  }
  return [...byKind.values()].map(({ pairs, first }) => ({
    level: 'note',
    text: pairs === 1 ? first : `${first} The same holds for ${count(pairs - 1, 'more comparison')}.`,
  }))
}
