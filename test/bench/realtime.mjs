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

/** Handles each row in a fixed time, or in none, and keeps how long each step took. */
writeFileSync(
  join(folder, 'serve.mjs'),
  `import { writeFileSync } from 'node:fs'
export default {
  describe: () => ({ name: 'serve', dataset: 'none', metrics: {}, params: {
    ms: { type: 'number', default: 0, description: 'per row' },
    rate: { type: 'number', default: 0, description: 'of the events, to name the file of times by' },
  } }),
  open: ({ params, warmup }) => {
    const took = new Float64Array(params.ms > 0 ? 1e6 : 0)
    let steps = 0
    return {
      step({ rows }) {
        const start = performance.now()
        if (params.ms > 0) while (performance.now() < start + params.ms * rows);
        took[steps++] = performance.now() - start
        return { rows }
      },
      finish() {
        if (!warmup) writeFileSync(new URL('took-' + params.rate, import.meta.url), took.subarray(0, steps))
        return { metrics: {} }
      },
    }
  },
}
`,
)

/** As a step took it, in order, ms; of the trial at that rate that ran last. */
function tookAt(rate) {
  const bytes = readFileSync(join(folder, `took-${rate}`))
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
}

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
  const services = []
  const zero = performance.now()
  for (const time of times) {
    const left = zero + time - performance.now()
    if (left > 0) Atomics.wait(cell, 0, 0, left)
    const start = performance.now()
    waits.push(start - zero - time)
    const end = start + ms
    if (ms > 0) while (performance.now() < end);
    services.push(performance.now() - start)
  }
  const mean = waits.reduce((a, b) => a + b, 0) / count
  waits.sort((a, b) => a - b)
  console.log(JSON.stringify({ mean, p99: waits[Math.floor(0.99 * count)], services }))
}
`,
)

function bare(arrival, ms) {
  const words = [arrival, ARRIVALS_SEED, ms, seconds].map((word) => JSON.stringify(word))
  return JSON.parse(
    execFileSync(process.execPath, [join(folder, 'bare.mjs'), ...words], {
      encoding: 'utf8',
      maxBuffer: 1e9,
    }),
  )
}

/** Lindley's recursion over the arrivals that are played and the service times that they met: the mean wait where nothing is ever late. */
function lindley(arrival, services) {
  const drawn = new Float64Array(2 * arrival.rate * seconds)
  arrivalsOf(arrival, ARRIVALS_SEED).draw(drawn)
  let [sum, free] = [0, 0]
  for (const [i, service] of services.entries()) {
    const start = Math.max(drawn[i], free)
    sum += start - drawn[i]
    free = start + service
  }
  return sum / services.length
}

/** Pollaczek and Khinchine: the mean wait of Poisson arrivals for a service of any distribution. */
function pollaczek(rate, services) {
  const perMs = rate / 1000
  const squares = mean(services.map((service) => service * service))
  return (perMs * squares) / (2 * (1 - perMs * mean(services)))
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
const deviation = (values) => {
  const middle = mean(values)
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)))
}
const table = (heads, rows) =>
  [heads, heads.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')

try {
  const rateOf = (load, ms) => (load * 1000) / ms
  const played = SERVICES_MS.map(() => ({ stint: [], bare: LOADS.map(() => []) }))
  const bareIdle = []
  for (let round = 0; round < rounds; round++) {
    for (const [index, ms] of SERVICES_MS.entries()) {
      const own = played[index]
      const stint = () => {
        for (const load of LOADS) {
          const rate = rateOf(load, ms)
          const [trial] = run({ chunk_size: 1, params: { ms, rate }, arrival: { pattern: 'poisson', rate } })
          // What Stint does between two steps keeps the server busy as well.
          const between = trial.latency_mean_ms - trial.service_mean_ms
          const services = Array.from(tookAt(rate), (took) => took + between)
          own.stint.push({ rate, wait: trial.event_wait_mean_ms, between, services })
        }
      }
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
      // Of the arrivals and with the service times as they were, so that their own chance does not count.
      const theory = mean(trials.map(({ services }) => lindley({ pattern: 'poisson', rate }, services)))
      const without = mean(others.map(({ services }) => lindley({ pattern: 'poisson', rate }, services)))
      const measured = mean(trials.map(({ wait }) => wait))
      const control = mean(others.map((other) => other.mean))
      const all = trials.flatMap(({ services }) => services)
      return [
        ms,
        load,
        ((load * ms) / (2 * (1 - load))).toFixed(3),
        `${mean(all).toFixed(3)} +- ${deviation(all).toFixed(3)}`,
        (mean(trials.map(({ between }) => between)) * 1000).toFixed(0),
        mean(trials.map(({ services }) => pollaczek(rate, services))).toFixed(3),
        theory.toFixed(3),
        `${measured.toFixed(3)} (${apart(measured, theory)})`,
        `${control.toFixed(3)} (${apart(control, without)})`,
      ]
    }),
  )
  /** CPU of a trial with an empty workload, share of a core. */
  const costOf = (keys) =>
    run({ benchmark_runs: rounds, ...keys }).map(({ cpu_s, wall_s, answered_share, chunks }) => ({
      share: cpu_s / wall_s,
      answered: answered_share,
      perS: chunks / wall_s,
    }))
  const costs = []
  for (const pattern of ['poisson', 'constant'])
    for (const [max_wait_ms, chunk_size] of [
      [1, 4096],
      [10, 16384],
    ]) {
      const few = costOf({ chunk_size, max_wait_ms, arrival: { pattern, rate: 5000 } })
      const many = costOf({ chunk_size, max_wait_ms, arrival: { pattern, rate: 1_000_000 } })
      const [low, high] = [few, many].map((trials) => mean(trials.map(({ share }) => share)))
      costs.push([
        pattern,
        max_wait_ms,
        mean(many.map(({ perS }) => perS)).toFixed(0),
        high.toFixed(3),
        low.toFixed(3),
        ((high - low) * 1000).toFixed(0),
        `${(mean(many.map(({ answered }) => answered)) * 100).toFixed(2)}%`,
      ])
    }
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
          'service as measured (ms)',
          'of it between steps (us)',
          'Pollaczek-Khinchine with these (ms)',
          'Lindley with these (ms)',
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
        [
          'arrivals',
          '`max_wait_ms`',
          'steps per second',
          'share of a core at 1,000,000 events/s',
          'at 5,000 events/s',
          'apart, ns per event',
          'answered',
        ],
        costs,
      ),
      '',
      table(
        ['what', 'measured'],
        [
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
