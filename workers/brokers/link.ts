/** Two processes that talk through a broker: what one sends on a channel the other hears, in order, while both are there. */
import { brokerAddress } from './address.ts'

export type Channel = 'rows' | 'control'

export interface Link {
  hear(channel: Channel, take: (payload: Uint8Array) => void): Promise<void>
  send(channel: Channel, payload: Uint8Array): void
  /** Whether so little is under way that more may be sent. */
  readonly ready: boolean
  /** Why the connection ended; null while it is there. */
  readonly failure: Error | null
  close(): Promise<void>
}

/**
 * @param url of a broker, without a topic
 * @param id that both give, and nobody else does
 * @throws {BrokerError} where it is not there, or refuses
 */
export async function openLink(url: string, id: string): Promise<Link> {
  return brokerAddress(url).protocol === 'nats' ? await natsLink(url, id) : await mqttLink(url, id)
}

/** Bytes that may wait in a client before it is given more. */
const MOST_WAITING = 512

async function natsLink(url: string, id: string): Promise<Link> {
  const { connectNats, natsError } = await import('./nats.ts')
  const connection = await connectNats(url, { name: `stint ${id}`, reconnectMs: 0 })
  let waiting = 0
  const link = {
    failure: null as Error | null,
    async hear(channel: Channel, take: (payload: Uint8Array) => void) {
      connection.subscribe(`stint.${id}.${channel}`, { callback: (_error, { data }) => take(data) })
      await connection.flush()
    },
    send(channel: Channel, payload: Uint8Array) {
      connection.publish(`stint.${id}.${channel}`, payload)
      waiting += 1
      if (waiting % MOST_WAITING !== 0) return
      void connection.flush().then(
        () => {
          waiting -= MOST_WAITING
        },
        () => {},
      )
    },
    get ready() {
      return waiting < 4 * MOST_WAITING
    },
    close: () => connection.close(),
  }
  void connection.closed().then((reason) => {
    link.failure = natsError(reason instanceof Error ? reason : new Error('the connection ended'), url)
  })
  return link
}

async function mqttLink(url: string, id: string): Promise<Link> {
  const { connectMqtt, mqttError } = await import('./mqtt.ts')
  const { client } = await connectMqtt(url)
  let waiting = 0
  const heard = new Map<string, (payload: Uint8Array) => void>()
  client.handleMessage = ({ topic, payload }, done) => {
    heard.get(topic)?.(payload as Uint8Array)
    done()
  }
  const link = {
    failure: null as Error | null,
    async hear(channel: Channel, take: (payload: Uint8Array) => void) {
      heard.set(`stint/${id}/${channel}`, take)
      await client.subscribeAsync(`stint/${id}/${channel}`, { qos: 0 })
    },
    send(channel: Channel, payload: Uint8Array) {
      waiting += 1
      client.publish(`stint/${id}/${channel}`, Buffer.from(payload), { qos: 0 }, () => {
        waiting -= 1
      })
    },
    get ready() {
      return waiting < MOST_WAITING
    },
    close: () => client.endAsync(true),
  }
  client.on('close', () => {
    link.failure = mqttError(new Error('the connection ended'), url)
    // What was lost on the way would be missed by nobody.
    client.end(true)
  })
  return link
}
