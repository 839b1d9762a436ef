/** What this machine can enforce and measure, each tried for real. */
import { existsSync } from 'node:fs'
import type { Capabilities, OwnLimits } from '../../workers/protocol/supervisor.ts'
import type { ComputeMechanism, TrialResult } from '../../workers/protocol/trial-result.ts'
import type { Executor } from '../execute/executor.ts'
import { allowedCores } from '../execute/local/core.ts'
import { LocalExecutor } from '../execute/local/executor.ts'
import { runProbe } from '../execute/trial-spec.ts'
import { formatNumber, formatShare } from '../format.ts'
import { type Finding, type Missing, perfLacks, raplLacks, remedyFor } from './remedies.ts'

export interface Ability extends Finding {
  area: 'compute' | 'memory' | 'energy' | 'noise'
  name: string
  /** The one command that would enable it; null where it works, is not known, or nothing would. */
  remedy: string | null
}

const yes = (found: string): Finding => ({ able: true, found })
const no = (found: string): Finding => ({ able: false, found })
const unknown = (found: string): Finding => ({ able: null, found })

const UNITS = 0.25
/** Of what this process itself may use, where that is less: beyond it no share could be told from the limit. */
const OF_OWN_QUOTA = 0.5
const PROBE_MS = 600
/** A window is tried once more at this length before it is called too short. */
const LONGER_MS = 8000
/** A machine that is emulated or held to a few percent of a core takes half a minute to start a trial. */
const TIMEOUT_S = 180
/** A share that comes out above so many times what was asked is not held. */
const NOT_HELD = 1.5
const CAP_MB = 32
/** Where nothing holds the cap, the probe ends by itself. */
const MOST_MB = 20 * CAP_MB

const MECHANISMS: ComputeMechanism[] = ['cgroup_v2', 'cgroup_v1', 'duty_cycle']

/** Each compute mechanism in an executor of its own. */
export async function tryCompute(start = startOnly): Promise<Ability[]> {
  const checks: Ability[] = []
  for (const mechanism of MECHANISMS) {
    const executor = start(mechanism)
    try {
      const found = await tryMechanism(executor, mechanism).catch(notTried)
      checks.push(check('compute', mechanism, found, mechanism))
    } finally {
      await executor.close()
    }
  }
  return checks
}

function startOnly(mechanism: ComputeMechanism): Executor {
  return new LocalExecutor({ mechanism })
}

async function tryMechanism(executor: Executor, mechanism: ComputeMechanism): Promise<Finding> {
  const { compute, notes, limits } = await executor.capabilities()
  const why = notes.find((note) => note.startsWith(`${mechanism}: `))?.slice(mechanism.length + 2)
  if (compute !== mechanism) return no(why ?? notes[0] ?? 'not permitted')
  const units = Math.min(UNITS, OF_OWN_QUOTA * (limits.cpu_quota_cores ?? 1))
  const short = await runProbe(executor, { units, wallMs: PROBE_MS, timeoutS: TIMEOUT_S })
  const found = shareFound(short, units, why)
  if (found.able === true) return found
  return shareFound(await runProbe(executor, { units, wallMs: LONGER_MS, timeoutS: TIMEOUT_S }), units, why)
}

/** @param place where the group had to be found, if that needs saying */
function shareFound(trial: TrialResult, units: number, place: string | undefined): Finding {
  const { achieved, enforced, note } = trial.caps.compute
  if (trial.outcome === 'failed' && !enforced) return no(note ?? trial.error.message)
  if (trial.outcome !== 'ok') return notEnded(trial)
  if (achieved === null) return unknown('too slow here: the timed steps were too short to tell the share')
  const found = `asked ${formatNumber(units)} of a core, achieved ${formatNumber(achieved)}${place === undefined ? '' : `, ${place}`}`
  return achieved > units * NOT_HELD ? no(found) : yes(found)
}

/** What the best of all mechanisms does, and what a trial can tell. */
export async function tryRest(executor: Executor): Promise<Ability[]> {
  const able = await executor.capabilities()
  const grown = await tried(
    runProbe(executor, {
      work: 'allocate',
      memoryMb: CAP_MB,
      steps: MOST_MB,
      wallMs: TIMEOUT_S * 1000,
      timeoutS: TIMEOUT_S,
    }),
  )
  const plain = await tried(runProbe(executor, { wallMs: PROBE_MS, timeoutS: TIMEOUT_S }))
  const group = able.memory.find((mechanism) => mechanism.startsWith('cgroup'))
  return [
    check('memory', 'supervisor', memoryFound(grown, able)),
    check(
      'memory',
      group === undefined ? 'cgroup backstop' : `cgroup backstop (${group})`,
      group === undefined ? no(reasons(able.notes, 'memory by ')) : yes('tried on a process, limit and all'),
      'memory_group',
    ),
    check('compute', 'core pinning', await tryPinning(executor).catch(notTried), 'taskset'),
    ...energyChecks(able, plain),
    ...noiseChecks(plain),
  ]
}

/** An executor that broke has tried nothing. */
async function tried(trial: Promise<TrialResult>): Promise<TrialResult | Error> {
  return trial.catch((error) => error as Error)
}

function memoryFound(trial: TrialResult | Error, { memory }: Capabilities): Finding {
  if (!memory.includes('supervisor_rss')) return no('resident memory can be watched on Linux only')
  if (trial instanceof Error) return notTried(trial)
  const held = `a workload without end under ${CAP_MB} MB ended as ${trial.outcome}, ${mb(trial.caps.memory.peak_above_idle_mb)} above an idle worker`
  if (trial.outcome === 'out_of_memory') return yes(held)
  return trial.outcome === 'ok' ? no(held) : notEnded(trial)
}

async function tryPinning(executor: Executor): Promise<Finding> {
  const core = allowedCores().at(0)
  if (core === undefined) return no('the cores that this process may use cannot be read')
  const trial = await runProbe(executor, { wallMs: PROBE_MS / 4, pinCore: core, timeoutS: TIMEOUT_S })
  if (trial.outcome === 'ok') return yes(`a trial ran on core ${core} only`)
  return trial.outcome === 'failed' ? no(trial.error.message) : notEnded(trial)
}

function energyChecks(
  { energy = null, perf_lacks = null }: Capabilities,
  trial: TrialResult | Error,
): Ability[] {
  const read = !(trial instanceof Error) && trial.outcome === 'ok' ? trial.energy.joules : null
  const joules =
    read === null ? 'counts; no trial was long enough to tell' : `a short trial took ${formatNumber(read)} J`
  return [
    check('energy', 'rapl', energy === 'rapl' ? yes(joules) : no(raplLacks()), 'rapl'),
    energy === 'rapl'
      ? check('energy', 'perf', no('not needed: rapl comes first'))
      : check('energy', 'perf', energy === 'perf' ? yes(joules) : perfLacks(perf_lacks), 'perf'),
  ]
}

function noiseChecks(trial: TrialResult | Error): Ability[] {
  const told = (
    name: string,
    value: (trial: TrialResult) => number | null,
    source: string,
    show: (value: number) => string,
  ): Ability => check('noise', name, readingFound(trial, value, source, show))
  const percent = (value: number) => `${formatShare(value)} of the time`
  const cores = (value: number) => `${formatNumber(value)} cores in use`
  const mhz = (value: number) => `${formatNumber(value)} MHz`
  return [
    told('run-queue wait', ({ noise }) => noise.run_queue_wait_share, '/proc/self/schedstat', percent),
    told('steal', ({ noise }) => noise.steal_share, '/proc/stat', percent),
    told('other processes', ({ noise }) => noise.others_cores, '/proc/stat', cores),
    told('pressure (PSI)', ({ noise }) => noise.pressure_share, '/proc/pressure/cpu', percent),
    told(
      'context switches',
      ({ noise }) => noise.involuntary_context_switches,
      '/proc/self/status',
      (value) => `${value} against its will`,
    ),
    told(
      'core frequency',
      ({ noise }) => noise.frequency_mhz,
      '/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq',
      mhz,
    ),
  ]
}

/** @param source the kernel's file that it is read from */
function readingFound(
  trial: TrialResult | Error,
  value: (trial: TrialResult) => number | null,
  source: string,
  show: (value: number) => string,
): Finding {
  if (!existsSync(source)) return no(`not reported by this kernel: it has no ${source}`)
  if (trial instanceof Error) return notTried(trial)
  const read = value(trial)
  if (read !== null) return yes(show(read))
  return trial.outcome === 'ok' ? unknown('the trial was too short to tell') : notEnded(trial)
}

/** A trial that did not come to its end shows nothing. */
function notEnded(trial: Exclude<TrialResult, { outcome: 'ok' }>): Finding {
  return unknown(
    trial.outcome === 'timed_out'
      ? `too slow here: the trial did not end within ${TIMEOUT_S} s`
      : `the trial ended as ${trial.outcome}: ${trial.error.message}`,
  )
}

function notTried(error: Error): Finding {
  return unknown(`could not be tried: ${error.message}`)
}

/** @param missing what a remedy is looked for where the answer is no */
function check(
  area: Ability['area'],
  name: string,
  { able, found }: Finding,
  missing: Missing | null = null,
): Ability {
  return { area, name, able, found, remedy: able === false && missing !== null ? remedyFor(missing) : null }
}

function reasons(notes: readonly string[], start: string): string {
  const found = notes.filter((note) => note.startsWith(start)).map((note) => note.slice(start.length))
  return found.length === 0 ? 'not permitted' : found.join('; ')
}

function mb(value: number | null | undefined): string {
  return value == null ? 'its peak unread' : `${formatNumber(value)} MB`
}

// ---------------------------------------------------------------- limits

/** What Stint and all its trials together may use, which no cap of a trial can exceed. */
export interface EffectiveLimits extends Omit<OwnLimits, 'throttle_counts'> {
  /** Cores that can be used: by the set of cores that this process is held to, and the quota. */
  cores: number
  /** Of the machine, or the limit where that is less. */
  memory_mb: number
}

export function effectiveLimits(
  { throttle_counts: _, ...limits }: OwnLimits,
  machine: { cores: number; memory_mb: number },
): EffectiveLimits {
  return {
    ...limits,
    cores: Math.min(machine.cores, limits.cpu_quota_cores ?? machine.cores),
    memory_mb: Math.min(machine.memory_mb, limits.memory_limit_mb ?? machine.memory_mb),
  }
}
