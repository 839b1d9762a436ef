/** `stint data`: writes a generated data set to a file. */
import { existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { LocalExecutor } from '../execute/local/executor.ts'
import { count, formatNumber } from '../format.ts'
import { makeOwnedFolder, removeFolders } from '../ownership/leftovers.ts'
import { checkWritable } from '../record/run-folder.ts'
import { UserError } from '../user-error.ts'
import { userErrorFrom } from './complaint.ts'
import { answer, pass, tell } from './console.ts'
import type { Command } from './words.ts'

interface DataWords {
  preset: string
  rows: number
  seed: number
  out: string
}

export const dataCommand: Command<DataWords> = {
  builder: (yargs) =>
    yargs.positional('preset', { type: 'string', demandOption: true, describe: 'nba2k' }).options({
      rows: { type: 'number', demandOption: true, describe: 'data rows' },
      seed: { type: 'number', default: 42, describe: 'the same seed gives the same bytes' },
      out: { type: 'string', demandOption: true, describe: 'file to write' },
    }),
  handler: writeData,
}

async function writeData({ preset, rows, seed, out }: DataWords): Promise<void> {
  if (!Number.isSafeInteger(rows) || rows < 1)
    throw new UserError('--rows: expected a whole number of at least 1')
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new UserError('--seed: expected a whole number of at least 0')
  const target = resolve(out)
  if (existsSync(target) && statSync(target).isDirectory()) {
    throw new UserError(`${out}: is a folder; --out needs a file`)
  }
  checkWritable(dirname(target))
  if (!existsSync(dirname(target))) throw new UserError(`${dirname(target)}: no such folder`)
  // Beside the target, so that the last step is a rename: the file is there whole or not at all.
  removeFolders(dirname(target))
  const folder = makeOwnedFolder(dirname(target), true)
  const executor = new LocalExecutor({ onOutput: pass })
  try {
    const prepared = await executor.prepare({
      workload: 'pipeline',
      datasets: [{ kind: 'generate', preset, rows, seed }],
      data_dir: folder,
    })
    if (!prepared.ok) throw userErrorFrom(prepared.error)
    const dataset = prepared.datasets[0]!
    renameSync(dataset.path, target)
    const { fingerprint, ceiling_r2 } = dataset
    tell(
      `${count(fingerprint.rows, 'row')}, ${count(fingerprint.columns.length, 'column')}, sha256 ${fingerprint.sha256}`,
    )
    if (ceiling_r2 !== null)
      tell(`best reachable R2 (the noise-free salary on these rows): ${formatNumber(ceiling_r2, 4)}`)
    answer(target)
  } finally {
    await executor.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
