/** How the conditions of two runs differ, and how bad that is for what is to be done with them. */
import type { PreparedDataset } from '../../workers/data/types.ts'
import type { ComputeMechanism, DifferenceKind } from '../../workers/protocol/trial-result.ts'
import type { Scalar } from '../../workers/workload.ts'
import { computeMechanisms } from '../analyse/values.ts'
import { count } from '../format.ts'
import { own } from '../own.ts'
import { workloadName } from '../sweep/paths.ts'
import type { Scenario, Sweep } from '../sweep/types.ts'
import type { RecordedRun } from './open-run.ts'
import type { FleetMachine, Machine, Manifest } from './types.ts'

/** What measurements depend on: of a recorded run, or of what is to be run now. */
export interface Conditions {
  stint: string
  sweep: Sweep
  /** Where trials run; none where that is not known yet. */
  places: readonly Place[]
  workload_hash: string
  datasets: readonly PreparedDataset[]
  /** What held the compute caps; null before the first trial. */
  mechanisms: readonly ComputeMechanism[] | null
}

/** A machine, and what trials may have of it at most; null for all. */
export type Place = Pick<FleetMachine, 'machine' | 'limits'>

export interface Difference {
  kind: DifferenceKind
  /** Such as `the version of Node`. */
  what: string
  /** In words. */
  a: string
  b: string
}

/**
 * `resume`: trials of both go into one table. `compare`: the user holds run against run. `baseline`: new trials are
 * judged by recorded ones.
 */
export type Purpose = 'resume' | 'compare' | 'baseline'

/** `refused`: the numbers do not go together. `problem`: they are affected. `note`: good to know. `fine`: no matter. */
export type Severity = 'refused' | 'problem' | 'note' | 'fine'

interface Policy extends Record<Purpose, Severity> {
  /** For one who compares all the same. */
  advice: string
}

const POLICY: Record<DifferenceKind, Policy> = {
  machine: {
    resume: 'refused',
    compare: 'problem',
    baseline: 'refused',
    advice: 'Times and memory compare machines, not versions.',
  },
  system: {
    resume: 'refused',
    compare: 'note',
    baseline: 'refused',
    advice: 'Another kernel can explain a difference.',
  },
  node: {
    resume: 'refused',
    compare: 'note',
    baseline: 'refused',
    advice: 'Another Node can explain a difference.',
  },
  mechanism: {
    resume: 'problem',
    compare: 'problem',
    baseline: 'refused',
    advice: 'They shape latency differently.',
  },
  calibration: {
    resume: 'refused',
    compare: 'problem',
    baseline: 'refused',
    advice: 'A compute unit is another share of a core.',
  },
  data: {
    resume: 'refused',
    compare: 'problem',
    baseline: 'refused',
    advice: 'Quality metrics do not compare.',
  },
  // What is compared is often two versions of the code.
  workload: { resume: 'refused', compare: 'fine', baseline: 'fine', advice: '' },
  stint: {
    resume: 'refused',
    compare: 'note',
    baseline: 'note',
    advice: 'Versions of the harness may measure differently.',
  },
  // A comparison pairs what both have, and names the rest.
  scenarios: { resume: 'refused', compare: 'fine', baseline: 'refused', advice: '' },
  settings: {
    resume: 'refused',
    compare: 'problem',
    baseline: 'refused',
    advice: 'They change what is measured.',
  },
  seed: {
    resume: 'refused',
    compare: 'note',
    baseline: 'refused',
    advice: 'Quality metrics may differ for that alone.',
  },
  jobs: {
    resume: 'refused',
    compare: 'problem',
    baseline: 'refused',
    advice: 'Trials that share the machine slow each other down.',
  },
}

/** What a user may compare across all the same, with `--allow-different-machine`. */
const OF_THE_MACHINE: readonly DifferenceKind[] = ['machine', 'system', 'node', 'mechanism']

export function isOfTheMachine({ kind }: Difference): boolean {
  return OF_THE_MACHINE.includes(kind)
}

export function severityOf({ kind }: Pick<Difference, 'kind'>, purpose: Purpose): Severity {
  return POLICY[kind][purpose]
}

export function adviceOn(kind: DifferenceKind): string {
  return POLICY[kind].advice
}

/** `the version of Node was 20.1.0 and is 22.4.0`. */
export function wordsOf({ what, a, b }: Difference): string {
  return `${what} was ${a} and is ${b}`
}

export function conditionsOf({ manifest, trials }: Pick<RecordedRun, 'manifest' | 'trials'>): Conditions {
  return { ...manifest, places: placesOf(manifest), mechanisms: computeMechanisms(trials) }
}

/** The machines that ran the trials: not the coordinator's, where they ran on others. */
export function placesOf({ machine, fleet }: Pick<Manifest, 'machine' | 'fleet'>): readonly Place[] {
  return fleet === null ? [hereOf(machine)] : fleet.machines
}

export function hereOf(machine: Machine): Place {
  return { machine, limits: { max_memory_mb: null, max_cores: null } }
}

/** Every difference, each once, whatever it matters for. */
export function compatibility(a: Conditions, b: Conditions): Difference[] {
  const found: Difference[] = [
    ...placeDifferences(a.places, b.places),
    ...mechanismDifferences(a, b),
    ...calibrationDifferences(a, b),
    ...dataDifferences(a.datasets, b.datasets),
    ...between(
      'workload',
      `the code of workload ${workloadName(a.sweep.workload)}`,
      shortHash(a.workload_hash),
      shortHash(b.workload_hash),
    ),
    ...between('stint', 'the version of stint', a.stint, b.stint),
    ...scenarioDifferences(a.sweep.scenarios, b.sweep.scenarios),
    ...between('seed', 'random_seed', a.sweep.random_seed, b.sweep.random_seed),
    ...between('jobs', 'n_jobs', a.sweep.n_jobs, b.sweep.n_jobs),
  ]
  const distinct = new Map(found.map((difference) => [wordsOf(difference), difference]))
  return [...distinct.values()]
}

type Value = Scalar | undefined

function between(kind: DifferenceKind, what: string, a: Value, b: Value): Difference[] {
  const inWords = (value: Value) => String(value ?? 'none')
  return inWords(a) === inWords(b) ? [] : [{ kind, what, a: inWords(a), b: inWords(b) }]
}

/** The part of a machine that measurements depend on; its load and the kernel's patch level are left out. */
export function identityOf(machine: Machine): [kind: DifferenceKind, what: string, value: Value][] {
  return [
    ['machine', 'the processor', machine.cpu_model],
    ['machine', 'the number of cores', machine.cores],
    ['machine', 'the memory in MB', machine.memory_mb],
    ['machine', 'the CPU quota on stint itself', machine.cgroup.cpu_quota_cores],
    ['machine', 'the memory limit on stint itself, MB,', machine.cgroup.memory_limit_mb],
    ['system', 'the system', machine.platform],
    ['system', 'the kernel', machine.kernel.split('.').slice(0, 2).join('.')],
    ['node', 'the version of Node', machine.node],
  ]
}

/** The same of a machine with what trials may have of it. */
export function identityOfPlace({ machine, limits }: Place): [DifferenceKind, what: string, value: Value][] {
  return [
    ...identityOf(machine),
    ['machine', 'the most cores that an agent gives', limits.max_cores],
    ['machine', 'the most memory that an agent gives, MB,', limits.max_memory_mb],
  ]
}

/** Machines that are alike count once; nothing to tell where none is known. */
function placeDifferences(a: readonly Place[], b: readonly Place[]): Difference[] {
  const [there, here] = [a.map(identityOfPlace), b.map(identityOfPlace)]
  if (there.length === 0 || here.length === 0) return []
  const values = (of: readonly ReturnType<typeof identityOfPlace>[], index: number) =>
    [...new Set(of.map((identity) => String(identity[index]![2] ?? 'none')))].sort().join(' and ')
  return there[0]!.flatMap(([kind, what], index) =>
    between(kind, what, values(there, index), values(here, index)),
  )
}

/** Nothing to tell where either had no cap to hold. */
function mechanismDifferences(a: Conditions, b: Conditions): Difference[] {
  const [then, now] = [a.mechanisms ?? [], b.mechanisms ?? []]
  if (then.length === 0 || now.length === 0) return []
  return between('mechanism', 'what held the compute cap', then.join(' and '), now.join(' and '))
}

function calibrationDifferences(a: Conditions, b: Conditions): Difference[] {
  const profile = ({ sweep }: Conditions) => sweep.relative_to?.profile
  const score = ({ sweep }: Conditions) => sweep.relative_to?.kernel_ops_s
  return [
    ...between('calibration', 'relative_to', profile(a), profile(b)),
    ...(profile(a) === profile(b)
      ? between('calibration', `kernel_ops_s of ${profile(a)}`, score(a), score(b))
      : []),
  ]
}

function dataDifferences(a: readonly PreparedDataset[], b: readonly PreparedDataset[]): Difference[] {
  const content = (data: PreparedDataset | undefined) =>
    data === undefined ? undefined : `${shortHash(data.fingerprint.sha256)} (${count(data.rows, 'row')})`
  return Array.from({ length: Math.max(a.length, b.length) }, (_, index) => {
    const { path, preset } = (a[index] ?? b[index])!
    const name = preset === null ? path : `${preset} data (${path})`
    return between('data', `the content of ${name}`, content(a[index]), content(b[index]))
  }).flat()
}

function shortHash(sha256: string): string {
  return `sha256 ${sha256.slice(0, 12)}...`
}

/** Ids leave out settings at their defaults, which another version of Stint may have changed. */
function scenarioDifferences(a: readonly Scenario[], b: readonly Scenario[]): Difference[] {
  const [inA, inB] = [byId(a), byId(b)]
  const [lost] = a.filter(({ id }) => !inB.has(id))
  const [added] = b.filter(({ id }) => !inA.has(id))
  const unmatched =
    lost !== undefined && added !== undefined
      ? valueDifferences('scenarios', lost.point, added.point)
      : [
          ...(lost === undefined
            ? []
            : between('scenarios', `the scenario ${lost.label}`, 'there', 'missing')),
          ...(added === undefined
            ? []
            : between('scenarios', `the scenario ${added.label}`, 'missing', 'there')),
        ]
  const matched = a.flatMap((scenario) => {
    const other = inB.get(scenario.id)
    if (other === undefined) return []
    const given = Object.keys(scenario.params).filter((name) => own(other.params, name) !== undefined)
    return [
      ...valueDifferences('settings', withoutSeed(scenario), withoutSeed(other)),
      ...given.flatMap((name) =>
        between('settings', `params.${name}`, own(scenario.params, name), own(other.params, name)),
      ),
    ]
  })
  return [...unmatched, ...matched]
}

function byId(scenarios: readonly Scenario[]): Map<string, Scenario> {
  return new Map(scenarios.map((scenario) => [scenario.id, scenario]))
}

/** The run's own seed is told of once; where it is an axis the ids differ. */
function withoutSeed({ settings: { random_seed: _, ...settings } }: Scenario): Record<string, Scalar> {
  return settings
}

function valueDifferences(
  kind: DifferenceKind,
  a: Readonly<Record<string, Scalar>>,
  b: Readonly<Record<string, Scalar>>,
): Difference[] {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])]
  return names.flatMap((name) => between(kind, name, own(a, name), own(b, name)))
}
