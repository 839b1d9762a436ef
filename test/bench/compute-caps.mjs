/**
 * Achieved compute share against asked, for every mechanism that this machine permits: a workload that never waits,
 * shares from 0.05 to 1, steps of 0.1, 2 and 50 ms, in an order shuffled anew each round.
 * Rewrites the table in docs/evidence/compute-caps.md. The machine must be quiet: others' work takes what a share may use.
 *
 *   npm run build && node test/bench/compute-caps.mjs [wall_ms=2500] [rounds=3]
 */
import { availableParallelism, cpus, loadavg, release } from 'node:os'
import { fileURLToPath } from 'node:url'
import { LocalExecutor } from '../../build/harness/execute/local/executor.js'
import { rewriteBetween } from './markers.mjs'
import { trialOf } from './spec.mjs'

const SHARES = [0.05, 0.1, 0.25, 0.5, 0.75, 1]
const STEPS_MS = [0.1, 2, 50]
const MECHANISMS = ['cgroup_v2', 'cgroup_v1', 'duty_cycle']
/** Relative error that is allowed: below and above. */
const GOALS = {
  cgroup_v2: { below: 0.01, above: 0.01 },
  cgroup_v1: { below: 0.01, above: 0.01 },
  duty_cycle: { below: 0.02, above: 0.02 },
}
/** A window holds at least so much CPU time, so that the end of its last run weighs little. */
const LEAST_CPU_MS = 300
/** Up to this share nobody else is needed to be idle for a cap to be used up. */
const LARGEST_JUDGED_BELOW = 0.75

const [wallMs = 2500, rounds = 3] = process.argv.slice(2).map(Number)
const document = fileURLToPath(new URL('../../docs/evidence/compute-caps.md', import.meta.url))

const executors = new Map()
const absent = []
for (const mechanism of MECHANISMS) {
  const executor = new LocalExecutor({ mechanism })
  const { compute, notes } = await executor.capabilities()
  if (compute === mechanism) executors.set(mechanism, executor)
  else {
    absent.push(`${mechanism}: ${notes.find((note) => note.startsWith(mechanism)) ?? 'not permitted'}`)
    await executor.close()
  }
}

const cells = [...executors.keys()].flatMap((mechanism) =>
  SHARES.flatMap((share) =>
    STEPS_MS.map((stepMs) => ({ mechanism, share, stepMs, achieved: [], throttled: [] })),
  ),
)
const loads = []
for (let round = 0; round < rounds; round++) {
  for (const cell of [...cells].sort(() => Math.random() - 0.5)) {
    loads.push(loadavg()[0])
    const { spec, resources } = trialOf(
      'spin',
      { step_ms: cell.stepMs, wall_ms: Math.max(wallMs, LEAST_CPU_MS / cell.share) },
      { compute: cell.share },
    )
    const executor = executors.get(cell.mechanism)
    executor.provide(resources)
    const { outcome, error, caps } = await executor.run(spec)
    if (outcome !== 'ok') throw new Error(`${cell.mechanism} ${cell.share}: ${outcome}: ${error?.message}`)
    if (caps.compute.achieved === null)
      throw new Error(
        `a window of ${wallMs} ms is too short for the clock of ${cell.mechanism}: give more wall_ms`,
      )
    cell.achieved.push(caps.compute.achieved)
    cell.throttled.push(caps.compute.throttled_ms)
    process.stderr.write(
      `round ${round + 1}: ${cell.mechanism} ${cell.share} ${caps.compute.achieved.toFixed(4)}\n`,
    )
  }
}
for (const executor of executors.values()) await executor.close()

const percent = (ratio) => `${ratio >= 0 ? '+' : '-'}${Math.abs(ratio * 100).toFixed(2)}%`
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length
const rows = cells.map(({ mechanism, share, stepMs, achieved, throttled }) => {
  const off = achieved.map((value) => value / share - 1)
  const { below, above } = GOALS[mechanism]
  const low = Math.min(...off)
  const high = Math.max(...off)
  const judgedBelow = share <= LARGEST_JUDGED_BELOW
  const met = high <= above && (!judgedBelow || low >= -below)
  const verdict = met ? 'met' : high > above ? '**over**' : '**under**'
  const cells = [
    mechanism,
    share,
    stepMs,
    mean(achieved).toFixed(4),
    percent(mean(off)),
    percent(low),
    percent(high),
  ]
  return `| ${[...cells, Math.round(mean(throttled)), verdict].join(' | ')} |`
})
const failed = rows.filter((row) => !row.endsWith('| met |')).length
const text = `Measured ${new Date().toISOString().slice(0, 10)} on ${availableParallelism()} cores (${cpus()[0].model.trim()}), Linux ${release()}, Node ${process.versions.node}: ${rounds} trials a line of ${wallMs / 1000} s (longer where a share would have less than ${LEAST_CPU_MS} ms of CPU time), one-minute load ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)} (1 is the bench itself). ${rows.length - failed} of ${rows.length} lines meet the goal.
${absent.length === 0 ? '' : `\nNot permitted here: ${absent.join('; ')}.\n`}
| mechanism | asked | step, ms | achieved, mean | off by, mean | lowest | highest | throttled, ms | goal |
|---|---|---|---|---|---|---|---|---|
${rows.join('\n')}`
rewriteBetween(document, 'compute-caps', text)
process.stdout.write(`${text}\n`)
