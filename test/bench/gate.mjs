/**
 * What a gate finds, by kind of change: live gates of a workload of known cost against a variant of it.
 *
 *   npm run build && node test/bench/gate.mjs [--gates 10] [--limit 60] [--only WORD]... [--busy] [--write]
 *
 * Each row is a change that a gate must find (exit 1), or none (exit 0). Exit 3 is no error but no answer either. A pass of
 * what is worse, and a claim of what is not, are errors; their shares have 95% intervals (Clopper and Pearson). With
 * `--busy` each gate runs beside a process that takes one core half of the time. `--write` enters what was played into
 * docs/evidence/gate-proof.md after each row, so that it can be made in pieces: gates of a row under the same load, limit
 * and commit add up, those of another commit take its place, and rows that were not played stay as they are.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import jstat from 'jstat'
import { rewriteBetween } from './markers.mjs'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const STINT = join(ROOT, 'dist/harness/cli/main.js')
const { values: words } = parseArgs({
  options: {
    gates: { type: 'string', default: '10' },
    limit: { type: 'string', default: '60' },
    only: { type: 'string', multiple: true, default: [] },
    busy: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})

/** Turns of the workload's loop in a millisecond, so that every machine plays the same times. */
const turnsPerMs = (() => {
  let acc = 0
  const started = performance.now()
  for (let i = 0; i < 20_000_000; i++) acc = Math.sqrt(acc + i)
  return 20_000_000 / (performance.now() - started) + 0 * acc
})()

/**
 * A module whose step `i` of `n` takes `ms(i)`.
 * @param change texts that replace the usual ones
 */
function moduleOf(change = {}) {
  const {
    n = 600,
    ms = '0.7',
    open = '',
    finish = '',
    keep = 0,
    own = 20,
    rows = 10,
    step = '',
    name = 'acc',
  } = change
  return `
const n = ${n}
const msOf = (i) => ${ms}
const metrics = {
  own_ms: { unit: 'ms', direction: 'lower_is_better', kind: 'measured', description: 'its own' },
}
export default {
  describe: () => ({ name: 'known-cost', params: {}, dataset: 'none', metrics }),
  async open() {
    ${open}
    let ${name} = 0
    let i = 0
    const kept = []
    for (let k = 0; k < 40 + ${keep}; k++) kept.push(new Float64Array(32_768).fill(k))
    return {
      step() {
        if (i >= n) return null
        ${step}
        const turns = msOf(i++) * ${turnsPerMs.toFixed(0)}
        for (let k = 0; k < turns; k++) ${name} = Math.sqrt(${name} + k)
        return { rows: ${rows} }
      },
      async finish() {
        ${finish}
        return { metrics: { own_ms: ${own} * (1 + 0.02 * Math.random()) + 0 * kept.length * ${name} } }
      },
    }
  },
}
`
}

const SLEEP = 'await new Promise((resolve) => setTimeout(resolve, MS))'
/** `finds`: whether the change is one for the worse by more than twice its margin. */
const CASES = [
  { name: 'same', finds: false },
  { name: 'renamed', finds: false, change: { name: 'total' } },
  { name: '+3% everywhere', finds: null, change: { ms: '0.721' } },
  { name: '+5% everywhere', finds: true, change: { ms: '0.735' } },
  { name: '+10% everywhere', finds: true, change: { ms: '0.77' } },
  { name: 'first tenth x2', finds: true, change: { ms: 'i < n / 10 ? 1.4 : 0.7' } },
  { name: 'middle third x2', finds: true, change: { ms: 'i > n / 3 && i < (2 * n) / 3 ? 1.4 : 0.7' } },
  { name: 'second half x2', finds: true, change: { ms: 'i > n / 2 ? 1.4 : 0.7' } },
  { name: 'growing to x2', finds: true, change: { ms: '0.7 * (1 + i / n)' } },
  { name: 'every 50th chunk x10', finds: true, change: { ms: 'i % 50 === 0 ? 7 : 0.7' } },
  { name: 'longer tail, equal mean', finds: true, change: { ms: 'i % 50 === 0 ? 4.2 : 0.6286' } },
  { name: 'start-up + 500 ms', finds: true, change: { open: SLEEP.replace('MS', '500') } },
  { name: 'finish + 1 s', finds: true, change: { finish: SLEEP.replace('MS', '1000') } },
  { name: 'memory x2', finds: true, change: { keep: 40 } },
  { name: 'rows dropped', finds: true, change: { rows: 9 } },
  { name: 'steps dropped', finds: true, change: { n: 90 } },
  { name: 'own metric +50%', finds: true, change: { own: 30 } },
  { name: 'steps of 2 s, +30%', finds: true, base: { n: 3, ms: '2000' }, change: { n: 3, ms: '2600' } },
  {
    name: 'steps of 10 us, +10%',
    finds: true,
    base: { n: 20_000, ms: '0.01' },
    change: { n: 20_000, ms: '0.011' },
  },
  {
    name: 'asynchronous steps, +10%',
    finds: true,
    base: { step: '/* then */' },
    change: { ms: '0.77' },
    asynchronous: true,
  },
  { name: 'endless', finds: true, change: { step: 'for (;;) i++' } },
]

const PAGE = join(ROOT, 'docs/evidence/gate-proof.md')

/** Of a share, 95%, Clopper and Pearson. */
function interval(errors, n) {
  const { beta } = jstat.jStat
  const low = errors === 0 ? 0 : beta.inv(0.025, errors, n - errors + 1)
  const high = errors === n ? 1 : beta.inv(0.975, errors + 1, n - errors)
  return `${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)}%`
}

/** Takes one core half of the time until it is killed. */
function neighbour() {
  const code =
    'for (;;) { const end = Date.now() + 50; while (Date.now() < end); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50) }'
  return spawn(process.execPath, ['-e', code], { stdio: 'ignore' })
}

function git(...words) {
  return spawnSync('git', ['-C', ROOT, ...words], { encoding: 'utf8' }).stdout.trim()
}

const folder = mkdtempSync(join(tmpdir(), 'gate-cases-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

/** One gate: its exit code and what it took, s. */
function play({ name, finds }) {
  const beside = words.busy ? neighbour() : null
  const started = performance.now()
  const modules = [
    '--baseline-module',
    join(folder, 'baseline.mjs'),
    '--candidate-module',
    join(folder, 'candidate.mjs'),
  ]
  const run = spawnSync(
    process.execPath,
    [
      STINT,
      'gate',
      join(folder, 'sweep.yaml'),
      ...modules,
      '--time-limit',
      `${words.limit}s`,
      '--quiet',
      '--json',
    ],
    { encoding: 'utf8' },
  )
  beside?.kill('SIGKILL')
  if (![0, 1, 3].includes(run.status)) throw new Error(`${name} ended with ${run.status}: ${run.stderr}`)
  if (isWrong(finds, run.status) || process.env.SHOW === '1') {
    const { rows: all = [] } = JSON.parse(run.stdout || '{}')
    const seen = all.map((row) => `${row.metric} ${row.verdict} ${row.ratio?.value?.toFixed(3)} n ${row.n}`)
    console.error(name, run.status, seen.join('; '))
  }
  return { exit: run.status, seconds: (performance.now() - started) / 1000 }
}

const isWrong = (finds, exit) => (exit === 0 && finds === true) || (exit === 1 && finds === false)

/** Rows of the page, in the order of the cases; each is `{ name, load, limit, exits, seconds, longest, when, commit }`. */
function written() {
  const [, block = ''] = /<!-- gate-cases: begin -->([\s\S]*)<!-- gate-cases: end -->/.exec(
    readFileSync(PAGE, 'utf8'),
  )
  return block.split('\n').flatMap((line) => {
    const cells = line.split('|').map((cell) => cell.trim())
    const [, name, , load, limit, found, passed, undecided, , mean, longest, when, commit] = cells
    if (!CASES.some((one) => one.name === name)) return []
    const exits = { 0: Number(passed), 1: Number(found), 3: Number(undecided) }
    const gates = exits[0] + exits[1] + exits[3]
    return [
      { name, load, limit, exits, seconds: Number(mean) * gates, longest: Number(longest), when, commit },
    ]
  })
}

/** The rows with one more, which adds to what it can be added to. */
function entered(rows, row) {
  const same = (one) => one.name === row.name && one.load === row.load
  const before = rows.find((one) => same(one) && one.commit === row.commit && one.limit === row.limit)
  const sum = before && {
    ...row,
    exits: Object.fromEntries([0, 1, 3].map((exit) => [exit, row.exits[exit] + before.exits[exit]])),
    seconds: row.seconds + before.seconds,
    longest: Math.max(row.longest, before.longest),
  }
  const order = ({ name, load }) => 2 * CASES.findIndex((one) => one.name === name) + (load === 'busy')
  return [...rows.filter((one) => !same(one)), sum ?? row].sort((a, b) => order(a) - order(b))
}

const expected = { true: 'found', false: 'passed', null: 'found or passed' }

function tableOf(rows) {
  const errors = { true: [0, 0], false: [0, 0] }
  const lines = rows.map(({ name, load, limit, exits, seconds, longest, when, commit }) => {
    const { finds } = CASES.find((one) => one.name === name)
    const gates = exits[0] + exits[1] + exits[3]
    const wrong = finds === true ? exits[0] : finds === false ? exits[1] : 0
    if (finds !== null) errors[finds] = [errors[finds][0] + wrong, errors[finds][1] + gates]
    const share = finds === null ? '' : `${wrong} of ${gates} (${interval(wrong, gates)})`
    const times = `${(seconds / gates).toFixed(0)} | ${longest.toFixed(0)}`
    return `| ${name} | ${expected[finds]} | ${load} | ${limit} | ${exits[1]} | ${exits[0]} | ${exits[3]} | ${share} | ${times} | ${when} | ${commit} |`
  })
  const [passed, worse] = errors.true
  const [claimed, alike] = errors.false
  const sums = [
    ...(worse === 0
      ? []
      : [`Passes of what is worse: ${passed} of ${worse} gates (95%: ${interval(passed, worse)}).`]),
    ...(alike === 0
      ? []
      : [`Claims where nothing changed: ${claimed} of ${alike} gates (95%: ${interval(claimed, alike)}).`]),
  ]
  return [
    `${cpus()[0].model.trim()}, ${availableParallelism()} cores; Node ${process.versions.node}.`,
    '',
    '| change | expected | load | limit, s | found | passed | undecided | wrong (95%) | mean, s | longest, s | played | commit |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
    '',
    ...sums,
  ].join('\n')
}

const gates = Number(words.gates)
const commit =
  git('rev-parse', '--short=8', 'HEAD') + (git('status', '--porcelain', '-uno') === '' ? '' : '+')
const chosen = CASES.filter(
  ({ name }) => words.only.length === 0 || words.only.some((word) => name.includes(word)),
)
if (chosen.length === 0)
  throw new Error(`no row has ${words.only.join(' or ')}: ${CASES.map(({ name }) => name).join('; ')}`)
let rows = []
for (const one of chosen) {
  const { name, base = {}, change = {}, asynchronous = false } = one
  const text = (parts) =>
    asynchronous ? moduleOf(parts).replace('step() {', 'async step() {') : moduleOf(parts)
  writeFileSync(join(folder, 'baseline.mjs'), text(base))
  writeFileSync(join(folder, 'candidate.mjs'), text({ ...base, ...change }))
  writeFileSync(join(folder, 'sweep.yaml'), 'name: cases\nworkload: ./baseline.mjs\ntimeout_s: 300\n')
  const played = Array.from({ length: gates }, () => play(one))
  const count = (code) => played.filter(({ exit }) => exit === code).length
  const seconds = played.map((gate) => gate.seconds)
  const row = {
    name,
    load: words.busy ? 'busy' : 'quiet',
    limit: words.limit,
    exits: { 0: count(0), 1: count(1), 3: count(3) },
    seconds: seconds.reduce((sum, value) => sum + value, 0),
    longest: Math.max(...seconds),
    when: new Date().toISOString().slice(0, 10),
    commit,
  }
  rows = entered(rows, row)
  const load = loadavg()[0].toFixed(1)
  console.error(
    `${name}: found ${row.exits[1]}, passed ${row.exits[0]}, undecided ${row.exits[3]}, longest ${row.longest.toFixed(0)} s, load ${load}`,
  )
  if (words.write) rewriteBetween(PAGE, 'gate-cases', tableOf(entered(written(), row)))
}
console.log(tableOf(rows))
