/** What only a page asks of a report: what its reader chooses among, and what is said of one thing when it is chosen. */
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import type { Scalar } from '../../workers/workload.ts'
import { groupByScenario } from '../analyse/values.ts'
import type { Manifest } from '../record/types.ts'
import type { LogSummary } from './chunk-logs.ts'
import type {
  Explore,
  PageMetric,
  PageModel,
  Report,
  ScenarioDetail,
  Section,
  TrialDetail,
} from './section.ts'
import type { ReportModel, ScenarioReport } from './types.ts'
import {
  capitalised,
  labelSettings,
  metricTitle,
  plain,
  scalarText,
  settingLabel,
  settingName,
  shellWord,
} from './words.ts'

export function pageModel({ title, subtitle, answer, sections, footer, page }: Report): PageModel {
  const { explore = null, metrics = [], details = [] } = page ?? {}
  return { title, subtitle, answer, sections: filled(sections), footer, explore, metrics, details }
}

/** Those that have something to say: a title over nothing looks like a fault. */
export function filled(sections: readonly Section[]): Section[] {
  return sections.filter(({ blocks }) => blocks.length > 0)
}

// ---------------------------------------------------------------- what the reader of a run's page chooses among

/** Scenarios, by the values of every axis and how their trials ended. */
export function exploreTried(model: Pick<ReportModel, 'scenarios' | 'axes'>): Explore {
  return exploreScenarios(model, [])
}

/** Scenarios, by the values of every axis, how their trials ended, and the front. */
export function exploreRun(model: Pick<ReportModel, 'scenarios' | 'axes'>): Explore {
  return exploreScenarios(model, [
    {
      key: 'front',
      title: 'Pareto front',
      of: ({ front }: ScenarioReport) => (front.latency ? 'on it' : 'not on it'),
    },
  ])
}

function exploreScenarios(
  { scenarios, axes }: Pick<ReportModel, 'scenarios' | 'axes'>,
  more: readonly { key: string; title: string; of(scenario: ScenarioReport): Scalar }[],
): Explore {
  const byAxis = axes.map((key) => ({
    key,
    title: capitalised(settingName(key)),
    of: ({ point }: ScenarioReport) => point[key] ?? null,
  }))
  const others = [
    {
      key: 'outcome',
      title: 'Trials',
      of: ({ outcomes, trials, forced_left_out }: ScenarioReport) =>
        trials === 0
          ? forced_left_out > 0
            ? 'left out'
            : 'not run'
          : outcomes.ok === trials
            ? 'all ok'
            : 'not all ok',
    },
    ...more,
  ]
  // By its axes, as in the pictures.
  const items = scenarios.map((scenario) => ({
    ...scenario,
    label:
      axes.length === 0
        ? scenario.label
        : axes.map((key) => settingLabel(key, scenario.point[key])).join(', '),
  }))
  return exploreBy('scenario', items, [...byAxis, ...others])
}

/** Choices by each setting that labels name; by the labels themselves where they name none. */
export function byLabel<Item>(
  items: readonly Item[],
  labelOf: (item: Item) => string,
): { key: string; title: string; of(item: Item): Scalar }[] {
  const settings = new Map<string, Map<string, Scalar>>()
  for (const label of new Set(items.map(labelOf))) {
    const own = labelSettings(label).map(({ key, value }) => [key, asScalar(value)] as const)
    settings.set(label, new Map(own))
  }
  const keys = new Set([...settings.values()].flatMap((own) => [...own.keys()]))
  if (keys.size === 0) return [{ key: 'scenario', title: 'Scenario', of: labelOf }]
  return [...keys].map((key) => ({
    key,
    title: capitalised(settingName(key)),
    of: (item) => settings.get(labelOf(item))!.get(key) ?? null,
  }))
}

/** Numbers are put in order by their size. */
function asScalar(text: string): Scalar {
  if (text === 'none') return null
  return String(Number(text)) === text ? Number(text) : text
}

/** @param by what items may be chosen; what is alike for all is left out */
export function exploreBy<Item extends { id: string; label: string }>(
  noun: string,
  items: readonly Item[],
  by: readonly { key: string; title: string; of(item: Item): Scalar }[],
): Explore {
  const filters = by
    .map(({ of, ...filter }) => {
      const each = items.map(of)
      const values = new Map(each.map((value) => [scalarText(value), value]))
      const sorted = [...values].sort(([, a], [, b]) => order(a, b)).map(([text]) => text)
      return { ...filter, each: each.map((value) => sorted.indexOf(scalarText(value))), values: sorted }
    })
    .filter(({ values }) => values.length > 1)
  return {
    noun,
    filters: filters.map(({ each: _, ...filter }) => filter),
    items: items.map(({ id, label }, i) => ({
      id,
      label: plain(label),
      at: filters.map(({ each }) => each[i]!),
    })),
  }
}

function order(a: Scalar, b: Scalar): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a).localeCompare(String(b), 'en')
}

/** Those of a run that some trial reported. */
export function pageMetrics({ measured, metrics }: Pick<ReportModel, 'measured' | 'metrics'>): PageMetric[] {
  return measured.flatMap((name) => {
    const metric = metrics.get(name)
    if (metric === undefined) return []
    return [{ name, title: metricTitle(metric), unit: plain(metric.unit), direction: metric.direction }]
  })
}

// ---------------------------------------------------------------- a scenario, trial by trial

export function scenarioDetails(
  manifest: Manifest,
  trials: readonly TrialResult[],
  measured: readonly string[],
  logs: ReadonlyMap<string, LogSummary> = new Map(),
): ScenarioDetail[] {
  const groups = groupByScenario(trials)
  return manifest.sweep.scenarios.map(({ id, point }) => {
    const own = [...(groups.get(id) ?? [])].sort((a, b) => a.round - b.round)
    return {
      scenario: id,
      command: commandFor(manifest, point),
      trials: own.map((trial) => trialDetail(trial, measured)),
      timeline: logs.get(id)?.timeline ?? null,
    }
  })
}

function trialDetail(trial: TrialResult, measured: readonly string[]): TrialDetail {
  const { caps, noise } = trial
  return {
    trial: trial.trial,
    round: trial.round,
    outcome: trial.outcome,
    started_at: trial.started_at,
    duration_ms: short(trial.duration_ms),
    metrics:
      trial.outcome === 'ok'
        ? Object.fromEntries(measured.map((name) => [name, short(trial.metrics[name] ?? null)]))
        : {},
    compute: {
      in_force: short(caps.compute.in_force),
      achieved: short(caps.compute.achieved),
      throttled_ms: short(caps.compute.throttled_ms),
    },
    memory: { in_force_mb: short(caps.memory.in_force_mb), peak_mb: short(caps.memory.peak_mb) },
    noise: {
      run_queue_wait_share: short(noise.run_queue_wait_share),
      others_cores: short(noise.others_cores),
      steal_share: short(noise.steal_share),
      involuntary_context_switches: noise.involuntary_context_switches,
      disturbed: noise.disturbed,
    },
    error:
      trial.outcome === 'ok'
        ? null
        : { name: plain(trial.error.name), message: plain(trial.error.message), exit: trial.error.exit },
    notes: [
      ...trial.notes.map(plain),
      ...trial.resumed_under.map(({ what }) => `resumed by force: ${plain(what)}`),
    ],
  }
}

function short<Value extends number | null>(value: Value): Value {
  return (value === null ? null : Number(value.toPrecision(6))) as Value
}

/** The command of the run, with the scenario's values in place of the axes. */
function commandFor({ command, sweep }: Manifest, point: Readonly<Record<string, Scalar>>): string | null {
  // Where a program of the user's made the run, there are no such words.
  if (command[1] !== 'run') return null
  const settings = sweep.axes.flatMap((key) => {
    const value = yamlScalar(point[key] ?? null)
    return ['--set', key === 'profile' ? `profiles=[${value}]` : `${key}=${value}`]
  })
  return [...command, ...settings].map(shellWord).join(' ')
}

/** A value as YAML reads it back, whatever it is. */
function yamlScalar(value: Scalar): string {
  const isPlain = typeof value !== 'string' || /^(?!true$|false$|null$|yes$|no$)[a-z][\w-]*$/i.test(value)
  return isPlain ? String(value) : JSON.stringify(value)
}
