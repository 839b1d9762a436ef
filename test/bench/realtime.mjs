/**
 * The open loop against theory and against a bare loop, what it costs, and how late its waits end. Rewrites the tables in
 * docs/evidence/realtime.md, with the machine's load beside them: it must be quiet, since others' work makes events wait.
 *
 *   npm run build && node test/bench/realtime.mjs [seconds=20] [rounds=3] [services=2,10]
 */

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { arrivalsOf } from '../../build/workers/drive/arrivals.js'
import { rewriteBetween } from './markers.mjs'

const [seconds = 20, rounds = 3] = process.argv.slice(2).map(Number)
/** Of one event: the one that is asked about, and one beside which a machine's late wakes are small. */
const SERVICES_MS = (process.argv[4] ?? '2,10').split(',').map(Number)
const SEED = 1
/** Of the arrivals in a run's first round. */
const ARRIVALS_SEED = SEED + 2 ** 32
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

/** The same arrivals, waits and work in a worker thread without Stint: what the machine itself makes of them. */
writeFileSync(
  join(folder, 'bare.mjs'),
  `import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { arrivalsOf } from ${JSON.stringify(new URL('../../build/workers/drive/arrivals.js', import.meta.url).href)}

if (isMainThread) new Worker(new URL(import.meta.url), { workerData: process.argv.slice(2).map(JSON.parse) })
else {
  const [arrival, seed, ms, seconds] = workerData
  const drawn = new Float64Array(2 * arrival.rate * seconds)
  arrivalsOf(arrival, seed).draw(drawn)
  const times = drawn.filter((time) => time < 1000 * seconds)
  const count = times.length
  const cell = new Int32Array(new SharedArrayBuffer(4))
  const waits = []
  let served = 0
  const zero = performance.now()
  for (const time of times) {
    const left = zero + time - performance.now()
    if (left > 0) Atomics.wait(cell, 0, 0, left)
    const start = performance.now()
    waits.push(start - zero - time)
    const end = start + ms
    if (ms > 0) while (performance.now() < end);
    served += performance.now() - start
  }
  const mean = waits.reduce((a, b) => a + b, 0) / count
  waits.sort((a, b) => a - b)
  console.log(JSON.stringify({ mean, p99: waits[Math.floor(0.99 * count)], service: served / count }))
}
`,
)

function bare(arrival, ms) {
  const words = [arrival, ARRIVALS_SEED, ms, seconds].map((word) => JSON.stringify(word))
  return JSON.parse(
    execFileSync(process.execPath, [join(folder, 'bare.mjs'), ...words], { encoding: 'utf8' }),
  )
}

/** Lindley's recursion over the arrivals that are played: the mean wait where nothing is ever late. */
function lindley(arrival, ms) {
  const drawn = new Float64Array(2 * arrival.rate * seconds)
  arrivalsOf(arrival, ARRIVALS_SEED).draw(drawn)
  const times = drawn.filter((time) => time < 1000 * seconds)
  let [sum, free] = [0, 0]
  for (const time of times) {
    const start = Math.max(time, free)
    sum += start - time
    free = start + ms
  }
  return sum / times.length
}

/** Metrics of each trial of a sweep, by the rate asked for. */
function run(keys) {
  loads.push(loadavg()[0])
  const path = join(folder, 'sweep.yaml')
  const sweep = {
    name: 'bench',
    workload: './serve.mjs',
    mode: 'realtime',
    duration_s: seconds,
    random_seed: SEED,
    benchmark_runs: 1,
    chunk_log: 'none',
  }
  writeFileSync(path, JSON.stringify({ ...sweep, ...keys }))
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
  const rateOf = (load, ms) => (load * 1000) / ms
  const played = SERVICES_MS.map(() => ({ stint: [], bare: LOADS.map(() => []) }))
  const bareIdle = []
  for (let round = 0; round < rounds; round++) {
    for (const [index, ms] of SERVICES_MS.entries()) {
      const own = played[index]
      const stint = () =>
        own.stint.push(
          ...run({
            chunk_size: 1,
            params: { ms },
            arrival: { pattern: 'poisson' },
            grid: { 'arrival.rate': LOADS.map((load) => rateOf(load, ms)) },
          }),
        )
      if (round % 2 === 0) stint()
      for (const [at, load] of LOADS.entries())
        own.bare[at].push(bare({ pattern: 'poisson', rate: rateOf(load, ms) }, ms))
      if (round % 2 === 1) stint()
    }
    bareIdle.push(bare({ pattern: 'constant', rate: 500 }, 0))
  }
  const apart = (measured, theory) =>
    `${measured >= theory ? '+' : ''}${((measured / theory - 1) * 100).toFixed(1)}%`
  const waits = SERVICES_MS.flatMap((ms, index) =>
    LOADS.map((load, at) => {
      const rate = rateOf(load, ms)
      const trials = played[index].stint.filter((trial) => trial.rate === rate)
      const others = played[index].bare[at]
      // Of the arrivals and with the service time as they were, so that the schedule's own chance does not count.
      const theoryOf = (services) =>
        mean(services.map((service) => lindley({ pattern: 'poisson', rate }, service)))
      const theory = theoryOf(trials.map(({ latency_mean_ms: busy }) => busy))
      const without = theoryOf(others.map(({ service }) => service))
      const measured = mean(trials.map(({ event_wait_mean_ms: wait }) => wait))
      const control = mean(others.map((other) => other.mean))
      return [
        ms,
        load,
        ((load * ms) / (2 * (1 - load))).toFixed(3),
        theory.toFixed(3),
        `${measured.toFixed(3)} (${apart(measured, theory)})`,
        `${control.toFixed(3)} (${apart(control, without)})`,
      ]
    }),
  )
  const empty = run({
    benchmark_runs: rounds,
    chunk_size: 4096,
    max_wait_ms: 1,
    arrival: { pattern: 'poisson', rate: 1_000_000 },
  })
  const cost = mean(empty.map(({ cpu_s, wall_s }) => cpu_s / wall_s))
  const idle = run({ benchmark_runs: rounds, chunk_size: 1, arrival: { pattern: 'constant', rate: 500 } })
  const late = (name) => mean(idle.map((metrics) => metrics[name])).toFixed(3)
  const conditions = `${cpus()[0].model}, ${cpus().length} cores, Node ${process.versions.node}; ${rounds} trials of ${seconds} s each; load average ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}.`
  rewriteBetween(
    document,
    'waits',
    [
      conditions,
      '',
      table(
        [
          'service (ms)',
          'load',
          'formula (ms)',
          'Lindley, these arrivals (ms)',
          'mean wait (ms)',
          'bare loop, mean wait (ms)',
        ],
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
          [
            'the same in a bare loop, mean (ms late)',
            mean(bareIdle.map(({ mean: late }) => late)).toFixed(3),
          ],
          ['99th percentile (ms late)', mean(bareIdle.map(({ p99 }) => p99)).toFixed(3)],
        ],
      ),
    ].join('\n'),
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
