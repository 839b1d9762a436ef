/**
 * What a gate finds, by kind of change: live gates of a workload of known cost against a variant of it.
 *
 *   npm run build && node test/bench/gate-cases.mjs [--gates 10] [--limit 60] [--only WORD]... [--busy] [--write]
 *
 * Each row is a change that a gate must find (exit 1), or none (exit 0). Exit 3 is no error but no answer either. A pass of
 * what is worse, and a claim of what is not, are errors; their shares have 95% intervals (Clopper and Pearson). With
 * `--busy` every other gate runs beside a process that takes one core half of the time. `--write` puts the table between
 * the marks in docs/evidence/gate-proof.md.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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

function interval(errors, n) {
  const { beta } = jstat.jStat
  const low = errors === 0 ? 0 : beta.inv(0.025, errors, n - errors + 1)
  const high = errors === n ? 1 : beta.inv(0.975, errors + 1, n - errors)
  return `${(100 * low).toFixed(0)} to ${(100 * high).toFixed(0)}%`
}

/** Takes one core half of the time until it is killed. */
function neighbour() {
  const code =
    'for (;;) { const end = Date.now() + 50; while (Date.now() < end); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50) }'
  return spawn(process.execPath, ['-e', code], { stdio: 'ignore' })
}

const folder = mkdtempSync(join(tmpdir(), 'gate-cases-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const gates = Number(words.gates)
const rows = []
for (const { name, finds, base = {}, change = {}, asynchronous = false } of CASES) {
  if (words.only.length > 0 && !words.only.some((word) => name.includes(word))) continue
  const text = (parts) =>
    asynchronous ? moduleOf(parts).replace('step() {', 'async step() {') : moduleOf(parts)
  writeFileSync(join(folder, 'baseline.mjs'), text(base))
  writeFileSync(join(folder, 'candidate.mjs'), text({ ...base, ...change }))
  writeFileSync(join(folder, 'sweep.yaml'), 'name: cases\nworkload: ./baseline.mjs\ntimeout_s: 300\n')
  const exits = { 0: 0, 1: 0, 3: 0 }
  const seconds = []
  for (let gate = 0; gate < gates; gate++) {
    const beside = words.busy && gate % 2 === 1 ? neighbour() : null
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
    seconds.push((performance.now() - started) / 1000)
    exits[run.status] = (exits[run.status] ?? 0) + 1
    if (![0, 1, 3].includes(run.status)) console.error(run.stderr)
    const bad = run.status === 0 ? finds === true : run.status === 1 && finds === false
    if (bad || process.env.SHOW === '1') {
      const { rows: all = [] } = JSON.parse(run.stdout || '{}')
      console.error(
        name,
        run.status,
        all
          .map((row) => `${row.metric} ${row.verdict} ${row.ratio?.value?.toFixed(3)} n ${row.n}`)
          .join('; '),
      )
    }
  }
  const errors = finds === true ? exits[0] : finds === false ? exits[1] : 0
  rows.push({ name, finds, exits, errors, longest: Math.max(...seconds) })
  console.error(
    `${name}: found ${exits[1]}, passed ${exits[0]}, undecided ${exits[3]}, longest ${Math.max(...seconds).toFixed(0)} s`,
  )
}
const expected = { true: 'found', false: 'passed', null: 'found or passed' }
const table = [
  `Measured on ${new Date().toISOString().slice(0, 10)}: ${cpus()[0].model.trim()}, ${availableParallelism()} cores, load ${loadavg()[0].toFixed(1)} at the end; Node ${process.versions.node}.`,
  `\`node test/bench/gate-cases.mjs --gates ${gates} --limit ${words.limit}${words.busy ? ' --busy' : ''}\`.`,
  '',
  '| change | expected | found | passed | undecided | wrong, 95% | longest, s |',
  '| --- | --- | --- | --- | --- | --- | --- |',
  ...rows.map(
    ({ name, finds, exits, errors, longest }) =>
      `| ${name} | ${expected[finds]} | ${exits[1]} | ${exits[0]} | ${exits[3]} | ${finds === null ? '' : `${errors} of ${gates} (${interval(errors, gates)})`} | ${longest.toFixed(0)} |`,
  ),
].join('\n')
console.log(table)
if (words.write) {
  rewriteBetween(join(ROOT, 'docs/evidence/gate-proof.md'), 'gate-cases', table)
}
