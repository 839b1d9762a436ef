/** Changes in a metric over many runs: which run was the first after each. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { changePoints } from '../analyse/change-point.ts'
import { mean } from '../analyse/descriptive.ts'
import { groupByScenario, metricValues, resumedByForce, usableValues } from '../analyse/values.ts'
import { metricTable } from '../metrics.ts'
import { METRICS_LISTED, refuseUnknown } from '../nearest.ts'
import { identityOf } from '../record/compatibility.ts'
import { MANIFEST_FILE } from '../record/manifest.ts'
import { openRun, type RecordedRun } from '../record/open-run.ts'
import { UserError } from '../user-error.ts'
import type { History, HistoryChange } from './types.ts'

/** What is looked at of a recorded run. */
export type Recorded = Pick<RecordedRun, 'path' | 'manifest' | 'trials'>

export interface HistoryOptions {
  /** Instead of the metrics that the newest run compares. */
  metrics: readonly string[]
  /** Chance of a false change point, over all series together. */
  alpha: number
  seed: number
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
  compared_by: HistoryChange['compared_by']
  log: boolean
}

/**
 * The history of all runs in folders below `dir`, each once.
 * @throws {UserError} where there is none that has ended, or none has a metric that is asked for
 */
export function historyBelow(dir: string, options: HistoryOptions): History {
  const { runs, notes } = runsBelow(dir)
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
function runsBelow(dir: string): { runs: RecordedRun[]; notes: string[] } {
  if (!existsSync(dir)) throw new UserError(`${dir}: no such folder`)
  const runs = new Map<string, RecordedRun>()
  const notes: string[] = []
  for (const path of foldersWithRuns(dir).sort()) {
    try {
      const run = openRun(path)
      const { id, finished_at } = run.manifest
      if (finished_at === null || runs.has(id)) continue
      if (resumedByForce(run.trials).length > 0) {
        notes.push(
          `left out: ${path}: it was resumed with --force, under other conditions than it began with`,
        )
        continue
      }
      runs.set(id, run)
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
          compared_by: metric.signed === true ? 'difference' : 'ratio',
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
      compared_by: series.compared_by,
      before: level(found[k - 1]?.index ?? 0, index),
      after: level(index, found[k + 1]?.index ?? values.length),
      run: run.path,
      commit: git === null ? null : `${git.commit.slice(0, 7)}${git.dirty ? ' and changes' : ''}`,
      started_at,
      p,
    }
  })
}
