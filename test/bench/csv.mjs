/**
 * Rows per second of the byte-level reader and of the csv-parse reader over one NBA-like file: parse to columns only.
 * Rounds are shuffled, every reading is a fresh process, and the answer is the ratio with its 95% interval.
 *
 *   npm run build && node test/bench/csv.mjs [rows=200000] [rounds=10]
 */
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import jstat from 'jstat'

const CHUNK_ROWS = 1024
/** Read before the clock starts, so that the compiler is warm; both readers must find the same values. */
const WARMUP_ROWS = 50_000
const READERS = ['bytes', 'csv-parse']
/** The 11 of 15 columns that the NBA preset needs, each with the form that costs most to read. */
const SPECS = [
  { name: 'rating', kind: 'number' },
  { name: 'team', kind: 'category' },
  { name: 'position', kind: 'category' },
  { name: 'b_day', kind: 'date', format: 'mdy2' },
  { name: 'height', kind: 'number', after: ' / ' },
  { name: 'weight', kind: 'number', after: ' / ', loose: true },
  { name: 'salary', kind: 'number', loose: true },
  { name: 'country', kind: 'category' },
  { name: 'draft_year', kind: 'number' },
  { name: 'draft_round', kind: 'number', words: { Undrafted: 0 } },
  { name: 'version', kind: 'category' },
]

/** Uniform in [0, 1), the same on every run (Marsaglia, "Xorshift RNGs", 2003). */
function randomStream(seed) {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

function writePlayers(path, rows) {
  const random = randomStream(2463534242)
  const whole = (low, high) => low + Math.floor(random() * (high - low + 1))
  const two = (value) => String(value).padStart(2, '0')
  const teams = Array.from({ length: 30 }, (_, i) => `City ${i} Some Team Name ${i * 7}`)
  const positions = ['F', 'G', 'C', 'F-G', 'G-F', 'F-C', 'C-F']
  const countries = ['USA', 'USA', 'USA', 'USA', 'Greece', 'France', 'Serbia', 'Côte d’Ivoire', 'Canada']
  const colleges = Array.from({ length: 120 }, (_, i) => `University of Place ${i}`)
  const pick = (values) => values[whole(0, values.length - 1)]
  const file = openSync(path, 'w')
  let text =
    'full_name,rating,jersey,team,position,b_day,height,weight,salary,country,draft_year,draft_round,draft_peak,college,version\n'
  for (let row = 0; row < rows; row++) {
    const feet = `${whole(5, 7)}-${whole(0, 11)} / ${(1.7 + random() * 0.5).toFixed(2)}`
    const kilos = 75 + random() * 50
    const undrafted = random() < 0.15
    text += `${[
      `First${whole(0, 999)} Last${row}`,
      whole(60, 99),
      `#${whole(0, 99)}`,
      random() < 0.05 ? '' : pick(teams),
      pick(positions),
      `${two(whole(1, 12))}/${two(whole(1, 28))}/${two(whole(79, 99))}`,
      feet,
      `${Math.round(kilos * 2.2)} lbs. / ${kilos.toFixed(1)} kg.`,
      `$${whole(50_000, 40_000_000)}`,
      pick(countries),
      whole(1998, 2020),
      undrafted ? 'Undrafted' : whole(1, 2),
      undrafted ? 'Undrafted' : whole(1, 60),
      random() < 0.15 ? '' : pick(colleges),
      `NBA2k${whole(16, 21)}`,
    ].join(',')}\n`
    if (text.length > 1 << 20) {
      writeSync(file, text)
      text = ''
    }
  }
  writeSync(file, text)
  closeSync(file)
}

/** Rows read, and the sum of their values where asked for, so that readers which differ are found out. */
async function readThrough(reader, withSum) {
  let rows = 0
  let sum = 0
  for (;;) {
    const next = reader.read(CHUNK_ROWS)
    const chunk = next instanceof Promise ? await next : next
    if (chunk === null) break
    rows += chunk.rows
    if (withSum) sum += sumOf(chunk)
  }
  await reader.close()
  return { rows, sum }
}

function sumOf(chunk) {
  let sum = 0
  for (const column of chunk.columns) {
    const values = column.kind === 'category' ? column.codes : column.values
    for (let row = 0; row < chunk.rows; row++) if (!Number.isNaN(values[row])) sum += values[row]
  }
  return sum
}

async function measure(kind, path) {
  const folder = new URL('../../build/workers/data/csv/', import.meta.url)
  const module = await import(new URL(kind === 'bytes' ? 'reader.js' : 'csv-parse.js', folder).href)
  const open = kind === 'bytes' ? module.openBytes : module.openCsvParse
  const { sum } = await readThrough(await open(path, SPECS, { rows: WARMUP_ROWS }), true)
  const started = process.hrtime.bigint()
  const { rows } = await readThrough(await open(path, SPECS), false)
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  return { rows, sum, rate: rows / seconds, rss_mb: process.resourceUsage().maxRSS / 1024 }
}

function reading(kind, path) {
  const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), '--measure', kind, path], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (child.status !== 0) throw new Error(`the ${kind} reader failed`)
  return JSON.parse(child.stdout)
}

/** Mean and 95% interval of the values, by Student's t. */
function interval(values) {
  const n = values.length
  const mean = values.reduce((a, b) => a + b, 0) / n
  const sd = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / (n - 1))
  const half = (jstat.jStat.studentt.inv(0.975, n - 1) * sd) / Math.sqrt(n)
  return [mean, mean - half, mean + half]
}

function compare(rows, rounds) {
  const path = join(tmpdir(), `stint-bench-csv-${process.pid}.csv`)
  writePlayers(path, rows)
  const random = randomStream(88172645)
  const rates = Object.fromEntries(READERS.map((kind) => [kind, []]))
  const memory = Object.fromEntries(READERS.map((kind) => [kind, 0]))
  try {
    for (let round = 0; round < rounds; round++) {
      const order = random() < 0.5 ? READERS : [...READERS].reverse()
      const sums = order.map((kind) => {
        const { rate, rss_mb, rows: read, sum } = reading(kind, path)
        rates[kind].push(rate)
        memory[kind] = Math.max(memory[kind], rss_mb)
        return `${read} ${sum}`
      })
      if (sums[0] !== sums[1]) throw new Error(`the readers disagree: ${sums.join(' and ')}`)
    }
    console.log(
      `${rows} rows, ${(statSync(path).size / 1e6).toFixed(1)} MB, ${rounds} rounds, chunks of ${CHUNK_ROWS}`,
    )
  } finally {
    rmSync(path, { force: true })
  }
  for (const kind of READERS) {
    const [mean, low, high] = interval(rates[kind].map(Math.log)).map((value) =>
      Math.round(Math.exp(value) / 1000),
    )
    console.log(
      `${kind.padEnd(10)} ${mean} k rows/s (95% ${low} to ${high}; best ${Math.round(Math.max(...rates[kind]) / 1000)}), peak RSS ${Math.round(memory[kind])} MB`,
    )
  }
  const ratios = rates[READERS[0]].map((rate, round) => Math.log(rate / rates[READERS[1]][round]))
  const [mean, low, high] = interval(ratios).map((value) => Math.exp(value).toFixed(2))
  console.log(`ratio      ${mean} (95% ${low} to ${high}), paired by round`)
}

const [first, ...rest] = process.argv.slice(2)
if (first === '--measure') console.log(JSON.stringify(await measure(...rest)))
else compare(Number(first ?? 200_000), Number(rest[0] ?? 10))
