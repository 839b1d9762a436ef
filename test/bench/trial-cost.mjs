/**
 * What a trial costs beside its work: fresh process, worker, caps and journal, over a bare fork with a worker thread that
 * answers and exits. All variants take turns in shuffled rounds of one run: only the ratios count.
 *
 *   npm run build && node test/bench/trial-cost.mjs [rounds=9] [DIST...]
 *
 * DIST: `dist` folders of other builds, to be compared with this one's. CPU time is that of all processes of the command.
 */
import { fork, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const FEW = 3
const MANY = 11
const FORKS = 8
const [given = '9', ...others] = process.argv.slice(2)
const own = fileURLToPath(new URL('../../dist', import.meta.url))
const builds = [own, ...others.map((path) => resolve(path))]
const folder = mkdtempSync(join(tmpdir(), 'stint-bench-'))
// Node 20 reads it for 40 ms at every start, on both sides.
delete process.env.NODE_EXTRA_CA_CERTS

const workload = join(folder, 'three-steps.mjs')
writeFileSync(
  workload,
  'export default { open() { let n = 0; return { step: () => (n++ < 3 ? { rows: 1 } : null), finish: () => ({ metrics: {} }) } } }',
)
const child = join(folder, 'child.cjs')
writeFileSync(
  child,
  `const { Worker } = require('worker_threads')
new Worker('require("worker_threads").parentPort.postMessage(1)', { eval: true }).once('message', () => process.send('r'))
process.on('message', () => process.exit(0))`,
)

/** Of all children that have ended, and theirs, ms. */
function childrenCpuMs() {
  const fields = readFileSync('/proc/self/stat', 'latin1').split(') ')[1].split(' ')
  return (Number(fields[13]) + Number(fields[14])) * 10
}

async function floor() {
  const before = childrenCpuMs()
  const walls = []
  for (let i = 0; i < FORKS; i++) {
    const begun = performance.now()
    await new Promise((resolve) => {
      const forked = fork(child)
      forked.once('message', () => forked.send('x'))
      forked.once('exit', resolve)
    })
    walls.push(performance.now() - begun)
  }
  return { wall: median(walls), cpu: (childrenCpuMs() - before) / FORKS }
}

/** @returns wall and CPU time of a trial, ms: the time from one trial's start to the next one's, and what more trials add */
function cost(dist, caps) {
  const run = (trials) => {
    const sweep = join(folder, 'sweep.yaml')
    writeFileSync(sweep, JSON.stringify({ name: 't', workload, benchmark_runs: trials, ...caps }))
    const out = mkdtempSync(join(folder, 'out-'))
    const before = childrenCpuMs()
    const main = join(dist, 'harness', 'cli', 'main.js')
    const { status, stderr } = spawnSync(
      process.execPath,
      [main, 'run', sweep, '--out', out, '--quiet', '--export', 'csv'],
      { encoding: 'utf8' },
    )
    if (status !== 0) throw new Error(`${dist}: ${stderr}`)
    const cpu = childrenCpuMs() - before
    const name = readdirSync(join(out, 't')).find((entry) => /^\d/.test(entry))
    const lines = readFileSync(join(out, 't', name, 'trials.jsonl'), 'utf8')
      .trim()
      .split('\n')
    const starts = lines.map((line) => Date.parse(JSON.parse(line).started_at))
    rmSync(out, { recursive: true })
    return { cpu, spans: starts.slice(1).map((start, i) => start - starts[i]) }
  }
  const few = run(FEW)
  const many = run(MANY)
  // Not their median: processes start several at a time, so that long and short spans take turns.
  const wall = many.spans.reduce((sum, span) => sum + span, 0) / many.spans.length
  return { wall, cpu: (many.cpu - few.cpu) / (MANY - FEW) }
}

const CAPS = { none: {}, both: { max_memory_mb: 64, max_compute_units: 0.5 } }
const contestants = builds.flatMap((dist) =>
  Object.entries(CAPS).map(([name, caps]) => ({ dist, name, caps })),
)
const found = new Map(contestants.map((one) => [one, []]))
for (let round = 0; round < Number(given); round++) {
  const order = [...contestants].sort(() => Math.random() - 0.5)
  for (const one of order) {
    const base = await floor()
    const { wall, cpu } = cost(one.dist, one.caps)
    found.get(one).push({ base, wall, cpu })
  }
  process.stderr.write(`round ${round + 1} of ${given}, load ${loadavg()[0].toFixed(1)}\n`)
}
rmSync(folder, { recursive: true })
process.stdout.write(
  `${availableParallelism()} cores, Node ${process.versions.node}; medians of ${given} rounds, over a bare fork with a worker\n`,
)
for (const [{ dist, name }, rounds] of found) {
  const ratio = (key) =>
    median(rounds.map((one) => one[key] / one.base[key === 'cpu' ? 'cpu' : 'wall'])).toFixed(2)
  const ms = median(rounds.map(({ wall }) => wall)).toFixed(0)
  process.stdout.write(
    `${basename(dirname(dist))}, caps ${name}: ${ratio('wall')}x (${ms} ms), CPU ${ratio('cpu')}x\n`,
  )
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
}
