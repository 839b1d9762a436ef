/**
 * The picture of events in real time in README.md and docs/guides/realtime.md: runs the shipped sweep as it stands and puts
 * its picture into docs/images/.
 *
 *   npm run build && node test/bench/realtime-picture.mjs [--write]
 *
 * Meant for a quiet machine: what others do there makes events wait. Without `--write` the numbers are only printed; the
 * sentences beside the picture in the guide are of these, and are to be read again after `--write`.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } })
const out = mkdtempSync(join(tmpdir(), 'stint-realtime-'))
try {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['dist/harness/cli/main.js', 'run', 'scenarios/realtime.yaml', '--out', out],
    { cwd: ROOT, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' } },
  )
  if (status !== 0) throw new Error(`the sweep ended with ${status}: ${stderr}`)
  const { scenarios } = JSON.parse(readFileSync(join(stdout.trim(), 'reports/report.json'), 'utf8'))
  for (const { label, metrics } of scenarios) {
    const [p50, p99, sustained] = ['event_latency_p50_ms', 'event_latency_p99_ms', 'sustained'].map(
      (name) => metrics[name]?.value?.toPrecision(3) ?? 'not known',
    )
    console.log(`${label}: p50 ${p50} ms, p99 ${p99} ms, sustained ${sustained}`)
  }
  if (values.write)
    copyFileSync(join(stdout.trim(), 'benchmarks/load.png'), join(ROOT, 'docs/images/realtime.png'))
} finally {
  rmSync(out, { recursive: true, force: true })
}
