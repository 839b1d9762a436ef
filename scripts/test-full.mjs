// Every test in its full form, one file at a time, since several measure: node scripts/test-full.mjs [VITEST WORDS]
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** A busy machine makes a file of 1 GB take long. */
const LIMIT_MS = 600_000
const vitest = fileURLToPath(new URL('vitest.mjs', import.meta.resolve('vitest/package.json')))
const { status } = spawnSync(
  process.execPath,
  [
    vitest,
    'run',
    '--no-file-parallelism',
    `--testTimeout=${LIMIT_MS}`,
    `--hookTimeout=${LIMIT_MS}`,
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit', env: { ...process.env, STINT_FULL: '1' } },
)
process.exit(status ?? 1)
