// The proof of the gate: records long series of duets and trials with injected work, resamples gates from them by the
// policy itself, and plays real gates beside them.
//   node test/bench/gate.mjs --duets 200 --pairs 60 --live 20    record up to so many of each, then print the tables
//   node test/bench/gate.mjs                                     the tables alone, from what is recorded
// Options: --out FILE, --workloads pipeline,sensor, --loads quiet,busy, --shares 0,0.02,0.04,0.05,0.1,
// --pair-shares 0,0.05, --live-shares 0,0.05,0.1, --gates 1000 (resampled, a cell), --limit 60 (s), --margins 0.02,0.01 (live gates: the first).
// --write puts the tables into docs/evidence/gate-proof.md. Stopped by Ctrl-C it goes on where it was. Needs a build, and says little on a machine that does other work.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { welchTest } from '../../build/harness/analyse/welch.js'
import { LocalExecutor } from '../../build/harness/execute/local/executor.js'
import { compareInLockStep, duetSpecOf, SideOrder, trialSpecOf } from '../../build/harness/gate/lock-step.js'
import { metricTable } from '../../build/harness/metrics.js'
import { makeOwnedFolder } from '../../build/harness/ownership/leftovers.js'
import { randomStream, shuffle } from '../../build/harness/random.js'
import { prepareSession } from '../../build/harness/session/session.js'
import { loadSweep } from '../../build/harness/sweep/load.js'
import { rewriteBetween } from './markers.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const { values: words } = parseArgs({
  options: {
    out: { type: 'string', default: join(root, 'results/bench/gate.jsonl') },
    duets: { type: 'string', default: '0' },
    pairs: { type: 'string', default: '0' },
    workloads: { type: 'string', default: 'pipeline,sensor' },
    shares: { type: 'string', default: '0,0.02,0.04,0.05,0.1' },
    loads: { type: 'string', default: 'quiet,busy' },
    gates: { type: 'string', default: '1000' },
    limit: { type: 'string', default: '60' },
    margins: { type: 'string', default: '0.02,0.01' },
    live: { type: 'string', default: '0' },
    write: { type: 'boolean', default: false },
    'pair-shares': { type: 'string', default: '0,0.05' },
    'live-shares': { type: 'string', default: '0,0.05,0.1' },
  },
})
const SWEEPS = {
  pipeline: {
    sweep: 'scenarios/quickstart.yaml',
    module: 'dist/workers/pipeline/workload.js',
    set: ['grid.batch_size=[64]', 'grid.max_compute_units=[null]', 'compare.reference=null'],
  },
  sensor: {
    sweep: 'scenarios/own-workload.yaml',
    module: 'scenarios/own-workload.mjs',
    set: ['grid.params.half_life=[50]', 'grid.max_compute_units=[null]', 'compare.reference=null'],
  },
}
const shares = words.shares.split(',').map(Number)
const pairShares = words['pair-shares'].split(',').map(Number)
const loads = words.loads.split(',')
const names = words.workloads.split(',')
const limitMs = 1000 * Number(words.limit)
const margins = words.margins.split(',').map(Number)
/** Duets near in time share the machine's mood: they are drawn together. */
const BLOCK = 6
const CALIBRATION = { guess: 1000, share: 0.1, duets: [4, 16] }
/** Of the order in which things are measured. */
const order = randomStream(Date.now())

mkdirSync(dirname(words.out), { recursive: true })
const modules = makeOwnedFolder()
process.on('exit', () => rmSync(modules, { recursive: true, force: true }))

/** Turns of a loop that cost as much as one row, by workload: measured once and kept with what was recorded. */
const turns = new Map()

function moduleWith(name, share) {
  return writeModule(name, share, share * turns.get(name))
}

function writeModule(name, word, turnsPerRow) {
  const path = join(modules, `${name}-${word}-${turnsPerRow}.mjs`)
  const url = (file) => JSON.stringify(pathToFileURL(join(root, file)).href)
  writeFileSync(
    path,
    `import base from ${url(SWEEPS[name].module)}\nimport inject from ${url('test/bench/gate-inject.mjs')}\nexport default inject(base, ${turnsPerRow})\n`,
  )
  return path
}

/** Another tenant: a process that is busy for up to 3 s and away for up to 3 s. */
function neighbour() {
  const code = `const burn = () => { const end = Date.now() + 3000 * Math.random(); while (Date.now() < end); setTimeout(burn, 3000 * Math.random()) }; burn()`
  return spawn(process.execPath, ['-e', code], { stdio: 'ignore' })
}

function recorded() {
  if (!existsSync(words.out)) return []
  const lines = readFileSync(words.out, 'utf8').split('\n')
  // A line that was cut short is measured again.
  return lines.flatMap((line) => (line.endsWith('}') ? [JSON.parse(line)] : []))
}

const seriesKey = ({ kind, name, load, share }) => `${kind} ${name} ${load} ${share}`

async function record(stop) {
  const counts = new Map()
  for (const line of recorded()) counts.set(seriesKey(line), (counts.get(seriesKey(line)) ?? 0) + 1)
  const executor = new LocalExecutor()
  stop.addEventListener('abort', () => void executor.close(), { once: true })
  try {
    for (const load of loads) {
      const tenant = load === 'busy' ? neighbour() : null
      try {
        for (const name of names) await recordWorkload(executor, name, load, counts, stop)
      } finally {
        tenant?.kill('SIGKILL')
      }
    }
  } finally {
    await executor.close()
  }
}

async function recordWorkload(executor, name, load, counts, stop) {
  const { sweep, locate } = loadSweep(join(root, SWEEPS[name].sweep), { set: SWEEPS[name].set })
  const asked = { ...sweep, workload: join(root, SWEEPS[name].module) }
  const prepared = await prepareSession({ sweep: asked, locate, executor, dataFolder: modules })
  if (!prepared.ok) throw new Error(prepared.problem.message)
  const { session } = prepared
  const [scenario] = session.sweep.scenarios
  const entry = { scenario, params: { baseline: scenario.params, candidate: scenario.params } }
  const series = { executor, session, entry, versionOf: versionsFor(session) }
  if (!turns.has(name)) await calibrate(name, series)
  await recordSeries('duets', Number(words.duets), duetRound(name, series), { name, load, counts, stop })
  await recordSeries('pairs', Number(words.pairs), pairRound(name, series), { name, load, counts, stop })
}

/** Asks each module once what it is, and tells the executor of all of them. */
function versionsFor(session) {
  const known = new Map()
  return async (path) => {
    if (!known.has(path)) known.set(path, { name: path, ...(await session.askOther(path, modules)) })
    session.provide(null, [...known.values()])
    return known.get(path)
  }
}

/** How many turns cost as much as a row in a duet, by the CPU time of the sides' threads: a guess, then a better one. */
async function calibrate(name, { executor, session, entry, versionOf }) {
  let perRow = CALIBRATION.guess
  for (const duets of CALIBRATION.duets) {
    const tried = CALIBRATION.share * perRow
    const versions = {
      baseline: await versionOf(writeModule(name, 'calibration-0', 0)),
      candidate: await versionOf(writeModule(name, `calibration-${duets}`, tried)),
    }
    let sum = 0
    for (let duet = 0; duet < duets; duet++) {
      const first = duet % 2 === 0 ? 'baseline' : 'candidate'
      const { sums } = await executor.duet(duetSpecOf(session, entry, versions, duet, first))
      sum += Math.log(sums.candidate.cpu_ms / sums.baseline.cpu_ms)
    }
    perRow = tried / Math.expm1(sum / duets)
  }
  turns.set(name, perRow)
  appendFileSync(words.out, `${JSON.stringify({ kind: 'turns', name, turns: perRow })}\n`)
}

/** Round by round, so that every share sees the same times of day. */
async function recordSeries(kind, wanted, play, { name, load, counts, stop }) {
  const done = (share) => counts.get(seriesKey({ kind, name, load, share })) ?? 0
  const played = kind === 'duets' ? shares : pairShares
  for (let round = 0; round < wanted; round++) {
    const missing = played.filter((share) => done(share) <= round)
    for await (const line of play(missing, round)) {
      if (stop.aborted) return
      appendFileSync(words.out, `${JSON.stringify({ kind, name, load, ...line })}\n`)
      counts.set(seriesKey({ kind, name, load, ...line }), done(line.share) + 1)
    }
    process.stderr.write(`\r${load} ${name} ${kind} ${round + 1}/${wanted}   `)
  }
  process.stderr.write('\n')
}

function duetRound(name, { executor, session, entry, versionOf }) {
  const sides = new Map(shares.map((share) => [share, new SideOrder(order)]))
  return async function* (missing, round) {
    for (const share of shuffle(missing, order)) {
      const first = sides.get(share).next()
      const versions = {
        baseline: await versionOf(moduleWith(name, 0)),
        candidate: await versionOf(moduleWith(name, share)),
      }
      const began = performance.now()
      const duet = await executor.duet(duetSpecOf(session, entry, versions, round, first))
      yield { share, first, ms: performance.now() - began, duet }
    }
  }
}

/** One trial of the baseline and one of each share, in shuffled order: the baseline stands beside each of them. */
function pairRound(name, { executor, session, entry, versionOf }) {
  return async function* (missing, round) {
    const trials = new Map()
    for (const who of shuffle(missing.length === 0 ? [] : ['baseline', ...missing], order)) {
      const side = who === 'baseline' ? 'baseline' : 'candidate'
      const version = await versionOf(moduleWith(name, who === 'baseline' ? 0 : who))
      const versions = { baseline: version, candidate: version }
      const began = performance.now()
      const { metrics } = await executor.run(trialSpecOf(session, entry, side, round, versions))
      trials.set(who, { metrics, ms: performance.now() - began })
    }
    const baseline = trials.get('baseline')
    for (const share of missing) {
      const candidate = trials.get(share)
      yield {
        share,
        ms: baseline.ms + candidate.ms,
        baseline: baseline.metrics,
        candidate: candidate.metrics,
      }
    }
  }
}

/** Draws blocks of neighbours; which side began alternates as in the series. */
function* drawn(series, random) {
  for (;;) {
    const from = 2 * Math.floor((random() * Math.max(1, series.length - BLOCK + 1)) / 2)
    yield* series.slice(from, from + BLOCK)
  }
}

/** One gate by the policy itself, fed with what was recorded, on a clock that runs as it ran then. */
async function resampledGate(duets, pairs, margin, random) {
  let now = 0
  const [ofDuets, ofPairs] = [drawn(duets, random), drawn(pairs, random)]
  let round = null
  const executor = {
    duet: async () => {
      const { value } = ofDuets.next()
      now += value.ms
      return value.duet
    },
    run: async ({ trial }) => {
      if (round === null || round.used) round = { ...ofPairs.next().value, used: false }
      else round.used = true
      now += round.ms / 2
      return {
        outcome: 'ok',
        metrics: trial.endsWith('-baseline') ? round.baseline : round.candidate,
        energy: { source: null },
        caps: {},
      }
    },
  }
  const scenario = { id: 's', label: 's', point: {}, settings: {}, params: {}, dataset: null }
  return await compareInLockStep({
    executor,
    session: resampledSession(random),
    scenarios: [{ scenario, params: { baseline: {}, candidate: {} } }],
    versions: { baseline: {}, candidate: {} },
    rules: { table: metricTable({}), settings: { margins: {}, alpha: 0.01 }, margin },
    limitMs,
    now: () => now,
    signal: new AbortController().signal,
  })
}

/** Makes specs that the executor of a resampled gate looks at for nothing but their names. */
function resampledSession(random) {
  const spec = (_, { round, side }) => ({ trial: `s-r${round}-${side}`, caps: {} })
  return { sweep: { random_seed: Math.floor(random() * 2 ** 31) }, spec }
}

/** The usual ways, given the same time: a claim where Welch's interval at 95% lies beyond the margin. */
function usual(pairs, shuffled, margin, random) {
  const each = pairs.reduce((sum, { ms }) => sum + ms, 0) / pairs.length
  const n = Math.max(3, Math.floor(limitMs / each))
  const span = shuffled ? n : 2 * n
  if (pairs.length < span) return null
  const from = Math.floor(random() * (pairs.length - span + 1))
  const value = (side) => (line) => line[side].latency_mean_ms
  const a = pairs.slice(from, from + n).map(value('baseline'))
  const b = pairs.slice(shuffled ? from : from + n, from + span).map(value('candidate'))
  const { ratio } = welchTest(a, b, { scale: 'log', level: 0.95 })
  return ratio?.low == null ? null : ratio.low > 1 + margin ? 1 : ratio.high < 1 + margin ? 0 : 3
}

/** Wilson's interval of a share at 95%. */
function shareText(hits, n) {
  if (n === 0) return '-'
  const z = 1.96
  const p = hits / n
  const centre = (p + (z * z) / (2 * n)) / (1 + (z * z) / n)
  const half = (z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n))) / (1 + (z * z) / n)
  const percent = (x) => (100 * Math.max(0, Math.min(1, x))).toFixed(1)
  return `${percent(p)}% [${percent(centre - half)}, ${percent(centre + half)}]`
}

function momentsText(values) {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length
  const sd = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1))
  return `${(100 * Math.expm1(mean)).toFixed(2)}% sd ${sd.toFixed(4)}`
}

function isWhole({ baseline: a, candidate: b }) {
  return a.latency_mean_ms > 0 && b.latency_mean_ms > 0
}

async function table(margin, stop) {
  const lines = recorded()
  const rows = [
    ['workload', 'load', 'injected', 'duets', 'latency', 'cpu', 'way', 'gates', 'exit 1', 'exit 0', 'exit 3'],
  ]
  const random = randomStream(7)
  for (const name of names)
    for (const load of loads)
      for (const share of shares) {
        if (stop.aborted) return
        const of = (kind, recordedShare = share) =>
          lines.filter((line) => seriesKey(line) === seriesKey({ kind, name, load, share: recordedShare }))
        const duets = of('duets').filter(({ duet }) => duet.sums !== null)
        // The injected loop takes no memory: where trials of a share were not recorded, those of another stand in.
        const own = of('pairs').filter(isWhole)
        const pairs = own.length > 0 ? own : of('pairs', pairShares[0]).filter(isWhole)
        if (duets.length < 2 * BLOCK || pairs.length < 4) continue
        const log = (key) =>
          duets.map(({ duet: { sums } }) => Math.log(sums.candidate[key] / sums.baseline[key]))
        const head = [
          name,
          load,
          `+${100 * share}%`,
          duets.length,
          momentsText(log('latency_ms')),
          momentsText(log('cpu_ms')),
        ]
        const ways = {
          'lock step': async () =>
            ({ regression: 1, ruled_out: 0, undecided: 3 })[
              (await resampledGate(duets, pairs, margin, random)).verdict
            ],
          ...(own.length > 0 && {
            'A then B, Welch': async () => usual(own, false, margin, random),
            'shuffled, Welch': async () => usual(own, true, margin, random),
          }),
        }
        for (const [way, play] of Object.entries(ways)) {
          const codes = []
          for (let gate = 0; gate < Number(words.gates) && !stop.aborted; gate++) {
            const code = await play()
            if (code !== null) codes.push(code)
          }
          // A series too short for this way's windows.
          if (codes.length === 0) continue
          const count = (code) => shareText(codes.filter((one) => one === code).length, codes.length)
          rows.push([
            ...(way === 'lock step' ? head : ['', '', '', '', '', '']),
            way,
            codes.length,
            count(1),
            count(0),
            count(3),
          ])
        }
      }
  return rows
}

/** Real gates, through the command line. */
async function recordLive(stop) {
  const counts = new Map()
  for (const line of recorded()) counts.set(seriesKey(line), (counts.get(seriesKey(line)) ?? 0) + 1)
  for (let round = 0; round < Number(words.live); round++)
    for (const [name, load, share] of shuffle(cells(), order)) {
      const line = { kind: 'live', name, load, share }
      if ((counts.get(seriesKey(line)) ?? 0) > round) continue
      const began = performance.now()
      const code = await liveGate(line, round, stop)
      if (stop.aborted) return
      appendFileSync(words.out, `${JSON.stringify({ ...line, code, ms: performance.now() - began })}\n`)
      process.stderr.write(
        `\rlive ${round + 1}/${words.live}: ${load} ${name} +${100 * share}%: exit ${code}   `,
      )
    }
  process.stderr.write('\n')
}

function cells() {
  const live = words['live-shares'].split(',').map(Number)
  return names.flatMap((name) => loads.flatMap((load) => live.map((share) => [name, load, share])))
}

async function liveGate({ name, load, share }, round, stop) {
  const tenant = load === 'busy' ? neighbour() : null
  try {
    const { sweep, set } = SWEEPS[name]
    const args = [
      'gate',
      join(root, sweep),
      '--a',
      moduleWith(name, 0),
      '--b',
      moduleWith(name, share),
      '--quiet',
    ]
    args.push('--margin', `${margins[0]}`, '--time-limit', `${words.limit}s`, '--seed', `${round + 1}`)
    for (const one of set) args.push('--set', one)
    const main = join(root, 'dist/harness/cli/main.js')
    const gate = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
    const interrupt = () => gate.kill('SIGINT')
    stop.addEventListener('abort', interrupt, { once: true })
    const [code] = await once(gate, 'exit')
    stop.removeEventListener('abort', interrupt)
    return code
  } finally {
    tenant?.kill('SIGKILL')
  }
}

function liveTable() {
  const rows = [['workload', 'load', 'injected', 'gates', 'exit 1', 'exit 0', 'exit 3', 'other', 'mean s']]
  const lines = recorded().filter(({ kind }) => kind === 'live')
  for (const [name, load, share] of cells()) {
    const gates = lines.filter((line) => seriesKey(line) === seriesKey({ kind: 'live', name, load, share }))
    if (gates.length === 0) continue
    const count = (wanted) => shareText(gates.filter(({ code }) => wanted(code)).length, gates.length)
    rows.push([
      name,
      load,
      `+${100 * share}%`,
      gates.length,
      ...[1, 0, 3].map((code) => count((one) => one === code)),
      count((code) => ![0, 1, 3].includes(code)),
      (gates.reduce((sum, { ms }) => sum + ms, 0) / gates.length / 1000).toFixed(0),
    ])
  }
  return rows
}

function markdown(rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [line(rows[0]), `|${rows[0].map(() => '---').join('|')}|`, ...rows.slice(1).map(line)].join('\n')
}

function machine() {
  const memory = Math.round(totalmem() / 2 ** 30)
  return `${cpus()[0].model.trim()}, ${availableParallelism()} cores, ${memory} GiB; Node ${process.versions.node}`
}

for (const { kind, name, turns: known } of recorded()) if (kind === 'turns') turns.set(name, known)
const stop = new AbortController()
process.once('SIGINT', () => stop.abort())
try {
  await record(stop.signal)
  if (!stop.signal.aborted) await recordLive(stop.signal)
} catch (error) {
  if (!stop.signal.aborted) throw error
}
const tables = [
  `Recorded up to ${new Date().toISOString().slice(0, 10)}: ${machine()}. ${words.gates} resampled gates a cell.`,
]
for (const margin of margins) {
  tables.push(`### Resampled, margin ${100 * margin}%`, markdown(await table(margin, stop.signal)))
}
tables.push(`### Live, margin ${100 * margins[0]}%`, markdown(liveTable()))
console.log(tables.join('\n\n'))
if (words.write && !stop.signal.aborted) {
  rewriteBetween(join(root, 'docs/evidence/gate-proof.md'), 'bench:gate', tables.join('\n\n'))
}
