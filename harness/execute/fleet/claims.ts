/** In which trials of a round agents went away: each says before a trial that it begins it, where the next one can read it. */
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { lastWords } from './connection.ts'
import { CLAIMS, subjects } from './messages.ts'

export class Claims {
  private readonly nc: NatsConnection

  constructor(nc: NatsConnection) {
    this.nc = nc
  }

  /** Sent before the trial begins; nothing waits for it, so that nothing of the link is in a measurement. */
  claim(run: string, key: string, trial: string | null, deaths: ReadonlyMap<string, number>): void {
    if (this.nc.isClosed()) return
    const value = JSON.stringify({ trial, deaths: Object.fromEntries(deaths) })
    this.nc.publish(subjects.claim(run, key), value)
  }

  async unclaim(run: string, key: string): Promise<void> {
    const deaths = await this.claimed(run, key)
    this.claim(run, key, null, deaths.deaths)
    await lastWords(this.nc.flush())
  }

  /** How often an agent went away in a trial of the round; whoever asks has got the round after one did. */
  async deathsIn(run: string, key: string): Promise<Map<string, number>> {
    const { trial, deaths } = await this.claimed(run, key)
    if (trial !== null) deaths.set(trial, (deaths.get(trial) ?? 0) + 1)
    return deaths
  }

  private async claimed(
    run: string,
    key: string,
  ): Promise<{ trial: string | null; deaths: Map<string, number> }> {
    try {
      const jsm = await jetstreamManager(this.nc, { checkAPI: false })
      const stored = await jsm.direct.getMessage(`KV_${CLAIMS}`, {
        last_by_subj: subjects.claim(run, key),
      })
      const { trial, deaths } = JSON.parse(stored?.string() ?? '{}') as { trial?: unknown; deaths?: object }
      const counts = Object.entries(deaths ?? {}).map(([id, count]): [string, number] => [id, Number(count)])
      return { trial: typeof trial === 'string' ? trial : null, deaths: new Map(counts) }
    } catch {
      return { trial: null, deaths: new Map() }
    }
  }
}
