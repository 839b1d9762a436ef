// Runs every test in its whole form: more kills, real scenarios by the hundred, lines of a gigabyte. Takes minutes.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
const { status } = spawnSync(process.execPath, [vitest, 'run', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, STINT_FULL: '1' },
})
process.exit(status ?? 1)
