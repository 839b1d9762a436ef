/**
 * How well the default learner predicts, beside scikit-learn's plain linear model, on data sets that packages ship.
 *
 *   npm run build && node test/bench/quality.mjs [--only WORD]... [--learner NAME] [--write]
 *
 * Both are scored prequentially over the same rows and the same features: a batch (a hundredth of the rows) is predicted
 * by what was learned from those before it, from the second batch on. scikit-learn refits on all rows so far or calls
 * partial_fit, whichever scores better. Sets come from Debian's python3-sklearn, r-base-core and r-cran-ggplot2 and from
 * the npm package vega-datasets; what is not installed is named and left out.
 *
 * A second table is of streams read row by row: NBA 2K players in the order of their file and in ten shuffled ones,
 * beside `ridge`, and labels whose majority switches, beside `no_change`. The players and the orders are no part of the
 * project: they are looked for where tests look for theirs, and STINT_EXTRA_DATA says another place.
 *
 * `--only` takes sets and streams whose name contains a word. `--write` puts the tables between the marks in
 * docs/evidence/quality.md. Exit code 1 where the default is worse by more than .01, or a stream misses what is wanted.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { rewriteBetween } from './markers.mjs'

const PYTHON = '/usr/bin/python3'
const DOCUMENT = fileURLToPath(new URL('../../docs/evidence/quality.md', import.meta.url))
const SKLEARN = fileURLToPath(new URL('sklearn_quality.py', import.meta.url))
const SEED = 7
/** A default may be worse than scikit-learn's linear model by this much of R2 or accuracy. */
const MARGIN = 0.01
const BATCHES = 100

/** What the default learner has to reach on streams: R2 in file order, its mean gain on ridge, and beating no change. */
const WANTED_R2 = 0.735
const WANTED_GAIN = 0.008
const ORDERS = 10
/** Streams of labels: rows of one majority on average, and the share of it. */
const SWITCHING = [
  { run: 300, purity: 0.95 },
  { run: 300, purity: 0.8 },
  { run: 50, purity: 0.9 },
]
const SWITCHING_ROWS = 6000
const EXTRA = fileURLToPath(new URL('../../../shared', import.meta.url))

const fixed = (value, digits) => (value === null ? '—' : value.toFixed(digits))

/**
 * Name, where it comes from, target, and what is dropped: what tells the target, or names rows. `ordered` sets stay as
 * they are, since time goes by in them; the others are sorted by something and are shuffled by the seed.
 */
const SETS = [
  { name: 'diabetes', from: 'sklearn', target: 'target' },
  { name: 'linnerud', from: 'sklearn', target: 'Weight' },
  { name: 'breast_cancer', from: 'sklearn', target: 'target' },
  { name: 'iris', from: 'sklearn', target: 'target' },
  { name: 'wine', from: 'sklearn', target: 'target' },
  { name: 'digits', from: 'sklearn', target: 'target' },
  { name: 'quakes', from: 'R', target: 'mag' },
  { name: 'mtcars', from: 'R', target: 'mpg' },
  { name: 'airquality', from: 'R', target: 'Ozone', ordered: true },
  { name: 'ChickWeight', from: 'R', target: 'weight' },
  { name: 'infert', from: 'R', target: 'case', drop: ['stratum', 'pooled.stratum'] },
  { name: 'diamonds', from: 'ggplot2', target: 'price' },
  { name: 'economics', from: 'ggplot2', target: 'unemploy', ordered: true },
  { name: 'mpg', from: 'ggplot2', target: 'hwy' },
  { name: 'txhousing', from: 'ggplot2', target: 'median' },
  { name: 'seattle-weather', from: 'vega', target: 'weather', ordered: true },
  { name: 'birdstrikes', from: 'vega', target: 'Wildlife Size', ordered: true },
  { name: 'movies', from: 'vega', target: 'IMDB Rating', drop: ['Title'] },
]

/** Writes scikit-learn's set of that name, numbers as they are and labels by name. */
const EXPORT_SKLEARN = `
import csv, sys
from sklearn import datasets
name, path = sys.argv[1], sys.argv[2]
d = getattr(datasets, "load_" + name)()
labels = hasattr(d, "target_names") and name != "linnerud" and name != "diabetes"
with open(path, "w", newline="") as file:
    out = csv.writer(file)
    if name == "linnerud":
        out.writerow([*d.feature_names, "Weight"])
        out.writerows([*x, y[0]] for x, y in zip(d.data, d.target))
    else:
        out.writerow([*d.feature_names, "target"])
        out.writerows([*x, "is " + str(d.target_names[y]) if labels else y] for x, y in zip(d.data, d.target))
`

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    learner: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
})

const isChosen = (name) => options.only.length === 0 || options.only.some((word) => name.includes(word))

const folder = mkdtempSync(join(tmpdir(), 'stint-quality-'))
try {
  await main()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function main() {
  const missing = missingSources()
  for (const line of Object.values(missing)) console.error(line)
  const chosen = SETS.filter(({ name, from }) => missing[from] === undefined && isChosen(name))
  const rows = []
  for (const set of chosen) rows.push(await measure(set))
  const table = asTable(rows)
  console.log(table)
  const worse = rows.filter(({ ours, theirs }) => ours < theirs - MARGIN)
  for (const { name, ours, theirs } of worse) {
    console.error(`${name}: ${fixed(ours, 3)} is more than ${MARGIN} below ${fixed(theirs, 3)}`)
  }
  const streams = await measureStreams()
  const streamTable = streamsAsTable(streams)
  console.log(`\n${streamTable}`)
  const missed = streams.filter(({ difference, wanted }) => !(difference >= wanted))
  for (const { name, difference } of missed) console.error(`${name}: ${fixed(difference, 4)} is too little`)
  if (options.write) {
    if (rows.length > 0) rewriteBetween(DOCUMENT, 'bench:quality', table)
    if (streams.length > 0) rewriteBetween(DOCUMENT, 'bench:streams', streamTable)
  }
  if (worse.length > 0 || missed.length > 0) process.exitCode = 1
}

/** By source: what to install. */
function missingSources() {
  const runs = (program, ...words) => spawnSync(program, words, { stdio: 'ignore' }).status === 0
  const missing = {}
  if (!runs(PYTHON, '-c', 'import sklearn')) {
    const need = `${PYTHON} has no scikit-learn, which every set is compared with: apt-get install python3-sklearn`
    return Object.fromEntries(['sklearn', 'R', 'ggplot2', 'vega'].map((from) => [from, need]))
  }
  if (!runs('Rscript', '-e', '1')) {
    missing.R = 'no Rscript, so no sets of R: apt-get install r-base-core'
    missing.ggplot2 = 'no Rscript, so no sets of ggplot2: apt-get install r-base-core r-cran-ggplot2'
  } else if (!runs('Rscript', '-e', 'library(ggplot2)')) {
    missing.ggplot2 = 'R has no ggplot2: apt-get install r-cran-ggplot2'
  }
  if (vegaFolder() === null) {
    missing.vega = 'no vega-datasets, neither here nor global: npm install --no-save vega-datasets'
  }
  return missing
}

function vegaFolder() {
  const global = spawnSync('npm', ['root', '--global'], { encoding: 'utf8' }).stdout.trim()
  const here = fileURLToPath(new URL('../../node_modules', import.meta.url))
  const folders = [here, join(process.cwd(), 'node_modules'), global].map((at) =>
    join(at, 'vega-datasets', 'data'),
  )
  return folders.find((at) => existsSync(at)) ?? null
}

async function measure(set) {
  const path = join(folder, `${set.name}.csv`)
  exportSet(set, path)
  if (set.ordered !== true) shuffleRows(path)
  const { checkDataset } = await import('../../build/workers/pipeline/check-dataset.js')
  const columns = Object.fromEntries((set.drop ?? []).map((column) => [column, 'drop']))
  const { dataset } = await checkDataset({
    ...{ path, preset: null, target: set.target, columns, rows: null, fingerprint: null, ceiling_r2: null },
  })
  const batch = Math.ceil(dataset.rows / BATCHES)
  const features = join(folder, `${set.name}-features.csv`)
  const { metrics, info, seconds } = await runPipeline(dataset, batch, features)
  const task = info.task
  const theirs = run(PYTHON, [SKLEARN, features, String(batch), task])
  const { refit, partial_fit } = JSON.parse(theirs)
  const best = refit.score >= partial_fit.score ? 'refit' : 'partial_fit'
  const row = {
    name: set.name,
    from: set.from,
    target: set.target,
    rows: info.learned,
    score: task === 'regression' ? 'R2' : 'accuracy',
    learner: info.learner,
    ours: metrics[task === 'regression' ? 'r2' : 'accuracy'],
    seconds,
    theirs: Math.max(refit.score, partial_fit.score),
    best,
    theirSeconds: { refit, partial_fit }[best].seconds,
  }
  console.error(`${set.name}: ${fixed(row.ours, 4)}, scikit-learn ${fixed(row.theirs, 4)} (${best})`)
  return row
}

function exportSet({ name, from }, path) {
  if (from === 'sklearn') run(PYTHON, ['-c', EXPORT_SKLEARN, name, path])
  else if (from === 'vega') exportVega(name, path)
  else {
    const library = from === 'ggplot2' ? 'library(ggplot2); ' : ''
    const call = `${library}write.csv(as.data.frame(${name}), ${JSON.stringify(path)}, row.names = FALSE, na = "")`
    run('Rscript', ['-e', call])
  }
}

function exportVega(name, path) {
  const csv = join(vegaFolder(), `${name}.csv`)
  if (existsSync(csv)) return writeFileSync(path, readFileSync(csv))
  const rows = JSON.parse(readFileSync(join(vegaFolder(), `${name}.json`), 'utf8'))
  const header = Object.keys(rows[0])
  const cell = (value) =>
    value === null || value === undefined ? '' : `"${String(value).replaceAll('"', '""')}"`
  const lines = [header.map(cell), ...rows.map((row) => header.map((key) => cell(row[key])))]
  writeFileSync(path, `${lines.map((line) => line.join(',')).join('\n')}\n`)
}

/** Uniform in [0, 1), by a generator of 32 bits (mulberry32): the same everywhere. */
function randomNumbers(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Fisher and Yates. */
function shuffleRows(path) {
  const [header, ...lines] = readFileSync(path, 'utf8').trimEnd().split(/\r?\n/)
  const random = randomNumbers(SEED)
  for (let i = lines.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1))
    ;[lines[i], lines[j]] = [lines[j], lines[i]]
  }
  writeFileSync(path, `${[header, ...lines].join('\n')}\n`)
}

async function runPipeline(dataset, batch, features) {
  await play(dataset, batch, { ...own(), features_to: features })
  return play(dataset, batch, own())
}

/** The learner that `--learner` names in place of the default. */
function own() {
  return options.learner === undefined ? {} : { learner: options.learner }
}

async function play(dataset, batch, params) {
  const { default: pipeline } = await import('../../build/workers/pipeline/workload.js')
  const settings = { mode: 'streaming', chunk_size: 4096, batch_size: batch, random_seed: SEED }
  const limits = { memory_mb: null, compute_units: null }
  const started = performance.now()
  const open = await pipeline.open({ settings, dataset, warmup: false, limits, params })
  while ((await open.step({ rows: 4096, train: true })) !== null);
  const { metrics, info } = await open.finish()
  await open.close?.()
  return { metrics, info, seconds: (performance.now() - started) / 1000 }
}

async function measureStreams() {
  return [
    ...(isChosen('NBA') ? await measurePlayers() : []),
    ...(isChosen('switching') ? await measureSwitching() : []),
  ]
}

async function measurePlayers() {
  const extra = process.env.STINT_EXTRA_DATA ?? EXTRA
  const [file, orders] = ['data/nba2k-full.csv', 'fixtures/nba_orders.json'].map((name) => join(extra, name))
  if (!existsSync(file) || !existsSync(orders)) {
    console.error(`no ${file} or no ${orders}, so no streams of players`)
    return []
  }
  const [header, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n')
  const shuffles = JSON.parse(readFileSync(orders, 'utf8'))
  const inFile = await bothOn(file)
  const pairs = []
  for (let k = 0; k < ORDERS; k += 1) {
    const path = join(folder, `order-${k}.csv`)
    writeFileSync(path, [header, ...shuffles[k].map((i) => lines[i])].join('\n'))
    pairs.push(await bothOn(path))
    console.error(`order ${k}: ${fixed(pairs[k].ours, 4)}, ridge ${fixed(pairs[k].theirs, 4)}`)
  }
  const rows = lines.length
  const mean = (side) => pairs.reduce((sum, pair) => sum + pair[side], 0) / ORDERS
  const better = pairs.filter(({ ours, theirs }) => ours > theirs).length
  return [
    {
      ...{ name: 'NBA 2K players, order of the file', rows, score: 'R2', ...inFile, other: 'ridge' },
      ...{ difference: inFile.ours, wanted: WANTED_R2, said: `R2 of ${WANTED_R2}` },
    },
    {
      ...{ name: `NBA 2K players, mean of ${ORDERS} orders`, rows, score: 'R2', other: 'ridge' },
      ...{ ours: mean('ours'), theirs: mean('theirs'), difference: mean('ours') - mean('theirs') },
      ...{ wanted: WANTED_GAIN, said: `a gain of ${WANTED_GAIN}; better in ${better} of ${ORDERS}` },
    },
  ]
}

/** R2 of the default and of ridge, batch 1. */
async function bothOn(path) {
  const { checkDataset } = await import('../../build/workers/pipeline/check-dataset.js')
  const { dataset } = await checkDataset({
    ...{ path, preset: 'nba2k', target: null, columns: {}, rows: null, fingerprint: null, ceiling_r2: null },
  })
  const r2 = async (params) => (await play(dataset, 1, params)).metrics.r2
  return { ours: await r2(own()), theirs: await r2({ learner: 'ridge' }) }
}

async function measureSwitching() {
  const { checkDataset } = await import('../../build/workers/pipeline/check-dataset.js')
  const streams = []
  for (const { run: length, purity } of SWITCHING) {
    const path = join(folder, `switching-${length}-${purity}.csv`)
    writeFileSync(path, switchingLabels(length, purity))
    const { dataset } = await checkDataset({
      ...{
        path,
        preset: null,
        target: 'label',
        columns: {},
        rows: null,
        fingerprint: null,
        ceiling_r2: null,
      },
    })
    const accuracy = async (params) => (await play(dataset, 1, params)).metrics.accuracy
    const [ours, theirs] = [await accuracy(own()), await accuracy({ learner: 'no_change' })]
    const name = `switching labels, ${100 * purity}% of one for about ${length} rows`
    console.error(`${name}: ${fixed(ours, 4)}, no change ${fixed(theirs, 4)}`)
    streams.push({
      ...{ name, rows: SWITCHING_ROWS, score: 'accuracy', ours, theirs, other: 'no\\_change' },
      ...{ difference: ours - theirs, wanted: Number.MIN_VALUE, said: 'better' },
    })
  }
  return streams
}

/** A CSV of labels whose majority switches after a geometric number of rows, and of two numbers that say little of them. */
function switchingLabels(length, purity) {
  const random = randomNumbers(SEED)
  let major = 0
  const lines = ['a,b,label']
  for (let row = 0; row < SWITCHING_ROWS; row += 1) {
    if (random() < 1 / length) major = 1 - major
    const label = random() < purity ? major : 1 - major
    lines.push(`${(random() + 0.2 * label).toFixed(4)},${random().toFixed(4)},${label === 1 ? 'up' : 'down'}`)
  }
  return `${lines.join('\n')}\n`
}

function run(program, words) {
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8', maxBuffer: 2 ** 26 })
  if (status !== 0) throw new Error(`${program} ${words[0]}: ${stderr}`)
  return stdout
}

function asTable(rows) {
  const lines = rows.map((row) => [
    ...[row.name, row.from, row.target, row.rows, row.score],
    ...[fixed(row.ours, 3), fixed(row.theirs, 3), row.best.replace('_', '\\_')],
    ...[fixed(row.ours - row.theirs, 3), fixed(row.seconds, 2), fixed(row.theirSeconds, 2)],
  ])
  const header = [
    ...['set', 'from', 'target', 'rows', 'score', 'default learner', 'scikit-learn', 'by', 'difference'],
    ...['seconds', 'scikit-learn, seconds'],
  ]
  return [header, header.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function streamsAsTable(streams) {
  const header = ['stream', 'rows', 'score', 'default learner', 'beside', 'its score', 'wanted']
  const lines = streams.map(({ name, rows, score, ours, other, theirs, said }) => [
    ...[name, rows, score, fixed(ours, 4), other, fixed(theirs, 4), said],
  ])
  return [header, header.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
