/** Data and code on their way to agents: by hash, once per server. */
import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { Objm } from '@nats-io/obj'
import type { NatsConnection } from '@nats-io/transport-node'
import type { LocalResources, TrialSpec } from '../../../workers/protocol/trial-spec.ts'
import { workloadName } from '../../sweep/paths.ts'
import { UserError } from '../../user-error.ts'
import { hashWorkload } from '../workload-code.ts'
import { makeBundle } from './bundle.ts'
import { codeName, DATA, dataName, HASH, SEND_MS } from './messages.ts'

export class Sender {
  private readonly nc: NatsConnection
  private readonly sent = new Map<string, Promise<void>>()

  constructor(nc: NatsConnection) {
    this.nc = nc
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
          return {
            size: bundle.length,
            open: () => Readable.toWeb(Readable.from([bundle])) as unknown as ReadableStream<Uint8Array>,
          }
        })
      }
      const sha256 = ref?.fingerprint.sha256
      if (sha256 === undefined || endings.has(sha256)) continue
      const path = data.get(sha256)
      if (path === undefined) throw new Error(`data ${sha256} was not provided`)
      endings.set(sha256, /(?:\.[A-Za-z0-9]{1,10}){0,2}$/.exec(basename(path))![0])
      await this.sendOnce(dataName(sha256), () => ({
        size: ref!.fingerprint.bytes,
        open: () => Readable.toWeb(createReadStream(path)) as unknown as ReadableStream<Uint8Array>,
      }))
    }
    return Object.fromEntries([...endings].filter(([hash]) => HASH.test(hash)))
  }

  private sendOnce(
    name: string,
    content: () => { size: number; open(): ReadableStream<Uint8Array> },
  ): Promise<void> {
    const sending =
      this.sent.get(name) ??
      (async () => {
        const store = await new Objm(this.nc).open(DATA)
        const there = await store.info(name)
        if (there !== null && !there.deleted) return
        const { size, open } = content()
        try {
          await store.put({ name }, open(), { timeout: SEND_MS })
        } catch (error) {
          throw noRoom(`${name.slice(0, 17)}... of ${size} bytes`, (error as Error).message)
        }
      })()
    sending.catch(() => this.sent.delete(name))
    this.sent.set(name, sending)
    return sending
  }
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
