/**
 * The open loop against theory, what it costs, and how late its waits end. Rewrites the tables in
 * docs/evidence/realtime.md, with the machine's load beside them: it must be quiet, since others' work makes events wait.
 *
 *   npm run build && node test/bench/realtime.mjs [seconds=20] [rounds=3]
 */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rewriteBetween } from './markers.mjs'

const [seconds = 20, rounds = 3] = process.argv.slice(2).map(Number)
const SERVICE_MS = 2
const LOADS = [0.3, 0.5, 0.7, 0.9]
const MAIN = fileURLToPath(new URL('../../dist/harness/cli/main.js', import.meta.url))
const document = fileURLToPath(new URL('../../docs/evidence/realtime.md', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'stint-bench-realtime-'))
const loads = []

/** Handles each row in a fixed time, or in none. */
writeFileSync(
  join(folder, 'serve.mjs'),
  `export default {
  describe: () => ({ name: 'serve', dataset: 'none', metrics: {}, params: { ms: { type: 'number', default: 0, description: 'per row' } } }),
  open: ({ params }) => ({
    step({ rows }) {
      const end = performance.now() + params.ms * rows
      if (params.ms > 0) while (performance.now() < end);
      return { rows }
    },
    finish: () => ({ metrics: {} }),
  }),
}
`,
)

/** Metrics of each trial of a sweep, by the rate asked for. */
function run(keys) {
  loads.push(loadavg()[0])
  const path = join(folder, 'sweep.yaml')
  const sweep = {
    name: 'bench',
    workload: './serve.mjs',
    mode: 'realtime',
    duration_s: seconds,
    chunk_log: 'none',
  }
  writeFileSync(path, JSON.stringify({ ...sweep, benchmark_runs: rounds, ...keys }))
  const words = [MAIN, 'run', path, '--out', join(folder, 'out'), '--quiet', '--export', 'csv']
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  const out = stdout.trim().split('\n').at(-1)
  const { sweep: made } = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8'))
  const rates = new Map(made.scenarios.map(({ id, point }) => [id, point['arrival.rate']]))
  const lines = readFileSync(join(out, 'trials.jsonl'), 'utf8').trim().split('\n')
  return lines.map((line) => {
    const { scenario, metrics, outcome } = JSON.parse(line)
    if (outcome !== 'ok') throw new Error(line)
    return { rate: rates.get(scenario), ...metrics }
  })
}

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length
const table = (heads, rows) =>
  [heads, heads.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')

try {
  const queue = run({
    chunk_size: 1,
    params: { ms: SERVICE_MS },
    arrival: { pattern: 'poisson' },
    grid: { 'arrival.rate': LOADS.map((load) => (load * 1000) / SERVICE_MS) },
  })
  const waits = LOADS.map((load) => {
    const trials = queue.filter(({ rate }) => rate === (load * 1000) / SERVICE_MS)
    // The load and the service as they were, so that the schedule's own chance and the loop's overhead do not count.
    const theory = mean(
      trials.map(({ offered_rows_s: rate, service_mean_ms: service }) => {
        const rho = (rate * service) / 1000
        return (rho * service) / (2 * (1 - rho))
      }),
    )
    const measured = mean(trials.map(({ event_wait_mean_ms: wait }) => wait))
    const asked = (load * SERVICE_MS) / (2 * (1 - load))
    return [
      load,
      asked.toFixed(3),
      theory.toFixed(3),
      measured.toFixed(3),
      `${((measured / theory - 1) * 100).toFixed(1)}%`,
    ]
  })
  const empty = run({ chunk_size: 4096, max_wait_ms: 1, arrival: { pattern: 'poisson', rate: 1_000_000 } })
  const cost = mean(empty.map(({ cpu_s, wall_s }) => cpu_s / wall_s))
  const idle = run({ chunk_size: 1, arrival: { pattern: 'constant', rate: 500 } })
  const late = (name) => mean(idle.map((metrics) => metrics[name])).toFixed(3)
  const conditions = `${cpus()[0].model}, ${cpus().length} cores, Node ${process.versions.node}; ${rounds} trials of ${seconds} s each; load average ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}.`
  rewriteBetween(
    document,
    'waits',
    [
      conditions,
      '',
      table(
        ['load', 'theory as asked (ms)', 'theory at the load that came (ms)', 'mean wait (ms)', 'apart'],
        waits,
      ),
    ].join('\n'),
  )
  rewriteBetween(
    document,
    'cost',
    [
      conditions,
      '',
      table(
        ['what', 'measured'],
        [
          [
            'CPU of a trial with an empty workload at a million events a second, share of a core',
            cost.toFixed(3),
          ],
          [
            'of these, events answered',
            `${(mean(empty.map(({ answered_share }) => answered_share)) * 100).toFixed(2)}%`,
          ],
          ['an event after a wait of 2 ms, mean (ms late)', late('event_wait_mean_ms')],
          ['99th percentile (ms late)', late('event_latency_p99_ms')],
        ],
      ),
    ].join('\n'),
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
