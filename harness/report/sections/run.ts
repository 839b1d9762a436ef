/** What is said of a run. */
import { count, formatNumber, formatShare, wholeNumber } from '../../format.ts'
import type { LogSummary } from '../chunk-logs.ts'
import { exploreRun, pageMetrics } from '../page.ts'
import { namesOf, PLOTS, plotFile, type RunPlot } from '../plots/names.ts'
import type { Plot } from '../section.ts'
import {
  type Block,
  type Check,
  columnsOf,
  type Item,
  picturesOf,
  type Report,
  type ScenarioDetail,
  type Section,
  type Table,
  type Tone,
} from '../section.ts'
import { comparisonTable, measurementsOf, operatingPointsTable, scenarioTable } from '../tables.ts'
import type { ReportModel, ScenarioReport } from '../types.ts'
import { capitalised, labelWords, metricName, outcomeName, pairLines } from '../words.ts'
import { type Finding, findingsHeadline, findingsOf } from './findings.ts'
import { machinesSection } from './machines.ts'
import { type RunPictures, runPictures } from './pictures.ts'
import { facts, fileList, reproduceSteps } from './provenance.ts'
import { answerOf, recommendationData } from './recommendation.ts'
import { capsTable, loadTable, lostText, operatingTable, summaryTable } from './results.ts'
import { secondaryTests } from './secondary-tests.ts'
import { sensitivityData, sensitivitySection } from './sensitivity.ts'

const FILE = 'reports/report'

export interface RunReportOptions {
  /** Pictures by name; absent: the usual ones, and for the page all that the run has data for. */
  plots?: readonly string[]
  /** What the chunk logs say, by scenario. */
  logs?: ReadonlyMap<string, LogSummary>
}

/** @param details of its scenarios, for the page */
export function runReport(
  model: ReportModel,
  details: readonly ScenarioDetail[] = [],
  { plots, logs }: RunReportOptions = {},
): Report {
  const { manifest } = model
  return {
    kind: 'run',
    title: manifest.sweep.name,
    subtitle: runSubtitle(model),
    answer: answerOf(model, trialsAnswer(model)),
    sections: sectionsOf(model, runPictures(model, plots, logs)),
    pictureFiles: namesOf(PLOTS.run).map(plotFile),
    tables: [
      scenarioTable(model),
      comparisonTable(model.comparisons, 'benchmarks/significance_tests.csv'),
      operatingPointsTable(model),
      ...sensitivityData(model),
    ],
    checks: model.scenarios.map(scenarioCheck),
    measurements: measurementsOf(model),
    data: runData(model),
    footer: `Written by Stint ${manifest.stint} from run ${manifest.id}. Every number was measured in this run; a dash means unknown.`,
    file: FILE,
    source: manifest.sweep.source.path,
    elapsed_s: manifest.elapsed_s,
    page: { explore: exploreRun(model), metrics: pageMetrics(model), details: [...details] },
  }
}

/** How many trials were ok. */
export function trialsAnswer({ trials: { outcomes, planned, finished } }: ReportModel): Report['answer'] {
  const isWhole = outcomes.ok === planned && finished === planned
  return isWhole
    ? { text: planned === 1 ? 'the only trial ok' : `all ${count(planned, 'trial')} ok`, tone: 'good' }
    : { text: `${wholeNumber(outcomes.ok)} of ${count(planned, 'trial')} ok`, tone: 'bad' }
}

/** Machine and trials in a line; the trials' outcomes where the answer says something else. */
export function runSubtitle(model: ReportModel): string {
  return model.recommendation === null ? model.subtitle : `${model.subtitle} · ${trialsAnswer(model).text}`
}

function sectionsOf(model: ReportModel, pictures: RunPictures): Section[] {
  const of = (...names: RunPlot[]): Plot[] => names.flatMap((name) => pictures.shown.get(name) ?? [])
  const findings = findingsOf(model)
  const sections: Section[] = [
    ...problemsSection(model),
    ...operatingSection(model),
    resultsSection(
      model,
      of('latency_vs_accuracy', 'memory_vs_accuracy'),
      of('energy_vs_accuracy', 'throughput_vs_memory', 'profiles'),
    ),
    ...sensitivitySection(model, of('sensitivity'), of('growth')),
    differencesSection(model, findings, of('significance', 'significance_map'), `${FILE}.md`),
    ...(isRealtime(model) ? [loadSection(model, of('load'))] : []),
    ...picturesSection('latency', 'Latency in full', of('latency_ecdf', 'latency_percentiles', 'operators')),
    ...picturesSection('stream', 'Along the stream', of('accuracy_over_rows', 'memory_over_time')),
    capsSection(model, of('caps')),
    outcomesSection(model),
    trustSection(model, `${FILE}.md`),
    ...machinesSection(model),
    { id: 'run', title: 'What was run', blocks: [{ kind: 'facts', facts: facts(model), pages: true }] },
  ]
  // Where its section has nothing to say, a picture that was asked for says here why it is missing.
  const placed = picturesOf({ sections })
  const others = [...pictures.shown.values()].filter((plot) => !placed.includes(plot))
  return [
    ...sections,
    filesSection(model, pictures, others),
    { id: 'reproduce', title: 'How to reproduce', blocks: reproduceSteps(model) },
  ]
}

function filesSection(model: ReportModel, { shown, missing }: RunPictures, others: readonly Plot[]): Section {
  const drawn = [...shown.values()].filter(({ pageOnly }) => !pageOnly)
  const blocks: Block[] = [
    { kind: 'facts', facts: fileList(model, drawn), pages: true },
    ...others.map(picture),
  ]
  if (missing.length > 0) {
    const reasons: Block[] = [{ kind: 'facts', facts: missing }]
    blocks.push({
      kind: 'details',
      title: 'Pictures that this run has no data for',
      blocks: reasons,
      pages: true,
    })
  }
  return { id: 'files', title: 'Files', blocks }
}

/** What affects the numbers, before any of them; a terminal says it last, where it is seen. */
export function problemsSection({ notices }: ReportModel): Section[] {
  const problems = notices.filter(({ level }) => level === 'problem')
  if (problems.length === 0) return []
  const blocks: Block[] = [{ kind: 'notices', notices: problems, pages: true }]
  return [{ id: 'problems', title: 'What to know first', blocks }]
}

export function resultsSection(
  model: ReportModel,
  pictures: readonly Plot[],
  further: readonly Plot[] = [],
): Section {
  return {
    id: 'results',
    title: 'Results',
    blocks: [
      ...pictures.map(picture),
      { kind: 'table', table: summaryTable(model) },
      {
        kind: 'text',
        text: 'Means over the ok trials, ± half the 95% confidence interval.',
        tone: 'quiet',
        pages: true,
      },
      ...further.map(picture),
    ],
  }
}

function picturesSection(id: string, title: string, pictures: readonly Plot[]): Section[] {
  return pictures.length === 0 ? [] : [{ id, title, blocks: pictures.map(picture) }]
}

/** @param page that holds every line */
export function differencesSection(
  model: ReportModel,
  findings: readonly Finding[],
  pictures: readonly Plot[],
  page: string,
): Section {
  const { compare } = model.manifest.sweep
  return {
    id: 'significance',
    title: 'What differs',
    blocks: [
      { kind: 'text', text: findingsHeadline(model.comparisons, compare.alpha) },
      ...(findings.length === 0
        ? []
        : [{ kind: 'list', items: findings.map(findingItem), file: page } as const]),
      ...pictures.map(picture),
      ...secondaryTests(pairLines(model), compare, 'benchmarks/significance_tests.csv'),
    ],
  }
}

export function operatingSection(model: ReportModel): Section[] {
  if (model.operating.points.length === 0) return []
  return [
    { id: 'operating-points', title: 'Which setting to use', blocks: [forPages(operatingTable(model))] },
  ]
}

export function isRealtime({ scenarios }: ReportModel): boolean {
  return scenarios.some(({ point }) => point['mode'] === 'realtime')
}

export function loadSection(model: ReportModel, pictures: readonly Plot[]): Section {
  return {
    id: 'load',
    title: 'Under load: event latency',
    blocks: [...pictures.map(picture), forPages(loadTable(model))],
  }
}

export function capsSection(model: ReportModel, pictures: readonly Plot[]): Section {
  return {
    id: 'caps',
    title: 'Caps: asked for and achieved',
    blocks: [...pictures.map(picture), forPages(capsTable(model))],
  }
}

/** @param page that holds every note */
export function trustSection(model: ReportModel, page: string): Section {
  const notes = model.notices.filter(({ level }) => level === 'note')
  const isSaid = notes.length === 0 && model.notices.length > 0
  return {
    id: 'trust',
    title: 'Noise and warnings',
    blocks: [
      { kind: 'notices', notices: model.notices, file: page, terminals: true },
      // A page says problems first.
      ...(isSaid ? [] : [{ kind: 'notices', notices: notes, pages: true } as const]),
      { kind: 'facts', facts: noiseFacts(model), pages: true },
    ],
  }
}

export function outcomesSection(model: ReportModel): Section {
  const table = outcomeTable(model)
  return {
    id: 'outcomes',
    title: 'Outcomes',
    blocks: [
      table === null
        ? {
            kind: 'text',
            text: `${capitalised(count(model.trials.finished, 'trial'))} finished, and every one was ok.`,
            pages: true,
          }
        : forPages(table),
    ],
  }
}

export function picture(plot: Plot): Block {
  return { kind: 'picture', plot }
}

export function forPages(table: Table): Block {
  return { kind: 'table', table, pages: true }
}

function findingItem({ text, kind }: Finding): Item {
  const tones: Partial<Record<Finding['kind'], Tone>> = {
    worse: 'bad',
    better: 'good',
    undecided: 'quiet',
    same: 'quiet',
  }
  const tone = tones[kind]
  return tone === undefined ? { text } : { text, tone }
}

/** A scenario fails where its trials `failed`; running out of memory under a cap is a result. */
export function scenarioCheck(scenario: ScenarioReport): Check {
  const { label, outcomes, trials, forced_left_out, failures } = scenario
  const check = { suite: label, name: 'outcome' }
  if (trials === 0) {
    const why = forced_left_out > 0 ? 'ran only after --force, and is left out' : 'did not run'
    return { ...check, state: 'skipped', message: `${labelWords(label)} ${why}` }
  }
  if (outcomes.ok === trials) return { ...check, state: 'passed', message: `${count(trials, 'trial')} ok` }
  const reasons = failures.map(({ reason }) => reason).join('; ')
  return {
    ...check,
    state: outcomes.failed > 0 ? 'failed' : 'passed',
    message: `${labelWords(label)}: ${lostText(outcomes)} of ${count(trials, 'trial')}: ${reasons}`,
  }
}

/** For programs. */
export function scenarioData(scenarios: readonly ScenarioReport[]): Record<string, unknown>[] {
  return scenarios.map(({ front, energy_source, ...scenario }) => ({
    ...scenario,
    pareto: front.latency,
    pareto_share: front.latency_share,
    pareto_memory: front.memory,
    energy_source,
  }))
}

function runData(model: ReportModel): Record<string, unknown> {
  const { manifest, trials, latency, accuracy, scenarios, comparisons, operating, notices } = model
  return {
    name: manifest.sweep.name,
    trials,
    latency,
    accuracy,
    scenarios: scenarioData(scenarios),
    comparisons,
    operating_points: operating.points,
    recommendation: recommendationData(model),
    sensitivity: model.sensitivity,
    growth: model.growth,
    notices,
  }
}

// ---------------------------------------------------------------- how trials ended, and how quiet the machine was

/** Trials that were not ok, those that ended alike in one row; null where every trial was ok. */
function outcomeTable({ scenarios }: ReportModel): Table | null {
  const rows = scenarios.flatMap(({ id, label, failures, trials }) =>
    failures.map((failure) => ({ id, label, trials, ...failure })),
  )
  if (rows.length === 0) return null
  return {
    columns: columnsOf(rows, [
      { head: 'Scenario', type: 'text', cell: ({ label }) => ({ text: labelWords(label) }) },
      { head: 'Outcome', type: 'text', cell: ({ outcome }) => ({ text: outcomeName(outcome), tone: 'bad' }) },
      {
        head: 'Trials',
        type: 'number',
        cell: ({ count, trials }) => ({ text: `${count} of ${trials}`, value: count }),
      },
      { head: 'Reason', type: 'text', cell: ({ reason }) => ({ text: reason }) },
      {
        head: 'First trial',
        type: 'text',
        cell: ({ first_trial }) => ({ text: first_trial, tone: 'quiet' }),
      },
    ]),
    about: rows.map(({ id }) => [id]),
    file: 'trials.jsonl',
  }
}

export function noiseFacts({ noise, latency }: ReportModel): [string, string][] {
  const share = (value: number | null) => (value === null ? 'unknown' : formatShare(value))
  return [
    [
      'Waiting for a core',
      noise.run_queue_wait_median === null
        ? 'unknown: not reported here, held back by a compute cap, or too short to tell'
        : `${share(noise.run_queue_wait_median)} of the time (median trial), at most ${share(noise.run_queue_wait_max)}`,
    ],
    [
      'Variation between trials',
      noise.latency_variation_median === null
        ? 'unknown: needs two ok trials of a scenario'
        : `${share(noise.latency_variation_median)} of the ${metricName(latency)} (coefficient of variation, median scenario)`,
    ],
    [
      'Involuntary context switches',
      noise.involuntary_switches_median === null
        ? 'unknown on this machine'
        : `${wholeNumber(noise.involuntary_switches_median)} per trial (median)`,
    ],
    [
      'Other processes',
      noise.others_cores_median === null
        ? 'unknown: not reported here, or the trials were too short to tell'
        : `${formatNumber(noise.others_cores_median)} cores in use (median trial); time taken by the hypervisor at most ${share(noise.steal_max)}`,
    ],
    [
      'Disturbed trials',
      noise.disturbed.of === 0
        ? 'unknown: not reported here, or the trials were too short to tell'
        : `${noise.disturbed.trials} of ${noise.disturbed.of}, kept and marked in the journal`,
    ],
    ['Load at the start', formatNumber(noise.load_at_start)],
  ]
}
