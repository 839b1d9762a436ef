/** `stint data`: writes a generated data set to a file. */
import { count, formatNumber, generateData } from '../index.ts'
import type { Command } from './command.ts'
import { answer, tell } from './console.ts'
import { watched } from './signals.ts'

interface DataWords {
  preset: string
  rows: number
  seed: number
  out: string
}

export const dataCommand: Command<DataWords> = {
  builder: (yargs) =>
    yargs
      .positional('preset', { type: 'string', demandOption: true, describe: 'what to generate: nba2k' })
      .options({
        rows: { type: 'number', demandOption: true, describe: 'number of rows' },
        seed: { type: 'number', default: 42, describe: 'the same seed gives the same bytes' },
        out: { type: 'string', demandOption: true, describe: 'file to write' },
      }),
  handler: writeData,
}

async function writeData({ preset, rows, seed, out }: DataWords): Promise<void> {
  const written = await watched({ quiet: true, nothing: '; nothing was written' }, (hooks) =>
    generateData(preset, { rows, seed, out, ...hooks }),
  )
  if (written === null) return
  const { path, fingerprint, ceiling_r2 } = written
  const { columns, sha256 } = fingerprint
  tell(`${count(fingerprint.rows, 'row')}, ${count(columns.length, 'column')}, sha256 ${sha256}`)
  if (ceiling_r2 !== null)
    tell(`best reachable R2 (the noise-free salary on these rows): ${formatNumber(ceiling_r2, 4)}`)
  answer(path)
}
