/** `stint history`: when did a metric change, over many runs? */

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { resumedByForce } from '../analyse/values.ts'
import { count, formatMetric, formatP } from '../format.ts'
import { type HistoryChange, historyOf } from '../gate/history.ts'
import { metricTable } from '../metrics.ts'
import { didYouMean, METRICS_LISTED, namesHint } from '../nearest.ts'
import { MANIFEST_FILE } from '../record/manifest.ts'
import { openRun, type RecordedRun } from '../record/open-run.ts'
import { safeJson } from '../report/render/json.ts'
import { metricName, plain, ratioText } from '../report/words.ts'
import { UserError } from '../user-error.ts'
import { answer, tell } from './console.ts'
import type { Command } from './words.ts'

interface HistoryWords {
  dir: string
  metric: string[]
  alpha: number
  seed: number
  json: boolean
}

export const historyCommand: Command<HistoryWords> = {
  builder: (yargs) =>
    yargs
      .positional('dir', { type: 'string', demandOption: true, describe: 'folder with run folders below' })
      .options({
        metric: {
          type: 'string',
          array: true,
          nargs: 1,
          default: [],
          describe: 'instead of the metrics that the newest run compares',
        },
        alpha: {
          type: 'number',
          default: 0.05,
          describe: 'chance of a change that is none, over all series',
        },
        seed: { type: 'number', default: 42, describe: 'of the permutation test' },
        json: { type: 'boolean', default: false, describe: 'one JSON object on stdout' },
      }),
  handler: history,
}

function history({ dir, metric, alpha, seed, json }: HistoryWords): void {
  if (!(alpha > 0 && alpha < 1)) throw new UserError('--alpha: expected a number between 0 and 1')
  const runs = runsBelow(dir)
  if (runs.length === 0) {
    throw new UserError(
      `${dir}: holds no run that has ended`,
      'give the folder that "stint run" writes to, such as results',
    )
  }
  refuseUnknown(metric, runs)
  const found = historyOf(runs, { metrics: metric, alpha, seed })
  if (json) {
    answer(safeJson(found))
    return
  }
  const { changes, series, notes } = found
  answer(
    series === 0
      ? `${count(found.runs, 'run')}: too few to find a change`
      : `${count(found.runs, 'run')}, ${series} series: ${changes.length === 0 ? 'no change' : count(changes.length, 'change')} found`,
  )
  for (const change of changes) answer(sentence(change))
  for (const note of notes) tell(`note: ${plain(note)}`)
}

function sentence(change: HistoryChange): string {
  const { before, after, unit, label, metric, sweep, run, commit, started_at, p } = change
  const size = before > 0 && after > 0 ? ` (${ratioText(after / before, null, null)})` : ''
  const first = commit === null ? run : `${run}, commit ${commit}`
  return plain(
    `- ${metricName(metric)} of ${sweep} ${label}: ${formatMetric(before, unit)} → ${formatMetric(after, unit)}${size} from ${started_at.slice(0, 16)} on, first run ${first}; p ${formatP(p)}`,
  )
}

/** Each run once: `latest` is a link to one, and a copy of one where an artefact was unpacked. */
function runsBelow(dir: string): RecordedRun[] {
  if (!existsSync(dir)) throw new UserError(`${dir}: no such folder`)
  const runs = new Map<string, RecordedRun>()
  for (const path of foldersWithRuns(dir).sort()) {
    try {
      const run = openRun(path)
      const { id, finished_at } = run.manifest
      if (finished_at === null || runs.has(id)) continue
      if (resumedByForce(run.trials).length > 0) {
        tell(
          `note: left out: ${path}: it was resumed with --force, under other conditions than it began with`,
        )
        continue
      }
      runs.set(id, run)
      for (const note of run.notes) tell(`note: ${plain(`${path}: ${note}`)}`)
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      tell(`note: left out: ${plain(error.message.split('\n')[0] ?? '')}`)
    }
  }
  return [...runs.values()]
}

function foldersWithRuns(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true })
  if (entries.some(({ name }) => name === MANIFEST_FILE)) return [folder]
  return entries
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => foldersWithRuns(join(folder, name)))
}

function refuseUnknown(metrics: readonly string[], runs: readonly RecordedRun[]): void {
  const known = new Set(
    runs.flatMap(({ manifest, trials }) => [...metricTable(manifest.workload.metrics, trials).keys()]),
  )
  const unknown = metrics.find((name) => !known.has(name))
  if (unknown === undefined) return
  throw new UserError(
    `--metric ${unknown}: no run has such a metric${didYouMean(unknown, known)}`,
    namesHint('metrics', unknown, known, METRICS_LISTED),
  )
}
