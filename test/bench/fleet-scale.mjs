/**
 * What a coordinator and a server carry: many agents, many short trials, the real server and protocol.
 *
 *   npm run build && node test/bench/fleet-scale.mjs [--agents 500] [--trials 1000,10000,50000] [--scenarios 20] [--write]
 *
 * Agents are real ones, many in a process, but for what runs the trials: it sleeps 5 to 50 ms and answers with made-up
 * numbers. They come after the server and the coordinator where a core is short, and their disks are in memory (/dev/shm
 * where there is one), since hundreds of agents share no core and no disk in earnest; the journal and the server's files
 * are on the disk. Each run has a coordinator in a process of its own. A line is late by the time from when the last
 * result of its round is at the coordinator until the line is synced. What of that is the disk's: syncs are timed in the
 * run, with the time until the coordinator's thread hears of their end, and before the run, in a process that does nothing
 * else, with batches of as many bytes on the same disk. `--write` puts the table into docs/evidence/fleet.md.
 */
import { fork, spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { connect, createServer } from 'node:net'
import { cpus, getPriority, loadavg, setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runAgent } from '../../build/harness/execute/fleet/agent.js'
import { FleetExecutor } from '../../build/harness/execute/fleet/executor.js'
import { Returns } from '../../build/harness/execute/fleet/returns.js'
import { listAgents } from '../../build/harness/execute/fleet/watch.js'
import { Journal } from '../../build/harness/record/journal.js'
import { runSweep } from '../../build/harness/session/run.js'
import { sweepFromData } from '../../build/harness/sweep/load.js'
import { NO_OWN_LIMITS } from '../../build/workers/protocol/supervisor.js'
import { NO_NOISE_READINGS } from '../../build/workers/protocol/trial-result.js'
import { rewriteBetween } from './markers.mjs'

const DOCUMENT = fileURLToPath(new URL('../../docs/evidence/fleet.md', import.meta.url))
const MOST_MB = 300
const LEAST_RATE = 1000
const MOST_LATE_MS = 20
const MOST_GROWTH = 1.2

const { values } = parseArgs({
  options: {
    agents: { type: 'string', default: '500' },
    trials: { type: 'string', default: '1000,10000,50000' },
    scenarios: { type: 'string', default: '20' },
    write: { type: 'boolean', default: false },
    role: { type: 'string' },
    server: { type: 'string' },
    folder: { type: 'string' },
  },
})
const [agents, scenarios] = [Number(values.agents), Number(values.scenarios)]
const roles = { agents: playAgents, coordinator: playCoordinator }
await (values.role === undefined ? measure() : roles[values.role]())

// ---------------------------------------------------------------- the whole

async function measure() {
  const folder = mkdtempSync(join(tmpdir(), 'stint-fleet-bench-'))
  const disks = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'stint-fleet-bench-'))
  const port = await freePort()
  const own = ['-js', '-sd', join(folder, 'server'), '-p', String(port), '-a', '127.0.0.1']
  const nats = spawn('nats-server', own, {
    stdio: 'ignore',
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
  })
  const server = `nats://127.0.0.1:${port}`
  const load = loadavg()[0]
  const disk = syncsAlone(folder)
  let fleet
  try {
    while (!(await answers(port))) await sleep(50)
    fleet = child('agents', { server, folder: disks })
    // The first coordinator makes what stands on the server; agents register once it is there.
    await reported(child('coordinator', { server, folder, trials: scenarios }))
    while ((await listAgents({ server })).length < agents) await sleep(500)
    const lines = []
    for (const trials of values.trials.split(',').map(Number)) {
      const before = [nats.pid, fleet.pid].map((pid) => usage(pid).cpu_s)
      const found = await reported(child('coordinator', { server, folder, trials }))
      const [serverUs, agentsUs] = [nats.pid, fleet.pid].map(
        (pid, index) => (1e6 * (usage(pid).cpu_s - before[index])) / trials,
      )
      lines.push({ ...found, ...checked(found.run, found.trials), serverUs, agentsUs })
      console.error(JSON.stringify(lines.at(-1)))
    }
    const text = table(lines, load, usage(nats.pid).peak_mb, disk)
    console.log(text)
    if (values.write) rewriteBetween(DOCUMENT, 'fleet-scale', text)
  } finally {
    // A profile is written by a process that ends by itself.
    if (process.env.PROF) await ended(fleet)
    fleet?.kill('SIGKILL')
    nats.kill('SIGKILL')
    await sleep(200)
    for (const one of [folder, disks]) rmSync(one, { recursive: true, force: true })
  }
}

/** How long a sync takes on this disk where nothing else writes, ms. */
function syncsAlone(folder) {
  const path = join(folder, 'alone')
  const file = openSync(path, 'a')
  const batch = Buffer.alloc(64 * 1024, 'x')
  const took = Array.from({ length: 300 }, () => {
    writeSync(file, batch)
    const from = performance.now()
    fsyncSync(file)
    return performance.now() - from
  })
  closeSync(file)
  rmSync(path)
  return { half: share(took, 0.5), most: share(took, 0.99) }
}

function share(values, part) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * part)]
}

function child(role, options) {
  const words = Object.entries({ agents, scenarios, ...options }).map(([name, value]) => `--${name}=${value}`)
  return fork(fileURLToPath(import.meta.url), [`--role=${role}`, ...words], {
    execArgv: process.env.PROF ? ['--cpu-prof', `--cpu-prof-dir=${process.env.PROF}/${role}`] : [],
  })
}

function ended(process) {
  process.disconnect()
  return new Promise((resolve) => process.once('exit', resolve))
}

function reported(process) {
  return new Promise((resolve, reject) => {
    process.once('message', resolve)
    process.once('exit', (code) => reject(new Error(`it ended with ${code} and said nothing`)))
  })
}

/** What is in the journal of a run. */
function checked(run, planned) {
  const seen = new Map()
  for (const line of readFileSync(join(run, 'trials.jsonl'), 'utf8').split('\n').slice(0, -1)) {
    const { trial, outcome } = JSON.parse(line)
    if (outcome !== 'ok') throw new Error(`${trial} is ${outcome}`)
    seen.set(trial, (seen.get(trial) ?? 0) + 1)
  }
  return { lost: planned - seen.size, twice: [...seen.values()].filter((times) => times > 1).length }
}

function table(lines, load, serverMb, disk) {
  const cell = (value) => Math.round(value).toLocaleString('en-US')
  const largest = lines.at(-1)
  const growth = largest.cpuUs / lines[0].cpuUs
  const goals = [
    [`coordinator under ${MOST_MB} MB`, lines.every(({ peakMb }) => peakMb < MOST_MB)],
    [`at least ${cell(LEAST_RATE)} trials per second in the largest run`, largest.rate >= LEAST_RATE],
    [
      `99% of the lines synced within ${MOST_LATE_MS} ms of their round's last result`,
      lines.every(({ lateMs }) => lateMs <= MOST_LATE_MS),
    ],
    [`CPU time per trial within ${MOST_GROWTH} times that of the smallest run`, growth <= MOST_GROWTH],
    ['none lost, none twice', lines.every(({ lost, twice }) => lost === 0 && twice === 0)],
  ]
  return [
    `Measured ${new Date().toISOString().slice(0, 10)} on ${cpus().length} cores (${cpus()[0].model.trim()}), Node ${process.versions.node}: ${agents} agents, rounds of ${scenarios} trials or more of 5 to 50 ms, one-minute load ${load.toFixed(1)} at the start. Peak memory of the server ${cell(serverMb)} MB. A sync of 64 KB on this disk, with nothing else to write: half within ${disk.half.toFixed(1)} ms, 99% within ${disk.most.toFixed(1)} ms.`,
    '',
    '| trials | took, s | trials per second | coordinator: peak, MB | CPU per trial, µs | server: CPU per trial, µs | agents: CPU per trial, µs | syncs | late, half, ms | late, 99%, ms | sync, half, ms | sync, 99%, ms | thread busy, 99%, ms | lost | twice |',
    '|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|',
    ...lines.map((one) => {
      const { trials, seconds, rate, peakMb, cpuUs, serverUs, agentsUs, syncs, lost, twice } = one
      const times = [one.lateHalfMs, one.lateMs, one.syncHalfMs, one.syncMs, one.busyMs]
      const whole = [rate, peakMb, cpuUs, serverUs, agentsUs, syncs].map(cell)
      const cells = [cell(trials), seconds.toFixed(1), ...whole, ...times.map((ms) => ms.toFixed(1))]
      return `| ${[...cells, lost, twice].join(' | ')} |`
    }),
    '',
    ...goals.map(([what, holds]) => `- ${what}: ${holds ? 'met' : 'missed'}`),
  ].join('\n')
}

/** Of a process that runs, as the kernel has it. */
function usage(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number)
  const [, peak] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return { cpu_s: (user + system) / 100, peak_mb: Number(peak) / 1024 }
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(socket.destroy() !== null))
    socket.once('error', () => resolve(false))
  })
}

// ---------------------------------------------------------------- the coordinator, in a process of its own

async function playCoordinator() {
  // A sweep has at most 999 rounds.
  const perRound = Math.max(scenarios, Math.ceil(Number(values.trials) / 900))
  const planned = Math.ceil(Number(values.trials) / perRound)
  const trials = planned * perRound
  const late = []
  const syncs = []
  /** When the last result of a round was there. */
  const arrived = new Map()
  /** Rounds whose lines are in the next batch. */
  let rounds = []
  const { linesOf, appendAll } = Journal.prototype
  Journal.prototype.linesOf = function noted(results) {
    rounds.push(results[0].round)
    return linesOf.call(this, results)
  }
  Journal.prototype.appendAll = async function timed(lines) {
    const written = rounds
    rounds = []
    const appended = appendAll.call(this, lines)
    const from = performance.now()
    await appended
    const to = performance.now()
    syncs.push(to - from)
    for (const round of written) late.push(to - arrived.get(round))
  }
  const { arrived: arrive } = Returns.prototype
  Returns.prototype.arrived = function timed(message) {
    arrived.set(Number(/^r(\d+)-/.exec(message.subject.split('.')[3])[1]), performance.now())
    arrive.call(this, message)
  }
  const executor = new FleetExecutor({ server: values.server, on: 'many', machines: [], local: fake() })
  const keys = {
    name: 'scale',
    workload: 'pipeline',
    chunk_log: 'none',
    benchmark_runs: planned,
    grid: { chunk_size: Array.from({ length: perRound }, (_, index) => index + 1) },
  }
  const busy = monitorEventLoopDelay({ resolution: 1 })
  let from
  let began
  const { folder } = await runSweep(sweepFromData(keys, join(values.folder, 'scale.yaml')), executor, {
    root: join(values.folder, 'results'),
    command: ['stint'],
    signal: new AbortController().signal,
    listener: ({ event }) => {
      if (event !== 'prepared') return
      from = performance.now()
      began = process.cpuUsage()
      busy.enable()
    },
  })
  const seconds = (performance.now() - from) / 1000
  const { user, system } = process.cpuUsage(began)
  await executor.close()
  const report = {
    ...{
      run: folder,
      trials,
      seconds,
      rate: trials / seconds,
      peakMb: process.resourceUsage().maxRSS / 1024,
    },
    ...{ cpuUs: (user + system) / trials, syncs: syncs.length },
    ...{ syncHalfMs: share(syncs, 0.5), syncMs: share(syncs, 0.99), busyMs: busy.percentile(99) / 1e6 },
    ...{ lateHalfMs: share(late, 0.5), lateMs: share(late, 0.99), latestMs: Math.max(...late) },
  }
  process.send(report, () => process.exit())
}

// ---------------------------------------------------------------- agents, all in one process

async function playAgents() {
  // In earnest they have machines of their own, and take no core from the server and the coordinator.
  setPriority(Math.max(getPriority(), 10))
  process.on('disconnect', () => process.exit())
  const all = Array.from({ length: agents }, (_, index) =>
    runAgent({
      server: values.server,
      labels: ['many'],
      name: `agent${index}`,
      folder: join(values.folder, String(index)),
      signal: new AbortController().signal,
      onNote: (text) => {
        if (!/waits for work|trials$/.test(text)) console.error(`agent${index}: ${text}`)
      },
      startExecutor: fake,
    }),
  )
  await Promise.all(all)
}

/** Sleeps for a trial, and answers with numbers that nobody measured. */
function fake() {
  return {
    capabilities: async () => ({
      ...{ compute: 'cgroup_v2', memory: ['between_steps'], limits: NO_OWN_LIMITS, notes: [] },
    }),
    prepare: async () => ({
      ok: true,
      workload: { name: 'pipeline', params: {}, metrics: {}, dataset: 'optional' },
      datasets: [],
      notes: [],
    }),
    provide: () => {},
    run: async (spec) => {
      const ms = 5 + 45 * Math.random()
      const started_at = new Date().toISOString()
      await sleep(ms)
      const names = ['mean', 'p50', 'p90', 'p95', 'p99', 'max']
      const { max_memory_mb, max_compute_units, memory_scope: scope } = spec.caps
      return {
        ...{ trial: spec.trial, scenario: spec.scenario, round: spec.round, outcome: 'ok' },
        metrics: {
          ...Object.fromEntries(names.map((name) => [`latency_${name}_ms`, ms * Math.random()])),
          ...Object.fromEntries(names.map((name) => [`service_${name}_ms`, ms * Math.random()])),
          ...{ wall_s: ms / 1000, cpu_s: ms / 1000, throughput_rows_s: 1e6 / ms, latency_per_row_us: ms },
          ...{ peak_memory_mb: 14, peak_heap_mb: 10, peak_rss_mb: 70, gc_count: 3, gc_pause_ms: 1 },
          ...{ rows: 1000, chunks: 10, r2: 0.5, rmse: 1, mae: 1 },
        },
        energy: { joules: null, source: null, shared: false },
        info: {},
        caps: {
          memory: {
            ...{ asked_mb: max_memory_mb, scope, in_force_mb: null, mechanisms: [] },
            ...{ peak_mb: 14, peak_above_idle_mb: 14, enforced: true, note: null },
          },
          compute: {
            ...{ asked: max_compute_units, in_force: null, achieved: null, mechanism: 'none' },
            ...{ period_ms: null, throttled_ms: null, pinned_core: null, enforced: true, note: null },
          },
        },
        noise: { ...NO_NOISE_READINGS, disturbed: null },
        ...{ started_at, duration_ms: ms, children: 0, notes: [], resumed_under: [], machine: null },
      }
    },
    duet: async () => {
      throw new Error('no duets here')
    },
    close: async () => {},
  }
}
