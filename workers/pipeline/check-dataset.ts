/** Finds bad input before any trial does. */
import type { PreparedDataset, Scalar } from '../contract.ts'
import { pipelineParams } from './describe.ts'
import { DataError, type OpenReader } from './ingest/columns.ts'
import { CHOICES, checkTarget, chosenLearner, type TargetInfo } from './learn/options.ts'
import { type Plan, taskOf } from './plan.ts'
import { planFor } from './plan-for.ts'

const CHUNK_ROWS = 4096

/**
 * Reads all rows that a trial would read; notes for the user. Throws as `PipelineWorkload.checkDataset` says.
 * @param uses parameters of the trials that use the data set
 */
export async function checkDataset(
  dataset: PreparedDataset,
  open: OpenReader,
  uses: readonly Readonly<Record<string, Scalar>>[],
): Promise<string[]> {
  const plan = await planFor(dataset, 'rich')
  const task = taskOf(plan)
  checkUses(uses, { name: plan.target, task, classes: null })
  let labels: readonly string[] = []
  const reader = await open(dataset.path, plan.specs, { rows: dataset.rows })
  let withoutTarget = 0
  let rows = 0
  try {
    for (;;) {
      const chunk = await reader.read(CHUNK_ROWS)
      if (chunk === null) break
      rows += chunk.rows
      const target = chunk.columns.find((column) => column.name === plan.target)
      if (target === undefined) continue
      if (target.kind === 'category') {
        labels = target.dictionary
        for (let row = 0; row < chunk.rows; row += 1) if (target.codes[row]! < 0) withoutTarget += 1
        continue
      }
      for (let row = 0; row < chunk.rows; row += 1) if (Number.isNaN(target.values[row]!)) withoutTarget += 1
    }
  } catch (error) {
    if (dataset.preset === null) adviseOnType(error, plan)
    throw error
  } finally {
    await reader.close()
  }
  if (withoutTarget === rows) throw new Error(`${dataset.path}: no row has a value for "${plan.target}"`)
  if (task === 'classification') {
    if (labels.length === 1) {
      throw new Error(
        `${dataset.path}: every row has the label "${labels[0]}": there is nothing to tell apart`,
      )
    }
    checkUses(uses, { name: plan.target, task, classes: labels.length })
  }
  const notes = [...plan.notes]
  if (withoutTarget > 0) {
    notes.push(`${withoutTarget} of ${rows} rows have no ${plan.target}: they are skipped and counted`)
  }
  return notes
}

/** A type that was inferred from the first rows can be overridden; the target's cannot. */
function adviseOnType(error: unknown, plan: Plan): void {
  if (!(error instanceof DataError) || error.column === undefined) return
  const otherwise =
    error.column === plan.target ? '' : `, or set dataset.columns.${error.column} to category or drop`
  error.message += `; mend the value${otherwise}`
}

/** What the sweep itself refuses, such as an unknown learner, is left to it: it knows the line. */
function checkUses(uses: readonly Readonly<Record<string, Scalar>>[], target: TargetInfo): void {
  for (const use of uses) {
    const params = pipelineParams(use)
    if (!CHOICES.includes(params.learner)) continue
    checkTarget(params.learner, target)
    try {
      chosenLearner(params)
    } catch (error) {
      throw new Error(`params: ${(error as Error).message}`, { cause: error })
    }
  }
}
