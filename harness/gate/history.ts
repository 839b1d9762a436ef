/** Changes in a metric over many runs: which run was the first after each. */
import { changePoints } from '../analyse/change-point.ts'
import { mean } from '../analyse/descriptive.ts'
import { groupByScenario, metricValues, usableValues } from '../analyse/values.ts'
import { metricTable } from '../metrics.ts'
import { identityOf } from '../record/compatibility.ts'
import type { RecordedRun } from '../record/open-run.ts'

/** What is looked at of a recorded run. */
export type Recorded = Pick<RecordedRun, 'path' | 'manifest' | 'trials'>

export interface HistoryOptions {
  /** Instead of the metrics that the newest run compares. */
  metrics: readonly string[]
  /** Chance of a false change point, over all series together. */
  alpha: number
  seed: number
}

export interface HistoryChange {
  sweep: string
  scenario: string
  label: string
  metric: string
  unit: string
  /** Means of the runs of the regime before and of the one that begins here. */
  before: number
  after: number
  /** The first run after the change, and the commit that it was of. */
  run: string
  commit: string | null
  started_at: string
  p: number
}

export interface History {
  runs: number
  series: number
  changes: HistoryChange[]
  notes: string[]
}

/** Runs in a regime at the least; a change is seen once so many runs have followed it. */
export const FEWEST_IN_REGIME = 4

interface Series {
  runs: Recorded[]
  values: number[]
  sweep: string
  scenario: string
  label: string
  metric: string
  unit: string
  log: boolean
}

/** One series a sweep, machine, scenario and metric; one value a run. */
export function historyOf(runs: readonly Recorded[], options: HistoryOptions): History {
  const sorted = [...runs].sort((x, y) => (x.manifest.started_at < y.manifest.started_at ? -1 : 1))
  const groups = new Map<string, Recorded[]>()
  for (const run of sorted) {
    const { sweep, machine } = run.manifest
    const key = JSON.stringify([sweep.name, identityOf(machine)])
    groups.set(key, [...(groups.get(key) ?? []), run])
  }
  const notes: string[] = []
  for (const group of groups.values()) {
    if (group.length >= 2 * FEWEST_IN_REGIME) continue
    const { sweep, machine } = group[0]!.manifest
    notes.push(
      `${sweep.name} on ${machine.cpu_model}, Node ${machine.node}: ${group.length} runs; a change shows from ${2 * FEWEST_IN_REGIME} on`,
    )
  }
  const series = [...groups.values()]
    .flatMap((group) => seriesOf(group, options.metrics))
    .filter(({ values }) => values.length >= 2 * FEWEST_IN_REGIME)
  const alpha = options.alpha / Math.max(1, series.length)
  return {
    runs: runs.length,
    series: series.length,
    changes: series.flatMap((one) => changesIn(one, alpha, options.seed)),
    notes,
  }
}

function seriesOf(runs: readonly Recorded[], wanted: readonly string[]): Series[] {
  const newest = runs.at(-1)!.manifest
  const table = metricTable(
    newest.workload.metrics,
    runs.flatMap(({ trials }) => trials),
  )
  const names = wanted.length > 0 ? wanted : newest.sweep.compare.metrics
  const groups = runs.map(({ trials }) => groupByScenario(trials))
  return newest.sweep.scenarios.flatMap(({ id, label }) =>
    names.flatMap((name): Series[] => {
      const metric = table.get(name)
      if (metric === undefined) return []
      const points = runs.flatMap((run, index) => {
        const { values } = usableValues(metricValues(groups[index]!.get(id) ?? [], name))
        const log = metric.scale === 'log'
        const usable = log ? values.filter((value) => value > 0) : values
        if (usable.length === 0) return []
        return [{ run, value: log ? mean(usable.map(Math.log)) : mean(usable) }]
      })
      return [
        {
          runs: points.map(({ run }) => run),
          values: points.map(({ value }) => value),
          sweep: newest.sweep.name,
          scenario: id,
          label,
          metric: name,
          unit: metric.unit,
          log: metric.scale === 'log',
        },
      ]
    }),
  )
}

function changesIn(series: Series, alpha: number, seed: number): HistoryChange[] {
  const { runs, values, log } = series
  if (values.every((value) => value === values[0])) return []
  // The smallest p that so many shuffles can show lies well below alpha.
  const permutations = Math.ceil(2 / alpha)
  const found = changePoints(values, { seed, alpha, minSize: FEWEST_IN_REGIME, permutations })
  const level = (from: number, to: number) => {
    const centre = mean(values.slice(from, to))
    return log ? Math.exp(centre) : centre
  }
  return found.map(({ index, p }, k) => {
    const run = runs[index]!
    const { git, started_at } = run.manifest
    return {
      sweep: series.sweep,
      scenario: series.scenario,
      label: series.label,
      metric: series.metric,
      unit: series.unit,
      before: level(found[k - 1]?.index ?? 0, index),
      after: level(index, found[k + 1]?.index ?? values.length),
      run: run.path,
      commit: git === null ? null : `${git.commit.slice(0, 7)}${git.dirty ? ' and changes' : ''}`,
      started_at,
      p,
    }
  })
}
