/** Brokers that are down, hang, restart or drop the connection while data is read or sent: real ones, ended by pid. */

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSource } from '../../workers/data/sources/bytes.ts'
import { collectTopic } from '../../workers/data/sources/mqtt.ts'
import { lookAtStream } from '../../workers/data/sources/nats.ts'
import type { PublishSpec } from '../../workers/protocol/publish.ts'
import { publish } from '../../workers/publish/publish.ts'
import { type BrokerServer, freePort, isInstalled, startMosquitto, startNats } from '../fixtures/brokers.ts'

const ROWS = 10_000
let folder: string
let data: string
let text: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'brokers-'))
  data = join(folder, 'data.csv')
  text = `a,b\n${Array.from({ length: ROWS }, (_, i) => `${i},"x ${i % 7}"\n`).join('')}`
  writeFileSync(data, text)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const sending = (to: string, rate: number, more: Partial<PublishSpec> = {}): PublishSpec => ({
  ...{ data: { path: data }, to, arrival: { pattern: 'constant', rate }, seed: 1, rows: null, qos: 1 },
  ...more,
})

/** All of a stream; `during` is called after each part of at most so many bytes. */
async function readAll(path: string, partBytes: number, during: (bytes: number) => unknown): Promise<string> {
  const source = openSource(path)
  const parts: Buffer[] = []
  let bytes = 0
  try {
    for (;;) {
      const part = Buffer.alloc(partBytes)
      const count = await source.read(part, 0)
      if (count === 0) return Buffer.concat(parts).toString()
      parts.push(part.subarray(0, count))
      bytes += count
      await during(bytes)
    }
  } finally {
    source.close()
  }
}

/** Calls once, at the first time that so many bytes were read. */
const once = (at: number, call: () => unknown) => {
  let done = false
  return async (bytes: number) => {
    if (done || bytes < at) return
    done = true
    await call()
  }
}

describe.skipIf(!isInstalled('nats-server'))('a NATS server', () => {
  let server: BrokerServer
  let stream: string
  beforeAll(async () => {
    server = await startNats()
    await publish(sending(`${server.url}/data`, 1_000_000))
    stream = (await lookAtStream(`${server.url}/data`)).path
  })
  afterAll(() => server.remove())

  it('that is killed and started again while a stream is read takes nothing from it and adds nothing', async () => {
    const restart = once(text.length / 2, async () => {
      await server.kill()
      await server.start()
    })
    expect(await readAll(stream, 4096, restart)).toBe(text)
  })

  it('that hangs for a while only makes the reader wait', async () => {
    const hang = once(text.length / 3, () => {
      server.freeze()
      setTimeout(() => server.thaw(), 2500)
    })
    expect(await readAll(stream, 4096, hang)).toBe(text)
  })

  it('whose connection is cut again and again is read to the end, each message once', async () => {
    const cutter = await cuttable(server.port)
    try {
      const path = stream.replace(String(server.port), String(cutter.port))
      let next = 0
      const cut = async (bytes: number) => {
        if (bytes < next) return
        next = bytes + text.length / 4
        cutter.cut()
        await sleep(5)
      }
      expect(await readAll(path, 8192, cut)).toBe(text)
      expect(cutter.cuts).toBeGreaterThan(2)
    } finally {
      cutter.close()
    }
  })

  it('that restarts while data is sent has every event once and in order', async () => {
    const to = `${server.url}/restarted`
    const published = publish(sending(to, 10_000))
    // A busy machine takes its time to connect and to make the stream.
    await until(() => stored(server, 'restarted') > 0)
    await server.kill()
    await server.start()
    const report = await published
    expect(report).toMatchObject({ events: ROWS, acknowledged: ROWS + 1, out_of_order: 0 })
    expect(report.reconnections).toBeGreaterThan(0)
    expect(await readAll((await lookAtStream(to)).path, 65_536, () => {})).toBe(text)
  })

  it('whose stream lost messages since it was looked at is not read as if it had not', async () => {
    const to = `${server.url}/short`
    await publish(sending(to, 1_000_000, { rows: 10 }))
    const { path } = await lookAtStream(to)
    const gone = path.replace('from=1&to=11&messages=11', 'from=1&to=12&messages=12')
    await expect(readAll(gone, 4096, () => {})).rejects.toThrow(/short: the stream has changed since/)
    const other = path.replace(/made=\d+/, 'made=1')
    await expect(readAll(other, 4096, () => {})).rejects.toThrow(/it was deleted and made again/)
  })
})

describe.skipIf(!isInstalled('mosquitto'))('an MQTT broker', () => {
  let server: BrokerServer
  beforeAll(async () => {
    server = await startMosquitto()
  })
  afterAll(() => server.remove())

  it('whose connections are cut loses nothing at QoS 1, and what came twice is left out', async () => {
    const cutter = await cuttable(server.port)
    try {
      const url = `mqtt://127.0.0.1:${cutter.port}/data`
      const copy = join(folder, 'copy')
      const options = { qos: 1, waitS: 20, rows: null, hasHeader: true } as const
      const collected = collectTopic(url, copy, options)
      await until(() => server.said().includes('\tdata (QoS 1)'))
      const connections = () => server.said().split('New client connected').length - 1
      const listening = connections()
      const published = publish(sending(url, 20_000, { rows: 5000 }))
      // One that never was is no connection that was cut.
      await until(() => connections() > listening)
      for (let cut = 0; cut < 3; cut += 1) {
        await sleep(60)
        cutter.cut()
      }
      expect(await published).toMatchObject({ events: 5000, acknowledged: 5001 })
      const { events, lost, late, endedBy } = await collected
      expect({ events, lost, late, endedBy }).toEqual({
        events: 5001,
        lost: 0,
        late: 0,
        endedBy: 'publisher',
      })
      expect(readFileSync(copy, 'utf8')).toBe(`${text.split('\n').slice(0, 5001).join('\n')}\n`)
    } finally {
      cutter.close()
    }
  })

  it('at QoS 0 has its losses counted', async () => {
    const copy = join(folder, 'lossy')
    const url = `${server.url}/lossy`
    const published = publish(sending(url, 2_000, { rows: 1000, qos: 0 }))
    // Whoever listens late has missed what went before.
    await sleep(200)
    const options = { qos: 0, waitS: 20, rows: null, hasHeader: false } as const
    const [collected, refusal] = await Promise.all([
      collectTopic(url, copy, options),
      collectTopic(url, `${copy}-too`, { ...options, hasHeader: true }).catch(
        (error: Error) => error.message,
      ),
    ])
    await published
    expect(refusal).toMatch(/lossy: the header of the CSV was published before Stint listened/)
    expect(collected.lost).toBeGreaterThan(0)
    expect(collected.events + collected.lost!).toBe(1001)
    expect(readFileSync(copy, 'utf8').trimEnd().split('\n')).toHaveLength(collected.events)
  })
})

it.each(['nats', 'mqtt'])('no broker at a %s address is one clear message', async (scheme) => {
  const server = `${scheme}://127.0.0.1:${await freePort()}`
  await expect(publish(sending(`${server}/data`, 100))).rejects.toThrow(`${server} does not answer: `)
})

/** Bytes of a stream's messages on the disk of its server. */
function stored({ folder }: BrokerServer, stream: string): number {
  try {
    return statSync(join(folder, 'jetstream', '$G', 'streams', stream, 'msgs', '1.blk')).size
  } catch {
    return 0
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    if (condition()) return
    await sleep(20)
  }
  throw new Error('waited 8 s in vain')
}

interface Cuttable {
  port: number
  cuts: number
  /** Breaks every connection; new ones can be made at once. */
  cut(): void
  close(): void
}

/** A way to a server that can be cut. */
async function cuttable(port: number): Promise<Cuttable> {
  const sockets = new Set<Socket>()
  const way: Server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.pipe(to)
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => way.listen(0, '127.0.0.1', resolve))
  const made: Cuttable = {
    port: (way.address() as { port: number }).port,
    cuts: 0,
    cut() {
      made.cuts += 1
      for (const socket of sockets) socket.destroy()
    },
    close() {
      made.cut()
      way.close()
    },
  }
  return made
}
