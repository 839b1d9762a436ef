/** One further trial of each version under the CPU profiler: where does the time go? */
import { existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { DuetSide } from '../../workers/protocol/duet.ts'
import type { WorkloadSource } from '../../workers/protocol/trial-spec.ts'
import type { DuetExecutor } from '../execute/executor.ts'
import { entryFile } from '../execute/local/entries.ts'
import { recordWritten, userRecord } from '../record/written.ts'
import type { Session } from '../session/session.ts'
import { BUILT_IN } from '../sweep/paths.ts'
import { functionGrowth } from './functions.ts'
import { trialSpecOf } from './lock-step.ts'
import type { TimeLimit } from './time-limit.ts'
import type { GateRow, GateScenario, ProfiledVersions, Versions } from './types.ts'

interface Inspection {
  executor: DuetExecutor
  session: Session
  scenarios: readonly GateScenario[]
  versions: Versions
  /** An existing one, for the two profiles. */
  folder: string
  limit: TimeLimit
}

const SIDES: readonly DuetSide[] = ['baseline', 'candidate']
/** Larger than that of any trial that was measured. */
const ROUND = 999

export function profilesIn(folder: string): Record<DuetSide, string> {
  return {
    baseline: join(folder, 'baseline.cpuprofile'),
    candidate: join(folder, 'candidate.cpuprofile'),
  }
}

/**
 * Profiles the scenario that looks worst.
 * @returns notes on what could not be profiled
 */
export async function lookInside(
  { executor, session, scenarios, versions, folder, limit }: Inspection,
  rows: readonly GateRow[],
): Promise<{ functions: ProfiledVersions | null; notes: string[] }> {
  for (const side of SIDES)
    if (typeof versions[side].source !== 'string')
      return {
        functions: null,
        notes: ['a program of another process is not profiled: --profile is for modules'],
      }
  const entry = worstOf(scenarios, rows)
  const files = profilesIn(folder)
  for (const side of SIDES) {
    const leftS = limit.leftMs() / 1000
    const note = (why: string) => ({
      functions: null,
      notes: [`${versions[side].name} was not profiled: ${why}`],
    })
    if (leftS <= 0) return note('the time was up')
    const profiled = { ...trialSpecOf(session, entry, side, ROUND, versions, leftS), profiled: true }
    const result = await executor.run(profiled)
    const written = join(folder, `${profiled.trial}.cpuprofile`)
    if (result.outcome === 'timed_out' && limit.leftMs() <= 0) return note('the time was up')
    if (result.outcome !== 'ok') return note(`its trial was ${result.outcome}: ${result.error.message}`)
    if (!existsSync(written)) return note('its trial wrote no profile')
    recordWritten(readFileSync(written), userRecord())
    renameSync(written, files[side])
  }
  const read = (side: DuetSide) => {
    const { source } = versions[side]
    return { text: readFileSync(files[side], 'utf8'), module: moduleOf(source) }
  }
  const { id, label } = entry.scenario
  const functions = functionGrowth(read('baseline'), read('candidate'))
  return { functions: { scenario: id, label, files, functions }, notes: [] }
}

function moduleOf(source: WorkloadSource): string {
  return source === BUILT_IN ? entryFile('pipeline/workload') : String(source)
}

/** The first with a regression; else the one whose mean latency looks worst. */
export function worstOf(scenarios: readonly GateScenario[], rows: readonly GateRow[]): GateScenario {
  const entryOf = ({ scenario }: GateRow) => scenarios.find((entry) => entry.scenario.id === scenario)
  const proven = rows.find(({ verdict }) => verdict === 'regression')
  const byLatency = rows
    .filter(({ metric }) => metric === 'latency_mean_ms')
    .sort((a, b) => (b.ratio?.value ?? 0) - (a.ratio?.value ?? 0))[0]
  return (proven && entryOf(proven)) ?? (byLatency && entryOf(byLatency)) ?? scenarios[0]!
}
