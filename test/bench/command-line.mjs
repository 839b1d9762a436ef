/** How long `stint pipeline` takes with the words of the project whose command line it keeps: 16 trials of 439 rows. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../dist/harness/cli/main.js', import.meta.url))
export const ROWS = 439
const WORDS =
  '--chunk-size 128 --batch-size 256 --max-memory-mb 512 --max-compute-units 0.5 --benchmark-runs 5 --n-jobs 2 --spill-to-disk'

/**
 * @param input CSV that the command reads
 * @param folder for what it writes, which is removed
 * @returns seconds from its start to its end
 */
export function runCommandLine(input, folder) {
  const output = mkdtempSync(join(folder, 'out-'))
  const words = [MAIN, 'pipeline', '--input', input, '--output-dir', output, ...WORDS.split(' ')]
  const started = performance.now()
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' })
  const seconds = (performance.now() - started) / 1000
  rmSync(output, { recursive: true })
  if (status !== 0) throw new Error(`stint pipeline failed:\n${stderr}`)
  return { seconds }
}
