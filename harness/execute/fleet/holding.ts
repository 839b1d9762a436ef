/** One coordinator per run: it says every few seconds that it has the run, and how far that is. */
import type { KV } from '@nats-io/kv'
import { machineName, ownerToken, parseOwner, stateOf, thisProcess } from '../../ownership/owner.ts'
import { UserError } from '../../user-error.ts'
import type { FleetRun, RunProgress } from '../executor.ts'
import { pause, type RunState } from './messages.ts'

const BEAT_MS = 2000
/** A coordinator whose word is older is gone, ms. */
const HELD_MS = 7000
const RETRY_MS = 500

export class Holding {
  private readonly runs: KV
  private readonly id: string
  private readonly onLost: (error: UserError) => void
  private state: RunState
  private revision = 0
  private timer: NodeJS.Timeout | undefined

  private constructor(runs: KV, { id, name, progress }: FleetRun, onLost: (error: UserError) => void) {
    this.runs = runs
    this.id = id
    this.onLost = onLost
    const coordinator = { owner: ownerToken(thisProcess()), machine: machineName() }
    this.state = { name, coordinator, ...progress, done: 'no' }
  }

  /**
   * @param onLost called where another coordinator has taken the run over
   * @throws {UserError} where another one has it
   */
  static async take(runs: KV, run: FleetRun, onLost: (error: UserError) => void): Promise<Holding> {
    const holding = new Holding(runs, run, onLost)
    await holding.lock()
    return holding
  }

  private async lock(): Promise<void> {
    const { runs, id } = this
    const held = await runs.get(id)
    const holder = held?.operation === 'PUT' ? held.json<RunState>() : null
    if (holder !== null && holder.done === 'no' && (await this.isAlive(holder, held!.revision))) {
      const { machine, owner } = holder.coordinator
      throw new UserError(
        `another stint works on this run (process ${parseOwner(owner)?.pid ?? 'unknown'} on ${machine})`,
        'wait for it, or end it; "stint watch" shows how far it is',
      )
    }
    const value = JSON.stringify(this.state)
    try {
      this.revision =
        held === null ? await runs.create(id, value) : await runs.update(id, value, held.revision)
    } catch (error) {
      throw new UserError(`another stint has just begun to work on this run (${(error as Error).message})`)
    }
    this.timer = setInterval(() => void this.beat(), BEAT_MS)
  }

  /** One of this machine can be looked at; of another's, whether it still says something. */
  private async isAlive({ coordinator }: RunState, revision: number): Promise<boolean> {
    const owner = parseOwner(coordinator.owner)
    if (owner !== null && coordinator.machine === machineName()) {
      const state = stateOf(owner)
      if (state !== 'unknown') return state === 'alive'
    }
    const until = performance.now() + HELD_MS
    while (performance.now() < until) {
      await pause(RETRY_MS)
      const now = await this.runs.get(this.id)
      if (now !== null && now.revision !== revision) return true
    }
    return false
  }

  private async beat(): Promise<void> {
    const { runs, id } = this
    try {
      this.revision = await runs.update(id, JSON.stringify(this.state), this.revision)
    } catch (error) {
      if (!/wrong last sequence/.test((error as Error).message)) return
      // An answer that was lost on the way looks the same as another coordinator.
      const now = await runs.get(id).catch(() => null)
      if (now === null) return
      this.revision = now.revision
      if (now.json<RunState>().coordinator.owner !== this.state.coordinator.owner)
        this.onLost(new UserError('another stint has taken over this run'))
    }
  }

  progress(progress: RunProgress): void {
    Object.assign(this.state, progress)
  }

  /** No beat follows. */
  stop(): void {
    clearInterval(this.timer)
  }

  /** @returns when the server knows, or does not answer */
  async end(done: 'finished' | 'interrupted'): Promise<void> {
    this.stop()
    this.state = { ...this.state, done }
    await this.runs.put(this.id, JSON.stringify(this.state)).catch(() => {})
  }
}
