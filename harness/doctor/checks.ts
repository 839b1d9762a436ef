/** What this machine can enforce and measure, each tried for real. */
import type { ComputeMechanism, TrialResult } from '../../workers/protocol.ts'
import type { Executor } from '../execute/executor.ts'
import { LocalExecutor } from '../execute/local/executor.ts'
import { runProbe } from '../execute/trial-spec.ts'
import { formatNumber, formatShare } from '../format.ts'
import { perfLacks, raplLacks, remedyFor } from './remedies.ts'

export interface Ability {
  area: 'compute' | 'memory' | 'energy' | 'noise'
  name: string
  able: boolean
  /** What happened when it was tried. */
  found: string
  /** The one command that would enable it; null where it works or nothing would. */
  remedy: string | null
}

const UNITS = 0.25
const PROBE_MS = 600
const CAP_MB = 32

const MECHANISMS: ComputeMechanism[] = ['cgroup_v2', 'cgroup_v1', 'duty_cycle']

/** Each compute mechanism in an executor of its own. */
export async function tryCompute(): Promise<Ability[]> {
  const checks: Ability[] = []
  for (const mechanism of MECHANISMS) {
    const executor = new LocalExecutor({ mechanism })
    try {
      const { compute, notes } = await executor.capabilities()
      const why = notes.find((note) => note.startsWith(`${mechanism}: `))?.slice(mechanism.length + 2)
      const found =
        compute === mechanism
          ? shareFound(await runProbe(executor, { units: UNITS, wallMs: PROBE_MS }), why)
          : { able: false, found: why ?? notes[0] ?? 'not permitted' }
      checks.push(check('compute', mechanism, found, remedyFor(mechanism)))
    } finally {
      await executor.close()
    }
  }
  return checks
}

/** @param place where the group had to be found, if that needs saying */
function shareFound(trial: TrialResult, place: string | undefined): Pick<Ability, 'able' | 'found'> {
  const { achieved } = trial.caps.compute
  if (trial.outcome !== 'ok') return { able: false, found: trial.error.message }
  if (achieved === null) return { able: false, found: 'the trial was too short to tell' }
  return {
    able: true,
    found: `asked ${UNITS} of a core, achieved ${formatNumber(achieved)}${place === undefined ? '' : `, ${place}`}`,
  }
}

/** What the best of all mechanisms does, and what a trial can tell. */
export async function tryRest(executor: Executor): Promise<Ability[]> {
  const { memory, energy, notes } = await executor.capabilities()
  const grown = await runProbe(executor, { work: 'allocate', memoryMb: CAP_MB })
  const plain = await runProbe(executor, { wallMs: PROBE_MS })
  const pinned = await runProbe(executor, { wallMs: PROBE_MS / 4, pinCore: 0 })
  const group = memory.find((mechanism) => mechanism.startsWith('cgroup'))
  const held = `a workload without end under ${CAP_MB} MB ended as ${grown.outcome}, ${mb(grown.caps.memory.peak_above_idle_mb)} above an idle worker`
  return [
    check('memory', 'supervisor', {
      able: memory.includes('supervisor_rss') && grown.outcome === 'out_of_memory',
      found: held,
    }),
    check(
      'memory',
      group === undefined ? 'cgroup backstop' : `cgroup backstop (${group})`,
      {
        able: group !== undefined,
        found: group === undefined ? reasons(notes, 'memory by ') : 'tried on a process, limit and all',
      },
      remedyFor('memory_group'),
    ),
    check(
      'compute',
      'core pinning',
      pinned.outcome === 'ok'
        ? { able: true, found: 'a trial ran on core 0 only' }
        : { able: false, found: pinned.error.message },
      remedyFor('taskset'),
    ),
    ...energyChecks(energy ?? null, plain),
    ...noiseChecks(plain),
  ]
}

function energyChecks(source: 'rapl' | 'perf' | null, trial: TrialResult): Ability[] {
  const read = trial.outcome === 'ok' ? trial.energy.joules : null
  const joules = read === null ? 'no reading' : `a short trial took ${formatNumber(read)} J`
  return [
    check(
      'energy',
      'rapl',
      { able: source === 'rapl', found: source === 'rapl' ? joules : raplLacks() },
      remedyFor('rapl'),
    ),
    check(
      'energy',
      'perf',
      {
        able: source === 'perf',
        found: source === 'perf' ? joules : source === 'rapl' ? 'not needed: rapl comes first' : perfLacks(),
      },
      source === 'rapl' ? null : remedyFor('perf'),
    ),
  ]
}

function noiseChecks({ noise }: TrialResult): Ability[] {
  const told = (name: string, value: number | null, show: (value: number) => string): Ability =>
    check('noise', name, {
      able: value !== null,
      found: value === null ? 'the kernel does not tell' : show(value),
    })
  const percent = (value: number) => `${formatShare(value)} of the time`
  return [
    told('run-queue wait', noise.run_queue_wait_share, percent),
    told('steal', noise.steal_share, percent),
    told('other processes', noise.others_cores, (value) => `${formatNumber(value)} cores in use`),
    told('pressure (PSI)', noise.pressure_share, percent),
    told('context switches', noise.involuntary_context_switches, (value) => `${value} against its will`),
    told('core frequency', noise.frequency_mhz, (value) => `${formatNumber(value)} MHz`),
  ]
}

function check(
  area: Ability['area'],
  name: string,
  { able, found }: Pick<Ability, 'able' | 'found'>,
  remedy: string | null = null,
): Ability {
  return { area, name, able, found, remedy: able ? null : remedy }
}

function reasons(notes: readonly string[], start: string): string {
  const found = notes.filter((note) => note.startsWith(start)).map((note) => note.slice(start.length))
  return found.length === 0 ? 'not permitted' : found.join('; ')
}

function mb(value: number | null | undefined): string {
  return value == null ? 'its peak unread' : `${formatNumber(value)} MB`
}
