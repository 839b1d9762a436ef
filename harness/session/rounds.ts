/** A run whose trials are measured on other machines: whole rounds go out, and come into the journal in batches. */
import { setImmediate as turn } from 'node:timers/promises'
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import type { Stopping } from '../analyse/precision.ts'
import type { Fleet } from '../execute/executor.ts'
import { fillSlots } from '../execute/schedule.ts'
import { type Block, Blocks } from '../plan/planner.ts'
import type { Journal } from '../record/journal.ts'
import type { Manifest } from '../record/types.ts'
import type { PlannedTrial } from '../sweep/types.ts'
import type { Listener } from './events.ts'
import type { Session } from './session.ts'

interface RoundsToRun {
  manifest: Manifest
  session: Session
  plan: readonly PlannedTrial[]
  stopping: Stopping | null
  isLogged(round: number): boolean
  /** Has the manifest name the machines that are known by now. */
  saveMachines(): void
  /** A result as the journal has it. */
  recorded(result: TrialResult): TrialResult
}

interface RoundsContext {
  fleet: Fleet
  journal: Journal
  listener: Listener
  signal: AbortSignal
}

/** Rounds that wait at the server or are under way: more would gain nothing. */
const MOST_AHEAD = 2000

/** The name of a run on the server: that of its folder, as it was made. */
export function fleetRunId({ id, started_at }: Pick<Manifest, 'id' | 'started_at'>): string {
  const time = started_at.slice(0, 19).replaceAll('-', '').replaceAll(':', '')
  return `${time}Z-${id}`
}

/** @throws where the journal cannot be written, an agent refuses, or another coordinator has the run */
export async function runRounds(
  { manifest, session, plan, stopping, isLogged, saveMachines, recorded }: RoundsToRun,
  { fleet, journal, listener, signal }: RoundsContext,
): Promise<{ interrupted: boolean }> {
  const { scenarios } = session.sweep
  const byId = new Map(scenarios.map((scenario) => [scenario.id, scenario]))
  const missing = new Map(plan.map((trial) => [trial.trial, trial]))
  const progress = {
    planned: manifest.planned_trials,
    finished: manifest.planned_trials - plan.length,
    not_ok: 0,
  }
  const tell: Listener = (event) => {
    listener(event)
    if (event.event !== 'started') fleet.tell(event, progress)
  }
  let isUnsaved = false
  await fleet.take({
    id: fleetRunId(manifest),
    name: manifest.sweep.name,
    manifest,
    progress,
    isFinished: (trial) => !missing.has(trial),
    machines: manifest.fleet?.machines ?? [],
    onMachine: () => {
      isUnsaved = true
    },
    onStart: (id) => {
      const trial = missing.get(id)
      if (trial !== undefined) tell({ event: 'started', trial })
    },
    onNote: (text) => tell({ event: 'note', text }),
  })
  // A resumed run gives each machine the name that it has in the journal.
  const saveNew = () => {
    if (isUnsaved) saveMachines()
    isUnsaved = false
  }
  const commits = new Commits(journal, { before: saveNew, heard: () => fleet.heard() })
  // Where results decide what comes next, each machine has one round at a time.
  const ahead = stopping === null ? MOST_AHEAD : await fleet.slots()
  const end = await fillSlots<Block, TrialResult[]>({
    planner: new Blocks(plan, stopping, (scenario) => fleet.labelOf(byId.get(scenario)!.point['machine'])),
    slots: Math.max(1, Math.min(ahead, plan.length)),
    run: async ({ key, label, trials }) => {
      const specs = trials.map(({ scenario, round }) =>
        session.spec(byId.get(scenario)!, { round, logChunks: isLogged(round) }),
      )
      const { results, settle } = await fleet.round({ key, label, specs })
      const whole = results.map(recorded)
      await commits.add(whole)
      for (const { trial } of trials) missing.delete(trial)
      settle()
      return whole
    },
    onSkip: ({ trials }) => {
      for (const trial of trials) tell({ event: 'skipped', trial })
      progress.planned -= trials.length
    },
    onEnd: ({ trials }, results) => {
      for (const [index, trial] of trials.entries()) {
        const result = results[index]!
        progress.finished++
        if (result.outcome !== 'ok') progress.not_ok++
        tell({ event: 'finished', trial, result })
      }
    },
    close: () => fleet.close(),
    signal,
  }).finally(() => commits.end())
  if (!end.interrupted) await fleet.release('finished')
  return end
}

/** A batch is written when its oldest line is so old, and the batch before is on disk, ms. */
const BATCH_MS = 4

/** Lines of the journal, synced a batch at a time: one sync takes as long for one line as for a thousand. */
class Commits {
  private readonly journal: Journal
  private readonly before: () => void
  private readonly heard: () => Promise<void>
  private timer: NodeJS.Timeout | undefined
  /** When the oldest that waits came. */
  private since = 0
  private waiting: { lines: Buffer; resolve(): void; reject(error: unknown): void }[] = []
  private writing: Promise<void> | null = null
  private told: Promise<void> = Promise.resolve()

  /**
   * @param before called before each batch
   * @param heard resolves once nothing that came in waits to be looked at
   */
  constructor(journal: Journal, { before, heard }: { before(): void; heard(): Promise<void> }) {
    this.journal = journal
    this.before = before
    this.heard = heard
  }

  /** @returns when the lines are on disk, all of them or none */
  add(results: readonly TrialResult[]): Promise<void> {
    // Now, while the batch before is on its way to the disk.
    const lines = this.journal.linesOf(results)
    return new Promise((resolve, reject) => {
      if (this.waiting.length === 0) this.since = performance.now()
      this.waiting.push({ lines, resolve, reject })
      if (this.waiting.length === 1 && this.writing === null) this.writeSoon()
    })
  }

  /** Writes what waits; to be awaited before the journal is closed. */
  async end(): Promise<void> {
    while (this.writing !== null || this.waiting.length > 0) await (this.writing ?? this.write())
  }

  private writeSoon(): void {
    const ms = this.since + BATCH_MS - performance.now()
    if (ms <= 0) void this.write()
    else this.timer = setTimeout(() => void this.write(), ms)
  }

  /** Never rejects. */
  private write(): Promise<void> {
    clearTimeout(this.timer)
    const batch = this.waiting
    this.waiting = []
    this.writing = this.append(Buffer.concat(batch.map(({ lines }) => lines)))
      .then(
        () => batch.map(({ resolve }) => resolve),
        (error) =>
          batch.map(
            ({ reject }) =>
              () =>
                reject(error),
          ),
      )
      .then((ends) => {
        this.writing = null
        if (this.waiting.length > 0) this.writeSoon()
        this.told = this.told.then(() => this.tell(ends))
      })
    return this.writing
  }

  private async append(lines: Buffer): Promise<void> {
    this.before()
    await this.journal.appendAll(lines)
  }

  /** Each sets off what comes after a round and takes a while: what came in and is not on disk yet goes first. */
  private async tell(ends: readonly (() => void)[]): Promise<void> {
    for (const end of ends) {
      end()
      await turn()
      await this.heard()
    }
  }
}
