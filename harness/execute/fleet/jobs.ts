/** A job on an agent: fetches what it needs, runs it within the agent's limits, and hands in what it measured. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NatsConnection } from '@nats-io/transport-node'
import type { TrialResult } from '../../../workers/protocol/trial-result.ts'
import type { LocalResources, TrialSpec, WorkloadSource } from '../../../workers/protocol/trial-spec.ts'
import type { DuetExecutor } from '../executor.ts'
import { measureKernel } from '../kernel-speed.ts'
import { holdCores } from '../local/core.ts'
import { neverEnded } from '../trial-spec.ts'
import {
  type Allowed,
  checkEnvironment,
  checkWorkload,
  duetWithinLimits,
  Refused,
  specsOf,
  withinLimits,
} from './check-job.ts'
import type { Claims } from './claims.ts'
import type { AgentDisk } from './disk.ts'
import {
  codeName,
  DATA,
  dataName,
  type Job,
  MOST_DEATHS,
  type Outcome,
  type Taken,
  unpack,
} from './messages.ts'
import { fetchObject, fetchWhole } from './objects.ts'
import type { AgentRecord } from './options.ts'
import { HAND_IN_MS, type Outbox } from './outbox.ts'
import type { Presence } from './presence.ts'

const CORE_KEPT_MS = 60_000

type Fetch<Found> = (nc: NatsConnection, bucket: string, name: string) => Promise<Found | null>

/** What sweeps may have of this machine beside its limits. */
export interface Permits {
  workloads: Allowed
  /** Names of environment variables. */
  env: ReadonlySet<string>
}

interface Parts {
  nc: NatsConnection
  disk: AgentDisk
  claims: Claims
  presence: Presence
  outbox: Outbox
  permits: Permits
  onNote(text: string): void
}

export class Jobs {
  private readonly parts: Parts
  private core: { run: string; core: number | null; release(): void; timer: NodeJS.Timeout } | null = null

  constructor(parts: Parts) {
    this.parts = parts
  }

  /** @throws {Refused} where what the job refers to may not run here or is not what its hash says */
  async resources(job: Job, executor: DuetExecutor, folder: string | null): Promise<LocalResources> {
    const { disk, permits, presence } = this.parts
    const workloads = new Map<string, WorkloadSource>()
    const data = new Map<string, string>()
    for (const spec of specsOf(job)) {
      const { workload, data: ref } = spec
      checkEnvironment(spec, permits.env)
      if (!workloads.has(workload.sha256)) {
        checkWorkload(workload, permits.workloads, presence.self.build)
        workloads.set(
          workload.sha256,
          workload.kind === 'builtin'
            ? workload.name
            : await disk.code(workload.sha256, async () =>
                unpack(await this.fetched(codeName(workload.sha256), fetchWhole)),
              ),
        )
      }
      const sha256 = ref?.fingerprint.sha256
      if (sha256 === undefined || data.has(sha256)) continue
      const ending = job.endings[sha256] ?? ''
      data.set(sha256, await disk.data(sha256, ending, () => this.fetched(dataName(sha256), fetchObject)))
    }
    return {
      workloads,
      data,
      chunk_logs: folder,
      cpu_profiles: null,
      compute_scale: await this.scaleFor(job, executor),
    }
  }

  private async fetched<Found>(name: string, fetch: Fetch<Found>): Promise<Found> {
    const found = await fetch(this.parts.nc, DATA, name)
    if (found === null) throw new Refused(`the server does not have ${name}`)
    return found
  }

  /** Cores of this machine for one compute unit: measured once, with nothing else on this agent's slot. */
  private async scaleFor({ relative_to }: Job, executor: DuetExecutor): Promise<number> {
    if (relative_to === null) return 1
    const { presence } = this.parts
    executor.provide({
      workloads: new Map(),
      data: new Map(),
      chunk_logs: null,
      cpu_profiles: null,
      compute_scale: 1,
    })
    presence.kernelOpsS ??= await measureKernel(executor).catch((error: Error) => {
      // Another try would come to the same.
      throw new Refused(error.message)
    })
    return relative_to.kernel_ops_s / presence.kernelOpsS
  }

  /** @returns whether the server has all of it */
  async round(
    job: Job,
    specs: readonly TrialSpec[],
    on: {
      executor: DuetExecutor
      message: Taken
      /** For chunk logs; null where no trial has one. */
      folder: string | null
      doing: AgentRecord['busy'][number]
      cancel: AbortSignal
    },
  ): Promise<boolean> {
    const { run, key, again } = job
    const { executor, message, folder, doing, cancel } = on
    const { presence, outbox, claims, disk } = this.parts
    const { machine, limits, name } = presence.self
    const scale = job.relative_to === null ? 1 : job.relative_to.kernel_ops_s / presence.kernelOpsS!
    const { cores } = machine
    const limited = specs.map((spec) => withinLimits(spec, limits, scale, cores))
    const deaths = message.delivery > 1 ? await claims.deathsIn(run, key) : new Map<string, number>()
    const saved = new Map<string, Outcome>()
    // A round counts where one machine has done all of it: what was measured under other limits is measured again.
    for (const outcome of disk.saved(run, key))
      if (outbox.markOf(outcome) === presence.describe().mark) saved.set(outcome.id, outcome)
    let claimed: string | null = null
    const claim = (id: string) => {
      if (claimed !== id) claims.claim(run, key, id, deaths)
      claimed = id
    }
    let handed = true
    for (const [index, spec] of limited.entries()) {
      cancel.throwIfAborted()
      const id = spec.trial
      let outcome = saved.get(id)
      let text: string | undefined
      if (outcome === undefined) {
        claim(id)
        doing.now = id
        const died = deaths.get(id) ?? 0
        executor.expect?.(limited.slice(index + 1))
        const result =
          died >= MOST_DEATHS
            ? { ...crashed(spec, died), machine: name }
            : await this.trial(spec, executor, specs[index]!)
        cancel.throwIfAborted()
        const chunk_log = folder === null ? null : logIn(folder, id)
        const what = { kind: 'trial', result, chunk_log } as const
        outcome = { format: 1, run, key, id, agent: presence.describe().text, what }
        text = JSON.stringify(outcome)
        disk.save(outcome, text)
      }
      const handing = outbox.handIn(outcome, cancel, { text, patienceMs: HAND_IN_MS, again })
      // With the result, so that the link is used once for both.
      const next = limited[index + 1]?.trial
      if (next !== undefined && !saved.has(next)) claim(next)
      handed = (await handing) && handed
    }
    claims.claim(run, key, null, deaths)
    if (handed) return true
    // What the server did not take at once it has by now, or takes when the link is up again.
    for (const outcome of disk.saved(run, key))
      if (!(await outbox.handIn(outcome, cancel, { again }))) return false
    return true
  }

  private async trial(spec: TrialSpec, executor: DuetExecutor, asked: TrialSpec): Promise<TrialResult> {
    const { presence } = this.parts
    const alone = presence.busy.size === 1
    const { begun } = presence
    const result = await executor.run(spec)
    const notes = [...result.notes]
    for (const cap of ['max_memory_mb', 'max_compute_units'] as const)
      if (spec.caps[cap] !== asked.caps[cap]) notes.push(`${cap} ${spec.caps[cap]} is the agent's own limit`)
    const named = { ...result, notes, machine: presence.self.name }
    // Another slot's job may have begun and ended while this trial ran.
    if (named.outcome !== 'ok' || (alone && presence.begun === begun)) return named
    // Counters count the whole machine, and another slot's part of it is not known here.
    return { ...named, energy: { joules: null, source: null, shared: true } }
  }

  /** @returns whether the server has it */
  async duet(job: Job, executor: DuetExecutor, cancel: AbortSignal): Promise<boolean> {
    if (job.work.kind !== 'duet') return false
    const { run, key } = job
    const { presence, outbox } = this.parts
    const { machine, limits } = presence.self
    const spec = duetWithinLimits(job.work.spec, limits, machine.cores)
    const { baseline, candidate } = spec.sides
    const core = await this.coreFor(run, candidate.caps.pin_core, cancel)
    const pinned = { ...candidate, caps: { ...candidate.caps, pin_core: core } }
    const report = await executor.duet({ ...spec, sides: { baseline, candidate: pinned } })
    cancel.throwIfAborted()
    const what = { kind: 'duet', report } as const
    const outcome: Outcome = { format: 1, run, key, id: spec.duet, agent: presence.describe().text, what }
    return await outbox.handIn(outcome, cancel, { again: job.again })
  }

  /** One core for all duets of a gate. */
  private async coreFor(run: string, asked: number | null, signal: AbortSignal): Promise<number | null> {
    if (this.core?.run !== run || (asked !== null && this.core.core !== asked)) {
      this.releaseCore()
      const { onNote: onStep } = this.parts
      const held = await holdCores({ asked: [asked], patienceMs: CORE_KEPT_MS, signal, onStep })
      const timer = setTimeout(() => this.releaseCore(), CORE_KEPT_MS).unref()
      this.core = { run, core: asked ?? held.core, release: held.release, timer }
    }
    this.core!.timer.refresh()
    return this.core!.core
  }

  releaseCore(): void {
    if (this.core === null) return
    clearTimeout(this.core.timer)
    this.core.release()
    this.core = null
  }
}

function logIn(folder: string, trial: string): string | null {
  const path = join(folder, `${trial}.jsonl`)
  return existsSync(path) ? readFileSync(path, 'utf8') : null
}

/** The result of a trial that is not begun again. */
function crashed(spec: TrialSpec, deaths: number): TrialResult {
  const message = `the agent that ran it went away ${deaths} times while it ran: it was killed, or its machine or its link failed`
  return neverEnded(spec, { name: 'AgentLost', message })
}
