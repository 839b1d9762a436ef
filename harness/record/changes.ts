/** What is no longer as it was when a run began, so that trials measured before and after cannot be mixed unnoticed. */
import type { PreparedDataset } from '../../workers/data/types.ts'
import type { PassedOver } from '../../workers/protocol.ts'
import type { Machine, Manifest } from './types.ts'

type Value = string | number | null

/** What a run is resumed with. */
export interface Present {
  stint: string
  machine: Machine
  workload_hash: string
  /** In the order of the manifest's. */
  datasets: readonly PreparedDataset[]
}

/** None where the run may go on as if it had never stopped. */
export function changesSince(manifest: Manifest, now: Present): PassedOver[] {
  const changes: PassedOver[] = []
  const compare = (kind: PassedOver['kind'], what: string, then: Value, present: Value) => {
    if (then !== present)
      changes.push({ kind, what: `${what} was ${then ?? 'none'} and is ${present ?? 'none'}` })
  }
  compare('stint', 'the version of stint', manifest.stint, now.stint)
  manifest.datasets.forEach((then, index) => {
    const present = now.datasets[index]
    const name = then.preset === null ? then.path : `${then.preset} data (${then.path})`
    if (present?.fingerprint.sha256 !== then.fingerprint.sha256) {
      const hash = (data: PreparedDataset | undefined) => data?.fingerprint.sha256.slice(0, 12) ?? 'none'
      compare('data', `the content of ${name}`, `sha256 ${hash(then)}...`, `sha256 ${hash(present)}...`)
    }
  })
  if (manifest.workload_hash !== now.workload_hash) {
    changes.push({ kind: 'workload', what: `the code of workload ${manifest.sweep.workload} has changed` })
  }
  const [then, present] = [identityOf(manifest.machine), identityOf(now.machine)]
  for (const [what, value] of Object.entries(then)) compare(kindOf(what), what, value, present[what] ?? null)
  return changes
}

function kindOf(what: string): PassedOver['kind'] {
  if (what === 'the version of Node') return 'node'
  return what === 'the system' || what === 'the kernel' ? 'system' : 'machine'
}

/** The part of a machine that measurements depend on; its load and the kernel's patch level are left out. */
export function identityOf(machine: Machine): Record<string, string | number | null> {
  return {
    'the processor': machine.cpu_model,
    'the number of cores': machine.cores,
    'the memory in MB': machine.memory_mb,
    'the system': machine.platform,
    'the kernel': machine.kernel.split('.').slice(0, 2).join('.'),
    'the version of Node': machine.node,
    'the CPU quota on stint itself': machine.cgroup.cpu_quota_cores,
    'the memory limit on stint itself, MB,': machine.cgroup.memory_limit_mb,
  }
}
