/** Data and code on their way to agents: by hash, once per server. */
import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { JetStreamApiError } from '@nats-io/jetstream'
import { type ObjectStore, Objm } from '@nats-io/obj'
import {
  ConnectionError,
  type NatsConnection,
  PermissionViolationError,
  RequestError,
  TimeoutError,
} from '@nats-io/transport-node'
import type { LocalResources, TrialSpec } from '../../../workers/protocol/trial-spec.ts'
import { workloadName } from '../../sweep/paths.ts'
import { UserError } from '../../user-error.ts'
import { hashWorkload } from '../workload-code.ts'
import { makeBundle } from './bundle.ts'
import { codeName, DATA, dataName, HASH, pause, SEND_MS } from './messages.ts'
import { hasWhole, removeRemains } from './objects.ts'

const RETRY_MS = 500

interface Content {
  bytes: number
  open(): Readable
}

export class Sender {
  private readonly nc: NatsConnection
  private readonly onNote: (text: string) => void
  private readonly sent = new Map<string, Promise<void>>()

  constructor(nc: NatsConnection, onNote: (text: string) => void) {
    this.nc = nc
    this.onNote = onNote
  }

  /**
   * Sends the data and the code of these trials, each once.
   * @returns by hash: what the data's name ends in
   */
  async send(
    specs: readonly TrialSpec[],
    { workloads, data }: LocalResources,
  ): Promise<Record<string, string>> {
    const endings = new Map<string, string>()
    for (const { workload, data: ref } of specs) {
      if (workload.kind !== 'builtin') {
        const path = workloads.get(workload.sha256)
        if (path === undefined) throw new Error(`workload ${workload.sha256} was not provided`)
        await this.sendOnce(codeName(workload.sha256), () => {
          const bundle = makeBundle(path)
          if (hashWorkload(path) !== workload.sha256)
            throw new UserError(
              `${workloadName(path)} has changed since the run began`,
              'undo the change, or start a new run',
            )
          return { bytes: bundle.length, open: () => Readable.from([bundle]) }
        })
      }
      const sha256 = ref?.fingerprint.sha256
      if (sha256 === undefined || endings.has(sha256)) continue
      const path = data.get(sha256)
      if (path === undefined) throw new Error(`data ${sha256} was not provided`)
      endings.set(sha256, /(?:\.[A-Za-z0-9]{1,10}){0,2}$/.exec(basename(path))![0])
      await this.sendOnce(dataName(sha256), () => ({
        bytes: ref!.fingerprint.bytes,
        open: () => createReadStream(path),
      }))
    }
    return Object.fromEntries([...endings].filter(([hash]) => HASH.test(hash)))
  }

  private sendOnce(name: string, content: () => Content): Promise<void> {
    const sending = this.sent.get(name) ?? this.sendNow(name, content)
    sending.catch(() => this.sent.delete(name))
    this.sent.set(name, sending)
    return sending
  }

  /** As a round is published: again and again while the server or the link is away. */
  private async sendNow(name: string, content: () => Content): Promise<void> {
    let found: Content | null = null
    for (let told = false; ; told = true) {
      try {
        // What a server lost some parts of is sent anew.
        if (await hasWhole(this.nc, DATA, name)) return
        found ??= content()
        await put(await new Objm(this.nc).open(DATA), name, found)
        void removeRemains(this.nc, DATA).catch(() => {})
        return
      } catch (error) {
        const { message } = error as Error
        const what = found === null ? 'data and code' : `${name.slice(0, 17)}... of ${found.bytes} bytes`
        if (isFull(message)) throw noRoom(what, message)
        if (!isAway(error) || this.nc.isClosed()) throw error
        if (!told) this.onNote(`the server does not take ${what} now (${message}): it is sent until it does`)
      }
      await pause(RETRY_MS)
    }
  }
}

async function put(store: ObjectStore, name: string, { open }: Content): Promise<void> {
  const source = open()
  try {
    const parts = Readable.toWeb(source) as unknown as ReadableStream<Uint8Array>
    await store.put({ name }, parts, { timeout: SEND_MS })
  } finally {
    source.destroy()
  }
}

/** Whether it may go well once the server, or the link to it, is there again. */
function isAway(error: unknown): boolean {
  if (error instanceof RequestError) return !(error.cause instanceof PermissionViolationError)
  if (error instanceof JetStreamApiError) return error.status === 503
  // What the client says where JetStream has not started yet is of a class that it keeps to itself.
  const { name } = error as Error
  return error instanceof TimeoutError || error instanceof ConnectionError || name === 'JetStreamNotEnabled'
}

/** Whether the server said that it has no room. */
export function isFull(message: string): boolean {
  return /insufficient|resource|no space|maximum (?:bytes|messages)|exceed/i.test(message)
}

export function noRoom(what: string, why: string): UserError {
  return new UserError(
    `the server has no room for ${what}: ${why}`,
    'raise max_file_store in the configuration of nats-server, or remove what is no longer used: "nats object rm stint_data"',
  )
}
