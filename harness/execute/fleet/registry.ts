/** Who is there: the agents, by what they say of themselves every few seconds. */
import { jetstreamManager } from '@nats-io/jetstream'
import { type KV, Kvm } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { z } from 'zod'
import { fleetMachineSchema } from '../../record/schema.ts'
import { AGENTS, GONE_MS } from './messages.ts'
import type { AgentRecord } from './options.ts'

const text = z.string()
/** What an agent sends is untrusted as well: it is shown, and decides where trials go. */
const recordSchema = fleetMachineSchema.extend({
  process: text,
  at: z
    .object({
      host: text.regex(/^[A-Za-z0-9._-]{1,255}$/),
      pid: z.int().nonnegative(),
      boot: text.regex(/^[0-9a-f]{1,32}$/),
      hardware: text
        .regex(/^[0-9a-f]{1,32}$/)
        .nullable()
        .default(null),
    })
    .default({ host: 'unknown', pid: 0, boot: '0', hardware: null }),
  first: z.int().nullable().default(null),
  slots: z.int().positive(),
  can: z.looseObject({
    compute: text,
    memory: z.array(text),
    notes: z.array(text),
    limits: z.looseObject({}),
  }),
  busy: z.array(z.object({ run: text, key: text, now: text })),
  trouble: text.nullable().default(null),
  since: text,
})

/** What an agent said of itself last, and the number that the server gave it. */
export interface Registration {
  record: AgentRecord
  sequence: number
}

/**
 * All that the server has of agents of a name.
 * @throws where it does not answer, or no coordinator has set it up yet
 */
export async function registrationsOf(nc: NatsConnection, name: string): Promise<Registration[]> {
  const jsm = await jetstreamManager(nc, { checkAPI: false })
  const found: Registration[] = []
  for (let seq = 1; ; ) {
    const query = { seq, next_by_subj: `$KV.${AGENTS}.${name}.*` }
    const stored = await jsm.direct.getMessage(`KV_${AGENTS}`, query)
    if (stored === null) return found
    const record = readRecord(stored.data)
    if (record !== null) found.push({ record, sequence: stored.seq })
    seq = stored.seq + 1
  }
}

interface Heard {
  record: AgentRecord
  /** By this process's own clock. */
  at: number
}

export class Registry {
  private readonly heard = new Map<string, Heard>()
  private readonly listeners = new Set<() => void>()
  private stop: () => void = () => {}
  private closed = false

  /** Follows the server's list from now on. */
  static async follow(nc: NatsConnection): Promise<Registry> {
    const registry = new Registry()
    const kv = await new Kvm(nc).open(AGENTS)
    await registry.watch(kv)
    void registry.watchAgain(nc, kv)
    return registry
  }

  /** Who is there is asked at once where the link is up again: the client itself would wait to hear nothing for a while. */
  private async watchAgain(nc: NatsConnection, kv: KV): Promise<void> {
    for await (const { type } of nc.status()) {
      if (type !== 'reconnect' || this.closed) continue
      const stopOld = this.stop
      await this.watch(kv).then(stopOld, () => {})
      if (this.closed) this.stop()
    }
  }

  private async watch(kv: KV): Promise<void> {
    const watched = await kv.watch()
    this.stop = () => watched.stop()
    void (async () => {
      for await (const { key, operation, value } of watched) {
        const record = operation === 'PUT' ? readRecord(value) : null
        if (record === null) this.heard.delete(key)
        else this.heard.set(key, { record, at: performance.now() })
        for (const listener of this.listeners) listener()
      }
    })().catch(() => {})
  }

  /** By name; a process that was not heard of for some time is gone, whatever the server still has of it. */
  agents(): AgentRecord[] {
    for (const [key, { at }] of this.heard) if (performance.now() - at > GONE_MS) this.heard.delete(key)
    const there = [...this.heard.values()].map(({ record }) => record)
    // Processes of one name in any order that stays: their clocks may differ.
    return there.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.process < b.process ? -1 : 1))
  }

  withLabel(label: string): AgentRecord[] {
    return this.agents().filter(({ name, labels }) => name === label || labels.includes(label))
  }

  /** @returns a function that ends it */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  close(): void {
    this.closed = true
    this.stop()
  }
}

function readRecord(value: Uint8Array): AgentRecord | null {
  try {
    return recordSchema.parse(JSON.parse(Buffer.from(value).toString())) as unknown as AgentRecord
  } catch {
    return null
  }
}
