// The checks in a guest with systemd and cgroup version 2: node scripts/test-vm.mjs [--record] [NAME...]
// NAME is a check of test/vm/checks.ts, or how several begin. --record writes what was found to docs/evidence/guest.md.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const words = process.argv.slice(2)
const names = words.filter((word) => !word.startsWith('--'))
const unknown = words.find((word) => word.startsWith('--') && word !== '--record')
if (unknown !== undefined) {
  console.error(`unknown option ${unknown}; usage: npm run test:vm -- [--record] [NAME...]`)
  process.exit(2)
}
const vitest = fileURLToPath(new URL('vitest.mjs', import.meta.resolve('vitest/package.json')))
const env = {
  ...process.env,
  STINT_VM_ONLY: names.join(' '),
  ...(words.includes('--record') && { STINT_VM_RECORD: '1' }),
}
const { status } = spawnSync(process.execPath, [vitest, 'run', '--config', 'test/vm/vitest.config.ts'], {
  stdio: 'inherit',
  env,
})
process.exit(status ?? 1)
