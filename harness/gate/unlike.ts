/** Why recorded runs cannot be the measure of a run that is made now. */

import type { PreparedDataset } from '../../workers/data/types.ts'
import type { TrialResult } from '../../workers/protocol.ts'
import type { Scalar } from '../../workers/workload.ts'
import { computeMechanisms } from '../analyse/values.ts'
import { own } from '../own.ts'
import { identityOf } from '../record/changes.ts'
import type { RecordedRun } from '../record/open-run.ts'
import type { Machine } from '../record/types.ts'
import type { Sweep } from '../sweep/types.ts'

/** What is looked at of a recorded run. */
export type Recorded = Pick<RecordedRun, 'path' | 'manifest' | 'trials'>

/** What it is compared with. */
export interface Present {
  sweep: Sweep
  machine: Machine
  datasets: readonly PreparedDataset[]
}

export interface Unlikeness {
  /** Its numbers mean something else: nothing makes that good. */
  settings: string[]
  /** Another machine, which the user may choose to compare with all the same. */
  machine: string[]
}

export function unlikeness({ manifest }: Recorded, now: Present): Unlikeness {
  const settings: string[] = []
  const [then, present] = [manifest.sweep, now.sweep]
  const missing = (from: Sweep, others: Sweep) =>
    from.scenarios.filter(({ id }) => !others.scenarios.some((other) => other.id === id))
  const [gone, added] = [missing(then, present), missing(present, then)]
  const [lost, found] = [gone[0], added[0]]
  if (lost !== undefined && found !== undefined) settings.push(...changedSettings(lost.flat, found.flat))
  else if (lost !== undefined)
    settings.push(`it has the scenario ${lost.label}, which the sweep no longer has`)
  else if (found !== undefined) settings.push(`it lacks the scenario ${found.label}`)
  for (const scenario of present.scenarios) {
    const recorded = then.scenarios.find(({ id }) => id === scenario.id)
    if (recorded === undefined) continue
    // Ids leave out settings at their defaults, which another version of Stint may have changed.
    settings.push(...changedSettings({ ...recorded.settings }, { ...scenario.settings }))
    for (const [name, value] of Object.entries(scenario.params)) {
      const before = own(recorded.params, name)
      if (before !== undefined && before !== value)
        settings.push(`params.${name} was ${before} and is ${value}`)
    }
  }
  if (then.n_jobs !== present.n_jobs) settings.push(`n_jobs was ${then.n_jobs} and is ${present.n_jobs}`)
  const [unit, other] = [then.relative_to?.profile ?? 'none', present.relative_to?.profile ?? 'none']
  if (unit !== other) settings.push(`relative_to was ${unit} and is ${other}`)
  const hashes = ({ fingerprint }: PreparedDataset) => fingerprint.sha256
  const data = (datasets: readonly PreparedDataset[]) => datasets.map(hashes).join()
  if (data(manifest.datasets) !== data(now.datasets)) settings.push('its data has other content')
  const [machine, here] = [identityOf(manifest.machine), identityOf(now.machine)]
  return {
    settings: [...new Set(settings)],
    machine: Object.entries(here)
      .filter(([what, value]) => machine[what] !== value)
      .map(([what, value]) => `${what} was ${machine[what] ?? 'none'} and is ${value ?? 'none'}`),
  }
}

function changedSettings(then: Record<string, Scalar>, now: Record<string, Scalar>): string[] {
  const keys = [...new Set([...Object.keys(then), ...Object.keys(now)])]
  return keys
    .filter((key) => (then[key] ?? null) !== (now[key] ?? null))
    .map((key) => `${key} was ${then[key] ?? 'none'} and is ${now[key] ?? 'none'}`)
}

/** Caps held by other means shape latency in another way; known once trials have run. */
export function unlikeMechanism(recorded: Recorded, trials: readonly TrialResult[]): string | null {
  const [then, now] = [computeMechanisms(recorded.trials).join(), computeMechanisms(trials).join()]
  return then === now || then === '' || now === ''
    ? null
    : `the compute cap was held by ${then} and is by ${now}`
}
