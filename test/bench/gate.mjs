/**
 * What a gate finds, by kind of change: live gates of a workload of known cost against a variant of it.
 *
 *   npm run build && node test/bench/gate.mjs [--gates 10] [--limit 60] [--only WORD]... [--busy] [--write]
 *
 * Each row is a change that a gate must find (exit 1), or none (exit 0). Exit 3 is no error but no answer either. A pass of
 * what is worse, and a claim of what is not, are errors; their shares have 95% intervals (Clopper and Pearson). With
 * `--busy` each gate runs beside a process that takes one core half of the time. `--write` enters each gate into
 * docs/evidence/gate-proof.md when it has ended, so that rows can be made in pieces: gates of a row under the same load
 * and limit add up while the code that measures and decides stays the same; those of other code take their place.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import jstat from 'jstat'
import { CASES, calibrated, moduleOf } from './gate-cases.mjs'
import { rewriteBetween } from './markers.mjs'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const STINT = join(ROOT, 'dist/harness/cli/main.js')
const PAGE = join(ROOT, 'docs/evidence/gate-proof.md')
const { values: words } = parseArgs({
  options: {
    gates: { type: 'string', default: '10' },
    limit: { type: 'string', default: '60' },
    only: { type: 'string', multiple: true, default: [] },
    busy: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})

// ---------------------------------------------------------------- which code was measured

/** What measures and decides: changes elsewhere change no verdict. Trial processes with all that they import. */
const DECIDES = [
  ...['decide', 'judge', 'lock-step', 'margins', 'outcomes', 'plan', 'run-gate', 'tests', 'time-limit'].map(
    (name) => `harness/gate/${name}.ts`,
  ),
  ...['descriptive', 'distributions', 'sequential'].map((name) => `harness/analyse/${name}.ts`),
  ...['core', 'executor', 'receive', 'trial-process', 'trial-result'].map(
    (name) => `harness/execute/local/${name}.ts`,
  ),
  ...withImports(
    ['duet-process', 'supervisor', 'trial-process', 'worker'].map((name) => `workers/${name}.ts`),
  ),
  'test/bench/gate-cases.mjs',
]

function withImports(entries) {
  const files = new Set()
  const add = (file) => {
    if (files.has(file) || !existsSync(join(ROOT, file))) return
    files.add(file)
    for (const [, to] of readFileSync(join(ROOT, file), 'utf8').matchAll(
      /^(?:import|export|\}) .*from '(\.[^']+)'/gm,
    ))
      add(relative(ROOT, join(ROOT, dirname(file), to)))
  }
  for (const entry of entries) add(entry)
  return [...files]
}

function git(...words) {
  return spawnSync('git', ['-C', ROOT, ...words], { encoding: 'utf8' })
}

const changed = git('status', '--porcelain', '-uno', '--', ...DECIDES).stdout.trim() !== ''
const commit = git('rev-parse', '--short=8', 'HEAD').stdout.trim() + (changed ? '+' : '')

/** Whether gates of these commits were measured and decided as those of now. */
function isSameCode(commits) {
  const usual = [...commits.split(', '), commit].every((one) => /^[0-9a-f]+$/.test(one))
  return (
    usual &&
    commits.split(', ').every((one) => git('diff', '--quiet', one, 'HEAD', '--', ...DECIDES).status === 0)
  )
}

// ---------------------------------------------------------------- gates

/** Takes one core half of the time until it is killed. */
function neighbour() {
  const code =
    'for (;;) { const end = Date.now() + 50; while (Date.now() < end); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50) }'
  return spawn(process.execPath, ['-e', code], { stdio: 'ignore' })
}

const folder = mkdtempSync(join(tmpdir(), 'gate-cases-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

/** One gate: its exit code, and how long the whole command took, s. */
function play({ name, finds }) {
  const beside = words.busy ? neighbour() : null
  const modules = [
    '--baseline-module',
    join(folder, 'baseline.mjs'),
    '--candidate-module',
    join(folder, 'candidate.mjs'),
  ]
  const limit = ['--time-limit', `${words.limit}s`]
  const started = performance.now()
  const run = spawnSync(
    process.execPath,
    [STINT, 'gate', join(folder, 'sweep.yaml'), ...modules, ...limit, '--quiet', '--json'],
    { encoding: 'utf8' },
  )
  const seconds = (performance.now() - started) / 1000
  beside?.kill('SIGKILL')
  if (![0, 1, 3].includes(run.status)) throw new Error(`${name} ended with ${run.status}: ${run.stderr}`)
  if (isWrong(finds, run.status) || process.env.SHOW === '1') {
    const { rows: all = [] } = JSON.parse(run.stdout || '{}')
    const seen = all.map((row) => `${row.metric} ${row.verdict} ${row.ratio?.value?.toFixed(3)} n ${row.n}`)
    console.error(name, run.status, seen.join('; '))
  }
  return { exit: run.status, seconds }
}

const isWrong = (finds, exit) => (exit === 0 && finds === true) || (exit === 1 && finds === false)

function prepare({ sweep = '', base = {}, change = {} }) {
  writeFileSync(join(folder, 'baseline.mjs'), moduleOf(turnsPerMs, base))
  writeFileSync(join(folder, 'candidate.mjs'), moduleOf(turnsPerMs, { ...base, ...change }))
  writeFileSync(
    join(folder, 'sweep.yaml'),
    `name: cases\nworkload: ./baseline.mjs\ntimeout_s: 300\n${sweep}\n`,
  )
}

// ---------------------------------------------------------------- rows: { name, load, limit, exits, seconds, longest, when, commit }

function rowOf(name, { exit, seconds }) {
  return {
    name,
    load: words.busy ? 'busy' : 'quiet',
    limit: words.limit,
    exits: { 0: 0, 1: 0, 3: 0, [exit]: 1 },
    seconds,
    longest: seconds,
    when: new Date().toISOString().slice(0, 10),
    commit,
  }
}

const gatesOf = ({ exits }) => exits[0] + exits[1] + exits[3]

/** Those that the page has. */
function written() {
  const [, block = ''] = /<!-- gate-cases: begin -->([\s\S]*)<!-- gate-cases: end -->/.exec(
    readFileSync(PAGE, 'utf8'),
  )
  return block.split('\n').flatMap((line) => {
    const cells = line.split('|').map((cell) => cell.trim())
    const [, name, , load, limit, found, passed, undecided, , mean, longest, when, commit] = cells
    if (!CASES.some((one) => one.name === name)) return []
    const exits = { 0: Number(passed), 1: Number(found), 3: Number(undecided) }
    const seconds = Number(mean) * gatesOf({ exits })
    return [{ name, load, limit, exits, seconds, longest: Number(longest), when, commit }]
  })
}

/** The rows with one more, which adds to what `addsTo` says it can be added to. */
function entered(rows, row, addsTo) {
  const same = (one) => one.name === row.name && one.load === row.load
  const before = rows.find((one) => same(one) && one.limit === row.limit && addsTo(one))
  const sum = before && {
    ...row,
    exits: Object.fromEntries([0, 1, 3].map((exit) => [exit, row.exits[exit] + before.exits[exit]])),
    seconds: row.seconds + before.seconds,
    longest: Math.max(row.longest, before.longest),
    commit: [...new Set([...before.commit.split(', '), row.commit])].join(', '),
  }
  const order = ({ name, load }) => 2 * CASES.findIndex((one) => one.name === name) + (load === 'busy')
  return [...rows.filter((one) => !same(one)), sum ?? row].sort((a, b) => order(a) - order(b))
}

// ---------------------------------------------------------------- the table

/** Of a share, 95%, Clopper and Pearson. */
function interval(count, n) {
  const { beta } = jstat.jStat
  const low = count === 0 ? 0 : beta.inv(0.025, count, n - count + 1)
  const high = count === n ? 1 : beta.inv(0.975, count + 1, n - count)
  return `${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)}%`
}

const shareOf = (count, n) => `${count} of ${n} (95%: ${interval(count, n)})`
const EXPECTED = { true: 'found', false: 'passed', null: 'found or passed' }
const findsOf = ({ name }) => CASES.find((one) => one.name === name).finds
const wrongOf = (row) => ({ true: row.exits[0], false: row.exits[1], null: 0 })[findsOf(row)]

function tableOf(rows) {
  const lines = rows.map((row) => {
    const { name, load, limit, exits, seconds, longest, when, commit } = row
    const gates = gatesOf(row)
    const share =
      findsOf(row) === null ? '' : `${wrongOf(row)} of ${gates} (${interval(wrongOf(row), gates)})`
    const times = `${(seconds / gates).toFixed(1)} | ${longest.toFixed(1)}`
    return `| ${name} | ${EXPECTED[findsOf(row)]} | ${load} | ${limit} | ${exits[1]} | ${exits[0]} | ${exits[3]} | ${share} | ${times} | ${when} | ${commit} |`
  })
  const sum = (some, count) => some.reduce((total, row) => total + count(row), 0)
  const sentence = (what, some, count) =>
    some.length === 0 ? [] : [`- ${what}: ${shareOf(sum(some, count), sum(some, gatesOf))}.`]
  const worse = rows.filter((row) => findsOf(row) === true)
  const found = (load) =>
    sentence(
      `Found of what is worse, ${load}`,
      worse.filter((row) => row.load === load),
      ({ exits }) => exits[1],
    )
  const late = rows.filter(({ longest, limit }) => longest > 1.1 * Number(limit)).map(({ name }) => name)
  return [
    `${cpus()[0].model.trim()}, ${availableParallelism()} cores; Node ${process.versions.node}.`,
    '',
    '| change | expected | load | limit, s | found | passed | undecided | wrong (95%) | mean, s | longest, s | played | commit |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
    '',
    ...sentence('Passes of what is worse', worse, wrongOf),
    ...sentence(
      'Claims where nothing changed',
      rows.filter((row) => findsOf(row) === false),
      wrongOf,
    ),
    ...found('quiet'),
    ...found('busy'),
    `- The whole command took longer than its limit and a tenth in ${late.length === 0 ? 'no row' : late.join(', ')}.`,
  ].join('\n')
}

const chosen = CASES.filter(
  ({ name }) => words.only.length === 0 || words.only.some((word) => name.includes(word)),
)
if (chosen.length === 0)
  throw new Error(`no row has ${words.only.join(' or ')}: ${CASES.map(({ name }) => name).join('; ')}`)
const turnsPerMs = calibrated()
const before = words.write ? written() : []
let rows = []
for (const one of chosen) {
  prepare(one)
  for (let gate = 0; gate < Number(words.gates); gate++) {
    rows = entered(rows, rowOf(one.name, play(one)), () => true)
    const all = rows.reduce((page, row) => entered(page, row, ({ commit }) => isSameCode(commit)), before)
    if (words.write) rewriteBetween(PAGE, 'gate-cases', tableOf(all))
  }
  const row = rows.find(({ name }) => name === one.name)
  console.error(
    `${one.name}: found ${row.exits[1]}, passed ${row.exits[0]}, undecided ${row.exits[3]}, longest ${row.longest.toFixed(1)} s, load ${loadavg()[0].toFixed(1)}`,
  )
}
console.log(tableOf(rows))
