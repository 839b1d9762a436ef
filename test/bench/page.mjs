/**
 * How large the page of a report is and how quickly it answers, with 2 to 2,000 scenarios, in headless Chromium.
 *
 *   npm run build && node test/bench/page.mjs [--scenarios 2,20,100,200,2000] [--rounds 5] [--write]
 *
 * The runs are made up, three trials of a scenario and a chunk log of the first, and go the way of measured ones: run
 * folder, model, page. First paint is the browser's own reading, from the start of loading the file; drawn is when every
 * table is there; a filter is from the click on a box until the browser has painted what is in sight, and until every table
 * and picture of the page has followed and was painted, the largest of several. Medians over the rounds, each in a fresh
 * browser context. `--write` puts the table into docs/evidence/report.md.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { report } from '../../build/harness/index.js'
import { runSweep } from '../../build/harness/session/run.js'
import { loadSweep } from '../../build/harness/sweep/load.js'
import { NO_OWN_LIMITS } from '../../build/workers/protocol/supervisor.js'
import { rewriteBetween } from './markers.mjs'

const CHROMIUM = '/usr/bin/chromium'
const DOCUMENT = fileURLToPath(new URL('../../docs/evidence/report.md', import.meta.url))
const CHUNKS = 200

const { values } = parseArgs({
  options: {
    scenarios: { type: 'string', default: '2,20,100,200,2000' },
    rounds: { type: 'string', default: '5' },
    write: { type: 'boolean', default: false },
  },
})
const folder = mkdtempSync(join(tmpdir(), 'stint-page-bench-'))
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
const lines = [
  `Measured ${new Date().toISOString().slice(0, 10)} on ${cpus().length} cores (${cpus()[0].model.trim()}), Node ${process.versions.node}, Chromium ${browser.version()}: median of ${values.rounds} loads, one-minute load ${loadavg()[0].toFixed(1)} at the start.`,
  '',
  '| scenarios | page, KB | report.json, KB | made in, s | first paint, ms | drawn, ms | filter, in sight, ms | filter, all of the page, ms |',
  '|---|---|---|---|---|---|---|---|',
]
try {
  for (const scenarios of values.scenarios.split(',').map(Number)) {
    const run = await madeUp(scenarios)
    const started = performance.now()
    const { files } = await report(run, [
      { format: 'html', to: null },
      { format: 'json', to: null },
    ])
    const seconds = (performance.now() - started) / 1000
    if (files.problems.length > 0) throw files.problems[0].error
    const [page, json] = ['html', 'json'].map((ending) => join(run, 'reports', `report.${ending}`))
    const readings = []
    for (let round = 0; round < Number(values.rounds); round++) readings.push(await reading(page))
    const median = (key) => readings.map((one) => one[key]).sort((a, b) => a - b)[readings.length >> 1]
    const cells = [
      ...[scenarios, kb(page), kb(json), seconds.toFixed(1)],
      ...['painted', 'drawn', 'filtered', 'followed'].map((key) => Math.round(median(key))),
    ]
    lines.push(`| ${cells.join(' | ')} |`)
    console.error(lines.at(-1))
  }
} finally {
  await browser.close()
  rmSync(folder, { recursive: true, force: true })
}
const text = lines.join('\n')
console.log(text)
if (values.write) rewriteBetween(DOCUMENT, 'page', text)

function kb(file) {
  return Math.round(statSync(file).size / 1000).toLocaleString('en-US')
}

async function reading(file) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } })
  const page = await context.newPage()
  await page.goto(pathToFileURL(file).href, { waitUntil: 'commit' })
  await page.waitForSelector('html[data-drawn]')
  const { painted, drawn } = await page.evaluate(() => ({
    painted: performance.getEntriesByName('first-contentful-paint')[0].startTime,
    drawn: performance.getEntriesByName('drawn')[0].startTime,
  }))
  // With every picture there, which a filter has to follow.
  await page.waitForFunction(() =>
    [...document.querySelectorAll('.drawing')].every((drawing) => drawing.querySelector('svg') !== null),
  )
  await page.waitForTimeout(300)
  const times = await page.evaluate(async () => {
    const times = { filtered: [], followed: [] }
    const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))
    for (const box of document.querySelectorAll('.filters fieldset .box:first-child input')) {
      for (let click = 0; click < 2; click++) {
        await painted()
        const start = performance.now()
        box.click()
        await painted()
        // Again, since what follows the choice may be left to the time after a first picture.
        await painted()
        times.filtered.push(performance.now() - start)
        while (document.querySelector('.following[aria-busy]') !== null) await painted()
        await painted()
        times.followed.push(performance.now() - start)
      }
    }
    return times
  })
  const [filtered, followed] = [Math.max(...times.filtered), Math.max(...times.followed)]
  await context.close()
  return { painted, drawn, filtered, followed }
}

// ---------------------------------------------------------------- runs that nobody measured

/** @returns a run folder with so many scenarios */
async function madeUp(scenarios) {
  const units = scenarios === 2 ? [1] : [0.1, 0.25, 0.5, 1]
  const sizes = scenarios <= 20 ? [64] : [8, 16, 32, 64, 128]
  const chunks = Math.ceil(scenarios / units.length / sizes.length)
  const sweep = join(folder, `s${scenarios}.yaml`)
  writeFileSync(
    sweep,
    JSON.stringify({
      name: `page-${scenarios}`,
      workload: 'pipeline',
      dataset: { generate: 'nba2k', rows: 1000 },
      grid: {
        chunk_size: Array.from({ length: chunks }, (_, i) => 16 * (i + 1)),
        batch_size: sizes,
        max_compute_units: units,
      },
      benchmark_runs: 3,
      compare: { reference: { max_compute_units: 1, ...(scenarios === 2 && { chunk_size: 16 }) } },
    }),
  )
  const { folder: run } = await runSweep(loadSweep(sweep), executor(), {
    root: folder,
    command: ['stint', 'run', sweep],
    signal: new AbortController().signal,
    listener: () => {},
  })
  return run
}

/** Answers at once, with numbers that hang on the settings and a little on chance. */
function executor() {
  let seed = 1
  const noise = () => {
    seed = (seed * 48271) % 2147483647
    return 1 + 0.1 * (seed / 2147483647 - 0.5)
  }
  let logs
  return {
    capabilities: async () => ({
      compute: 'cgroup_v2',
      memory: ['between_steps'],
      limits: NO_OWN_LIMITS,
      notes: [],
    }),
    prepare: async ({ datasets }) => ({
      ok: true,
      workload: {
        name: 'pipeline',
        params: {},
        dataset: 'required',
        accuracy: 'r2',
        metrics: {
          r2: { unit: '', direction: 'higher_is_better', kind: 'deterministic', description: 'R2' },
        },
      },
      datasets: datasets.map(() => ({
        path: '/data/made-up.csv',
        ...{ preset: 'nba2k', target: null, columns: {}, rows: 1000 },
        fingerprint: { sha256: '0'.repeat(64), bytes: 1, rows: 1000, columns: ['a'] },
        ceiling_r2: null,
      })),
      notes: [],
    }),
    provide: ({ chunk_logs } = {}) => {
      logs = chunk_logs ?? logs
    },
    run: async (spec) => {
      const { settings, caps } = spec
      const latency = ((0.05 + settings.chunk_size * 0.002) / (caps.max_compute_units ?? 1)) * noise()
      if (spec.log_chunks && logs) {
        mkdirSync(logs, { recursive: true })
        writeFileSync(join(logs, `${spec.trial}.jsonl`), chunkLog(settings.chunk_size, latency, noise))
      }
      const peak = (14 + settings.chunk_size * 0.02) * noise()
      return {
        ...{ trial: spec.trial, scenario: spec.scenario, round: spec.round, outcome: 'ok' },
        metrics: {
          ...{ latency_mean_ms: latency, latency_p50_ms: latency * 0.9, latency_p90_ms: latency * 1.4 },
          ...{ latency_p95_ms: latency * 1.7, latency_p99_ms: latency * 3, latency_max_ms: latency * 9 },
          latency_per_row_us: (1000 * latency) / settings.chunk_size,
          ...{ service_mean_ms: latency, service_p50_ms: latency, wall_s: latency, cpu_s: latency },
          throughput_rows_s: (1000 * settings.chunk_size) / latency,
          ...{ peak_memory_mb: peak, peak_heap_mb: peak * 0.8, peak_rss_mb: peak + 50 },
          ...{ gc_count: 20 * noise(), gc_pause_ms: 10 * noise(), rows: 1000, chunks: CHUNKS },
          r2: 0.7 - 0.02 * Math.log2(settings.batch_size) + 0.0001 * settings.chunk_size,
        },
        energy: { joules: null, source: null, shared: false },
        info: {},
        caps: {
          memory: {
            ...{ asked_mb: caps.max_memory_mb, scope: 'workload', in_force_mb: null, mechanisms: [] },
            ...{ peak_mb: peak, peak_above_idle_mb: peak, enforced: true, note: null },
          },
          compute: {
            ...{ asked: caps.max_compute_units, in_force: caps.max_compute_units, mechanism: 'cgroup_v2' },
            achieved: caps.max_compute_units === null ? null : caps.max_compute_units * (noise() * 0.2 + 0.8),
            ...{ period_ms: 20, throttled_ms: 1, pinned_core: null, enforced: true, note: null },
          },
        },
        noise: {
          ...{ run_queue_wait_share: 0.01 * noise(), involuntary_context_switches: 40, load_1m: 0.6 },
          ...{ steal_share: 0, others_cores: 0.1, pressure_share: null, frequency_mhz: null },
          ...{ frequency_change: null, disturbed: [] },
        },
        ...{ started_at: '2026-01-01T00:00:00.000Z', duration_ms: 300, notes: [], resumed_under: [] },
      }
    },
    close: async () => {},
  }
}

function chunkLog(rows, latency, noise) {
  const log = Array.from({ length: CHUNKS }, (_, chunk) =>
    JSON.stringify({
      ...{ chunk, rows, first_row: chunk * rows, latency_ms: latency * noise(), service_ms: latency },
      ...{ cpu_ms: latency, heap_mb: 10 + chunk / 50, external_mb: 1 },
    }),
  )
  return `${log.join('\n')}\n`
}
