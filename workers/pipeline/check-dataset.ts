/** Finds bad input before any trial does. */
import type { PreparedDataset } from '../contract.ts'
import { DataError, type OpenReader } from './ingest/columns.ts'
import type { Plan } from './plan.ts'
import { planFor } from './plan-for.ts'

const CHUNK_ROWS = 4096

/** Reads all rows that a trial would read; notes for the user. Throws as `PipelineWorkload.checkDataset` says. */
export async function checkDataset(dataset: PreparedDataset, open: OpenReader): Promise<string[]> {
  const plan = await planFor(dataset, 'rich')
  const reader = await open(dataset.path, plan.specs, { rows: dataset.rows })
  let withoutTarget = 0
  let rows = 0
  try {
    for (;;) {
      const chunk = await reader.read(CHUNK_ROWS)
      if (chunk === null) break
      rows += chunk.rows
      const target = chunk.columns.find((column) => column.name === plan.target)
      if (target === undefined || target.kind === 'category') continue
      for (let row = 0; row < chunk.rows; row += 1) if (Number.isNaN(target.values[row]!)) withoutTarget += 1
    }
  } catch (error) {
    if (dataset.preset === null) adviseOnType(error, plan)
    throw error
  } finally {
    await reader.close()
  }
  if (withoutTarget === rows) throw new Error(`${dataset.path}: no row has a value for "${plan.target}"`)
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
