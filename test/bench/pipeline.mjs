/**
 * How fast and how large the built-in pipeline is: against the same pipeline on csv-parse and against tuned pandas with
 * scikit-learn, by chunk size, by number of rows, and with and without its own telemetry. One thread, generated NBA 2K
 * rows, rich features, standardisation, one-hot columns, all metrics and the chunk log. At the end how long the whole
 * command `stint pipeline` takes on a small file.
 *
 *   npm run bench:pipeline -- [--rows 1000000] [--large 10000000] [--rounds 7] [--only WORD]... [--write]
 *
 * Every reading is a fresh process; within a round the order is shuffled, and ratios are paired by round, with 95%
 * intervals (Student's t on logarithms). `--large 0` skips the largest file, `--only` takes the readings whose name
 * contains a word. `--write` puts the table between the marks in docs/evidence/performance.md.
 */
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { getHeapStatistics } from 'node:v8'
import jstat from 'jstat'
import { ROWS as COMMAND_ROWS, runCommandLine } from './command-line.mjs'

const HERE = fileURLToPath(import.meta.url)
const ROOT = new URL('../../', import.meta.url)
const DOCUMENT = fileURLToPath(new URL('../../docs/evidence/performance.md', import.meta.url))
const SKLEARN = fileURLToPath(new URL('sklearn_pipeline.py', import.meta.url))
const BEGIN = '<!-- bench:pipeline begin -->'
const END = '<!-- bench:pipeline end -->'

const BATCH_ROWS = 1024
/** Throwaway runs before the clock starts: the compiler learns from each new instance, not from rows alone. */
const WARMUP_RUNS = 10
const WARMUP_ROWS = 30_000
/** A forest takes a hundred times as long as the others, and longer the more rows it has seen. */
const FOREST_ROWS = 10_000
/** Chunks that the logged and the bare run handle in turn. */
const TURN_CHUNKS = 4
const SEED = 7
const COMMAND = 'stint pipeline'

// ---------------------------------------------------------------- in the process of one reading

const load = (path) => import(new URL(path, ROOT).href)

async function openRun({ path, rows, params, chunk }) {
  const { default: pipeline } = await load('dist/workers/pipeline/workload.js')
  const { params: declared } = pipeline.describe()
  const defaults = Object.fromEntries(
    Object.entries(declared).map(([name, { default: value }]) => [name, value]),
  )
  const settings = { mode: 'streaming', chunk_size: chunk, batch_size: BATCH_ROWS, random_seed: 42 }
  return pipeline.open({
    params: { ...defaults, ...params },
    settings,
    limits: { memory_mb: null, compute_units: null },
    dataset: {
      ...{ path, preset: 'nba2k', target: null, columns: {}, rows, ceiling_r2: null },
      fingerprint: { columns: headerOf(path) },
    },
    warmup: false,
  })
}

/** Names of a generated file's columns, none of which is quoted. */
function headerOf(path) {
  const file = openSync(path, 'r')
  const bytes = Buffer.alloc(4096)
  const text = bytes.toString('utf8', 0, readSync(file, bytes))
  closeSync(file)
  return text.slice(0, text.indexOf('\n')).trim().split(',')
}

async function measuredRun(open, log) {
  const { MeasuredRun } = await load('build/workers/measured-run.js')
  const { MemoryCheck } = await load('build/workers/caps/memory.js')
  const { used_heap_size: heapBytes, external_memory: externalBytes } = getHeapStatistics()
  return new MeasuredRun(open, new MemoryCheck({ heapBytes, externalBytes }, null, () => {}), log)
}

/** Steps through the whole data as a trial's cell does, chunk log on. */
async function measurePipeline(spec) {
  await warmUp(spec)
  const run = await measuredRun(await openRun(spec), spec.log)
  const used = process.cpuUsage()
  const started = performance.now()
  await stepToTheEnd(run, spec.chunk)
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(used)
  const { metrics } = await run.finish()
  await run.close()
  return {
    rows: run.rows,
    seconds,
    cpu_s: (user + system) / 1e6,
    r2: metrics.r2,
    rss_mb: process.resourceUsage().maxRSS / 1024,
  }
}

async function warmUp(spec) {
  for (let instance = 0; instance < WARMUP_RUNS; instance++) {
    const run = await measuredRun(
      await openRun({ ...spec, rows: Math.min(WARMUP_ROWS, spec.rows) }),
      spec.log,
    )
    await stepToTheEnd(run, spec.chunk)
    await run.finish()
    await run.close()
  }
}

async function stepToTheEnd(run, rows) {
  const { ClosedLoop } = await load('build/workers/drive/closed.js')
  await run.drive(new ClosedLoop(rows))
}

/** Two instances of one pipeline take turns, one measured and logged by the cell's own code, one bare. */
async function measureTelemetry(spec) {
  await warmUp(spec)
  const logged = await measuredRun(await openRun(spec), spec.log)
  const bare = await openRun(spec)
  const offer = { rows: spec.chunk, train: true }
  const bareStep = async () => {
    const pending = bare.step(offer)
    return (typeof pending?.then === 'function' ? await pending : pending) !== null
  }
  const ratios = []
  let bareMs = 0
  const steps = { logged: () => logged.step(offer), bare: bareStep }
  let order = spec.first === 'logged' ? ['logged', 'bare'] : ['bare', 'logged']
  logged.begin()
  for (let more = true; more; order = [order[1], order[0]]) {
    const time = {}
    for (const side of order) {
      const started = performance.now()
      for (let chunk = 0; chunk < TURN_CHUNKS; chunk++) more = (await steps[side]()) && more
      time[side] = performance.now() - started
    }
    // The last turns may be short.
    if (more) ratios.push(time.logged / time.bare)
    bareMs += time.bare
  }
  await logged.finish()
  const closing = performance.now()
  await logged.close()
  const writing = performance.now() - closing
  await bare.close?.()
  // The median of turns side by side: a pause of the machine falls into one of them.
  const ratio = ratios.sort((a, b) => a - b)[ratios.length >> 1]
  return { ratio, ratio_with_writing: ratio + writing / bareMs }
}

// ---------------------------------------------------------------- the comparison

function child(command, args, env) {
  const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } }
  const run = spawnSync(command, args, options)
  if (run.status !== 0) throw new Error(`${command} ${args.join(' ')} failed`)
  return JSON.parse(run.stdout)
}

const inNode = (kind, spec) => child(process.execPath, [HERE, kind, JSON.stringify(spec)])

/** The Python that has scikit-learn and pandas, or null. */
function findPython() {
  for (const command of ['/usr/bin/python3', 'python3']) {
    const found = spawnSync(
      command,
      ['-c', 'import sklearn, pandas; print(sklearn.__version__, pandas.__version__)'],
      {
        encoding: 'utf8',
      },
    )
    if (found.status === 0) {
      const [sklearn, pandas] = found.stdout.trim().split(' ')
      return { command, version: `scikit-learn ${sklearn}, pandas ${pandas}` }
    }
  }
  return null
}

/** What is measured, by name: a function of the round that gives a reading. */
function readings({ rows, large, data, largeData, commandData, folder, log, python, checks }) {
  const pipeline = (params, chunk = 1024, count = rows, path = data) => {
    const spec = { path, rows: count, params, chunk, log }
    return () => inNode('--pipeline', spec)
  }
  const inPython = (learner, chunk) => () =>
    child(python.command, [SKLEARN, data, learner, chunk, BATCH_ROWS, rows].map(String), {
      OMP_NUM_THREADS: '1',
      OPENBLAS_NUM_THREADS: '1',
    })
  const all = {
    'sgd, chunk 1024': pipeline({ learner: 'sgd' }),
    'sgd, chunk 64': pipeline({ learner: 'sgd' }, 64),
    'sgd, csv-parse': pipeline({ learner: 'sgd', reader: 'csv-parse' }),
    'sgd, JavaScript only': pipeline({ learner: 'sgd', kernels: 'js' }),
    'ridge, chunk 1024': pipeline({ learner: 'ridge' }),
    'ridge, JavaScript only': pipeline({ learner: 'ridge', kernels: 'js' }),
    'ridge, csv-parse': pipeline({ learner: 'ridge', reader: 'csv-parse' }),
    [`mondrian_forest, ${FOREST_ROWS} rows`]: pipeline({ learner: 'mondrian_forest' }, 1024, FOREST_ROWS),
    telemetry: (round) =>
      inNode('--telemetry', {
        ...{ path: data, rows, params: { learner: 'sgd' }, chunk: 1024, log },
        first: round % 2 === 0 ? 'logged' : 'bare',
      }),
  }
  if (checks !== null) all['sgd, drift and validation on'] = pipeline({ learner: 'sgd', ...checks })
  for (let count = 10_000; count < rows; count *= 10)
    all[`sgd, ${count} rows`] = pipeline({ learner: 'sgd' }, 1024, count)
  if (large > 0) all[`sgd, ${large} rows`] = pipeline({ learner: 'sgd' }, 1024, large, largeData)
  all[COMMAND] = () => runCommandLine(commandData, folder)
  if (python !== null) {
    all['sgd, scikit-learn, chunk 1024'] = inPython('sgd', 1024)
    all['sgd, scikit-learn, chunk 16384'] = inPython('sgd', 16_384)
    all['ridge, NumPy, chunk 1024'] = inPython('ridge', 1024)
    all['ridge, NumPy, chunk 16384'] = inPython('ridge', 16_384)
  }
  return all
}

/** Uniform in [0, 1) (Marsaglia, "Xorshift RNGs", 2003), seeded by the clock: the order is all it decides. */
function randomStream() {
  let state = (Date.now() & 0x7fffffff) | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

function shuffled(values, random) {
  const order = [...values]
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  return order
}

/** Mean and 95% interval of positive values by their logarithms; no interval for a single one. */
function estimate(values) {
  const logs = values.map(Math.log)
  const n = logs.length
  const mean = logs.reduce((a, b) => a + b, 0) / n
  if (n < 2) return { value: Math.exp(mean), low: null, high: null }
  const sd = Math.sqrt(logs.reduce((a, b) => a + (b - mean) ** 2, 0) / (n - 1))
  const half = (jstat.jStat.studentt.inv(0.975, n - 1) * sd) / Math.sqrt(n)
  return { value: Math.exp(mean), low: Math.exp(mean - half), high: Math.exp(mean + half) }
}

function text({ value, low, high }, digits) {
  const range = low === null ? 'one reading' : `${low.toFixed(digits)} to ${high.toFixed(digits)}`
  return `${value.toFixed(digits)} (${range})`
}

const rate = ({ rows, seconds }) => rows / seconds / 1000
/** On a busy machine the steadier of the two; helper threads, such as the collector's, count as well. */
const cpuPerRow = ({ rows, cpu_s }) => (cpu_s * 1e6) / rows

function shown(reading) {
  if (reading.ratio !== undefined) return reading.ratio.toFixed(3)
  return reading.rows === undefined
    ? `${reading.seconds.toFixed(2)} s`
    : `${rate(reading).toFixed(0)} k rows/s`
}

/** The readings and their ratios as Markdown. */
function markdown(results, { rows, large, rounds, python, command }) {
  const lines = [
    `Measured on ${new Date().toISOString().slice(0, 10)}: ${cpus()[0].model.trim()}, ${availableParallelism()} cores, ` +
      `${Math.round(totalmem() / 2 ** 30)} GiB, load ${loadavg()[0].toFixed(1)}; Node ${process.versions.node}; ` +
      `${python?.version ?? 'scikit-learn and pandas not installed'}.`,
    '',
    `\`${command}\`: ${rows.toLocaleString('en')} rows, batch ${BATCH_ROWS}, ${rounds} rounds. Mean and 95% interval.`,
    '',
    '| reading | k rows/s | CPU us a row | peak RSS, MB | R2 |',
    '|---|---|---|---|---|',
  ]
  const of = (name) => results.get(name)
  for (const [name, list] of results) {
    if (list[0]?.rows === undefined) continue
    const rates = list.map(rate)
    const perRow = estimate(list.map(cpuPerRow)).value
    const rss = Math.max(...list.map((reading) => reading.rss_mb))
    lines.push(
      `| ${name} | ${text(estimate(rates), 0)} | ${perRow.toFixed(3)} | ${rss.toFixed(0)} | ${list[0].r2.toFixed(6)} |`,
    )
  }
  lines.push('', '| ratio, paired by round | by wall time | by CPU time | wanted |', '|---|---|---|---|')
  const add = (name, values, wanted, digits = 2, byCpu = null) => {
    const cpu = byCpu === null ? '' : text(estimate(byCpu), digits)
    lines.push(`| ${name} | ${text(estimate(values), digits)} | ${cpu} | ${wanted} |`)
  }
  const ratio = (a, b, name, wanted) => {
    if (of(a) === undefined || of(b) === undefined) return
    add(
      name,
      of(a).map((reading, round) => rate(reading) / rate(of(b)[round])),
      wanted,
      2,
      of(a).map((reading, round) => cpuPerRow(of(b)[round]) / cpuPerRow(reading)),
    )
  }
  const sgd = 'sgd, chunk 1024'
  const ridge = 'ridge, chunk 1024'
  ratio(sgd, 'sgd, JavaScript only', 'sgd: speed of WebAssembly over JavaScript', '')
  ratio(ridge, 'ridge, JavaScript only', 'ridge: speed of WebAssembly over JavaScript', '')
  ratio(sgd, 'sgd, csv-parse', 'sgd: speed over csv-parse', '8 or more')
  ratio(sgd, 'sgd, scikit-learn, chunk 1024', 'sgd: speed over scikit-learn, chunk 1024', '8 or more')
  ratio(sgd, 'sgd, scikit-learn, chunk 16384', 'sgd: speed over scikit-learn, chunk 16384', '')
  ratio(ridge, 'ridge, csv-parse', 'ridge: speed over csv-parse', '4 or more')
  ratio(ridge, 'ridge, NumPy, chunk 1024', 'ridge: speed over pandas and NumPy, chunk 1024', '4 or more')
  ratio(ridge, 'ridge, NumPy, chunk 16384', 'ridge: speed over pandas and NumPy, chunk 16384', '')
  ratio('sgd, chunk 64', sgd, 'sgd: speed with chunk 64 over chunk 1024', '0.75 or more')
  ratio(
    'sgd, drift and validation on',
    sgd,
    'sgd: speed with drift and validation on over off',
    '0.60 or more',
  )
  for (const name of results.keys()) {
    if (/^sgd, \d+ rows$/.test(name))
      ratio(name, sgd, `speed with ${name.slice(5)} over ${rows} rows`, 'about 1: linear')
  }
  const largest = of(`sgd, ${large} rows`)
  if (largest !== undefined && of(sgd) !== undefined) {
    const peaks = largest.map((reading, round) => reading.rss_mb / of(sgd)[round].rss_mb)
    add(`peak RSS with ${large} rows over ${rows} rows`, peaks, '1.10 or less')
  }
  if (of('telemetry') !== undefined) {
    add(
      'time with chunk telemetry over without',
      of('telemetry').map((reading) => reading.ratio),
      '1.03 or less',
      3,
    )
    add(
      'the same with the writing of the log at the end',
      of('telemetry').map((reading) => reading.ratio_with_writing),
      '',
      3,
    )
  }
  const seconds = of(COMMAND)?.map((reading) => reading.seconds)
  if (seconds !== undefined) {
    const taken = text(estimate(seconds), 2)
    lines.push('', `The command of ${COMMAND_ROWS} rows and 16 trials takes ${taken} s; wanted: 5 or less.`)
  }
  if (python === null) lines.push('', 'Without scikit-learn and pandas for Python 3, their rows are missing.')
  return lines.join('\n')
}

/** Drift and validation switched on, where the pipeline has them. */
async function checksOn() {
  const { default: pipeline } = await load('dist/workers/pipeline/workload.js')
  const { params } = pipeline.describe()
  return params.drift === undefined || params.validate === undefined
    ? null
    : { drift: 'alarm', validate: true }
}

async function compare(options) {
  const { rows, large, rounds, only, write } = options
  const { generateDataset } = await load('build/workers/data/presets/generate.js')
  const folder = mkdtempSync(join(tmpdir(), 'stint-bench-pipeline-'))
  const [data, largeData, commandData] = ['rows.csv', 'large.csv', 'command.csv'].map((name) =>
    join(folder, name),
  )
  const python = findPython()
  const results = new Map()
  try {
    await generateDataset({ preset: 'nba2k', rows, seed: SEED }, data)
    await generateDataset({ preset: 'nba2k', rows: COMMAND_ROWS, seed: SEED }, commandData)
    const wantLarge =
      large > 0 && (only.length === 0 || only.some((word) => `sgd, ${large} rows`.includes(word)))
    if (wantLarge) await generateDataset({ preset: 'nba2k', rows: large, seed: SEED }, largeData)
    const context = {
      rows,
      large: wantLarge ? large : 0,
      data,
      largeData,
      commandData,
      folder,
      log: join(folder, 'chunks.jsonl'),
      python,
    }
    const all = readings({ ...context, checks: await checksOn() })
    const names = Object.keys(all).filter(
      (name) => only.length === 0 || only.some((word) => name.includes(word)),
    )
    for (const name of names) results.set(name, [])
    const random = randomStream()
    for (let round = 0; round < rounds; round++) {
      for (const name of shuffled(names, random)) {
        const reading = all[name](round)
        results.get(name).push(reading)
        console.error(`round ${round + 1} of ${rounds}: ${name}: ${shown(reading)}`)
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const table = markdown(results, { ...options, python })
  console.log(table)
  if (write) writeTable(table)
}

/** @throws where the document lacks the marks */
function writeTable(table) {
  const document = existsSync(DOCUMENT) ? readFileSync(DOCUMENT, 'utf8') : ''
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`${DOCUMENT}: expected the lines ${BEGIN} and ${END}`)
  writeFileSync(DOCUMENT, `${document.slice(0, begin + BEGIN.length)}\n${table}\n${document.slice(end)}`)
}

function parse(words) {
  const options = { rows: 1_000_000, large: 10_000_000, rounds: 7, only: [], write: false }
  for (let i = 0; i < words.length; i++) {
    const name = words[i].replace(/^--/, '')
    if (name === 'write') options.write = true
    else if (name === 'only') options.only.push(words[++i] ?? '')
    else if (['rows', 'large', 'rounds'].includes(name) && /^\d+$/.test(words[i + 1] ?? ''))
      options[name] = Number(words[++i])
    else
      throw new Error(
        `cannot read "${words[i]}"; expected --rows N, --large N, --rounds N, --only WORD or --write`,
      )
  }
  if (options.rows < 1 || options.rounds < 1) throw new Error('--rows and --rounds must be 1 or more')
  return { ...options, command: ['npm run bench:pipeline --', ...words].join(' ').replace(/ --$/, '') }
}

const [first, ...rest] = process.argv.slice(2)
if (first === '--pipeline') console.log(JSON.stringify(await measurePipeline(JSON.parse(rest[0]))))
else if (first === '--telemetry') console.log(JSON.stringify(await measureTelemetry(JSON.parse(rest[0]))))
else await compare(parse(process.argv.slice(2)))
