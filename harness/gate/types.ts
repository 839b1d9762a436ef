/** What a gate compares and what it finds. Plain data. */

import type { DuetReport } from '../../workers/protocol/duet.ts'
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import type { Scalar } from '../../workers/workload.ts'
import type { Metric } from '../metrics.ts'
import type { Machine } from '../record/types.ts'
import type { PreparedWorkload } from '../session/session.ts'
import type { GateSettings, Scenario } from '../sweep/types.ts'

/** One of the two versions of a workload. */
export interface Version extends PreparedWorkload {
  /** As people call it: a commit, a file, `the working copy`. */
  name: string
}

/** The two versions that a gate holds against each other. */
export interface Versions {
  baseline: Version
  candidate: Version
}

/** One scenario, with what each version is given of its parameters. */
export interface GateScenario {
  /** The candidate's, which names it. */
  scenario: Scenario
  /** Its partner in the baseline's sweep; the same where both have one sweep. */
  baseline: Scenario
  params: Record<'baseline' | 'candidate', Record<string, Scalar>>
}

/** What is tested, and how much worse it may be. */
export interface Rules {
  table: ReadonlyMap<string, Metric>
  /** With only those accepted changes that still are. */
  settings: GateSettings
  /** Margin from the command line. */
  margin: number | null
}

export interface TrialPair {
  baseline: TrialResult
  candidate: TrialResult
}

/** All that was measured of one scenario. */
export interface Evidence {
  duets: DuetReport[]
  pairs: TrialPair[]
}

export type RowVerdict = 'regression' | 'ruled_out' | 'undecided' | 'not_measured'

/** One line of the answer: a scenario and a metric, or how the scenario's trials ended. */
export interface GateRow {
  scenario: string
  label: string
  /** Name of a metric, or `outcome`. */
  metric: string
  unit: string
  direction: Metric['direction']
  verdict: RowVerdict
  /** The change for the worse that does not matter, as a share; null for outcomes. */
  margin: number | null
  /** The same in the metric's unit, where an amount rather than a share is what does not matter. */
  marginAmount?: number
  /** How the trials of either version ended, for `outcome`. */
  ends?: Record<'baseline' | 'candidate', string>
  /** Of an `outcome` that says only that the time was up: before the first trial, or in one. */
  cut?: 'before' | 'within'
  /** candidate / baseline. Its worse end holds at the gate's alpha over all rows, its better end at 95%. */
  ratio: { value: number; low: number | null; high: number | null } | null
  /** candidate - baseline, in the metric's unit, where that is tested since the metric may be 0 or negative. */
  difference?: { value: number; low: number | null; high: number | null }
  /** Means in the metric's unit. */
  baseline: number | null
  candidate: number | null
  /** Values that entered: duets, pairs of trials, trials, or runs. */
  n: number
  /** `pairs`: of one trial each; `trials`: either version's by themselves. */
  source: 'duets' | 'pairs' | 'trials' | 'runs' | 'exact'
  note: string | null
  /** It says no more than another row of the scenario, and lists leave it out. */
  repeats?: true
  /** For an undecided row: what it would have taken. */
  outlook: Outlook | null
}

export interface Outlook {
  /** The change for the worse, as a share (or an amount, where `difference` is tested), that as many values find in four of five cases; null where unknown. */
  findable: number | null
  /** Further time to a decision, s; null where more time would hardly bring one. */
  moreSeconds: number | null
  /** True where too little was measured to foresee it: so much more is needed to tell anything. */
  atLeast: boolean
}

/** Where along the stream a change lies; ratios are candidate over baseline. */
export type Where =
  | { shape: 'everywhere' }
  /** From `chunk` on it is `after`, before it `before`: candidate over baseline. */
  | { shape: 'from'; chunk: number; before: number; after: number }
  /** In the chunks from `from` up to `to`, `to` excluded. */
  | { shape: 'between'; from: number; to: number; inside: number; outside: number }
  /** Steadily from the first chunk to the last. */
  | { shape: 'growing'; first: number; last: number }

/** How the versions compare along the stream. */
export interface GateProfile {
  scenario: string
  label: string
  /** Chunks of a pass over the data. */
  chunks: number
  /** For each equal stretch of them, candidate over baseline: geometric mean over the duets, and its 95% interval. */
  ratio: number[]
  low: (number | null)[]
  high: (number | null)[]
  where: Where
  duets: number
}

/** How much of the stream the duets of a scenario played. */
export interface Coverage {
  scenario: string
  label: string
  /** Chunks of the whole stream; null where no trial of one worker came to its end. */
  chunks: number | null
  /** From the first on. */
  compared: number
  duets: number
}

/** What a gate did not look at, though it might get worse. */
export interface Untested {
  metric: string
  why: string
}

/** Self time of one function in a trial of each version under the CPU profiler. */
export interface FunctionGrowth {
  name: string
  /** Next to the workload's module. */
  file: string
  /** In the candidate, from 1; 0 where it has none. */
  line: number
  baseline_ms: number
  candidate_ms: number
}

/** A look inside both versions: one further trial of each under the CPU profiler. */
export interface ProfiledVersions {
  scenario: string
  label: string
  /** The `.cpuprofile` of each. */
  files: Record<'baseline' | 'candidate', string>
  /** Those whose self time grew most, largest growth first. */
  functions: FunctionGrowth[]
}

/** The workload's own operators in one trial of each version. */
export interface OperatorTimes {
  scenario: string
  label: string
  /** Largest growth first. */
  operators: OperatorChange[]
}

/** Microseconds per row; null where the version has no such operator. */
export interface OperatorChange {
  name: string
  baseline_us: number | null
  candidate_us: number | null
}

export interface GateResult {
  verdict: 'regression' | 'ruled_out' | 'undecided'
  name: string
  baseline: string
  candidate: string
  rows: GateRow[]
  coverage: Coverage[]
  profiles: GateProfile[]
  /** Null where it was not asked for, or a trial did not end well. */
  functions: ProfiledVersions | null
  /** Null where no step takes longer, and for workloads that report no operators. */
  operators: OperatorTimes | null
  untested: Untested[]
  notes: string[]
  alpha: number
  /** Tests that share the alpha. */
  tests: number
  duets: number
  /** That duets ran on, each on one. */
  cores: number[]
  trials: number
  /** Of measuring only. */
  elapsed_s: number
  ended: 'decided' | 'time_limit' | 'all_measured'
}

/** What a gate found, and where. */
export interface GateAnswer extends GateResult {
  /** Of the command: 0 ruled out, 1 regression, 3 undecided. */
  exit_code: 0 | 1 | 3
  /** That ran it; null where agents did. */
  machine: Machine | null
  /** Average number of running and waiting processes over a minute, on that machine. */
  load_1m: { start: number; end: number } | null
}

/** A gate of one commit against the good one. */
export interface BisectStep {
  /** Its full hash. */
  commit: string
  /** `skipped`: it cannot be played. */
  verdict: GateResult['verdict'] | 'skipped'
  /** The metric that decided, or why nothing did. */
  why: string
}

export interface Bisection {
  name: string
  /** As named. */
  good: string
  bad: string
  /** Hash of the first commit that is worse; null where none was proven, or those skipped leave several. */
  found: string | null
  /** Commits that may be the first. */
  candidates: string[]
  /** In the order in which they were played. */
  steps: BisectStep[]
}

interface Counts {
  duets: number
  pairs: number
}

/** What happens in a gate, as one stream. */
export type GateEvent =
  /** What is done next, in words. */
  | { event: 'step'; text: string }
  /**
   * A duet or a trial starts: `now`, such as `duet 3 of batch_size=64`. Counts are over all scenarios; `planned` is null
   * until the first round has shown what the time allows.
   */
  | { event: 'starts'; now: string; done: Counts; planned: Counts | null; leftMs: number }
  /** Against recorded runs: a trial has ended. */
  | { event: 'trial'; done: number; planned: number }

// ---------------------------------------------------------------- a history of runs

/** One run of a series. */
export interface HistoryPoint {
  run: string
  commit: string | null
  started_at: string
  /** Mean over the run's trials, geometric where the metric is compared by ratios. */
  value: number
}

export interface HistorySeries {
  sweep: string
  machine: string
  scenario: string
  label: string
  metric: string
  unit: string
  direction: Metric['direction']
  /** What says how large a change is: `difference` for metrics that may be zero or negative. */
  compared_by: 'ratio' | 'difference'
  /** In order of time. */
  points: HistoryPoint[]
  /** Indices of runs that stand apart from those around them; no change is made of them. */
  outliers: number[]
  changes: SeriesChange[]
}

export interface SeriesChange {
  /**
   * `step`: the level changed between two runs. `drift`: it went from one level to the other over many. `spread`: the
   * level stayed, the noise did not.
   */
  kind: 'step' | 'drift' | 'spread'
  verdict: 'worse' | 'better' | 'changed'
  /** Index of the likeliest first run of the new regime; of a drift, of its first run that moved. */
  index: number
  /** First and last run that it may have been, with 95% confidence; of a drift, all of its runs. */
  low: number
  high: number
  /** Levels before and after; of `spread`, standard deviations. */
  before: number
  after: number
  /** Of the permutation test. */
  p: number
}

/** What changed in one place: every series of a sweep on a machine whose change may lie there. */
export interface HistoryEvent {
  sweep: string
  machine: string
  verdict: SeriesChange['verdict'] | 'mixed'
  kind: SeriesChange['kind']
  /** First run that may be the first of the new regime, and last. */
  first: HistoryPoint
  last: HistoryPoint
  /** The run before `first`: the newest that is surely of the old regime. */
  good: HistoryPoint
  /** It could not have been told without the newest run. */
  new: boolean
  members: (SeriesChange & Pick<HistorySeries, 'scenario' | 'label' | 'metric' | 'unit' | 'compared_by'>)[]
}

export interface History {
  runs: number
  events: HistoryEvent[]
  series: HistorySeries[]
  /** What could not be looked at. */
  notes: string[]
}
