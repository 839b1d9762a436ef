/** What a NATS server sends, cut into parts at any place: a server of our own that says what a real one rarely does. */
import { createServer, type Server, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { orderStream } from '../../harness/random.ts'
import { openSource } from '../../workers/data/sources/bytes.ts'

const MADE = '2026-01-02T03:04:05Z'

interface Stored {
  sequence: number
  payload: string
}

interface Behaviour {
  messages: Stored[]
  /** Bytes of a part at most; many have a few. */
  most: number
  /** Tokens of a reply subject: nine of older servers, twelve of newer ones. */
  tokens: 9 | 12
  headed: boolean
  /** Deliveries after which one message is left out, once. */
  leaveOutAt?: number
  /** The first consumer sends each message twice. */
  twice?: boolean
}

/** Speaks as much of the protocol as a reader of a stored stream asks for. */
class FakeServer {
  readonly server: Server
  readonly consumers: number[] = []
  private readonly behaviour: Behaviour
  private readonly random = orderStream(9)

  constructor(behaviour: Behaviour) {
    this.behaviour = behaviour
    this.server = createServer((socket) => this.serve(socket.setNoDelay(true)))
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve))
    const address = this.server.address()
    return typeof address === 'object' && address !== null ? address.port : Number.NaN
  }

  private serve(socket: Socket): void {
    const { messages, tokens, headed, leaveOutAt, twice } = this.behaviour
    const sids = new Map<string, string>()
    let next = 0
    let delivery = 0
    let waiting: Buffer[] = []
    let sending = false
    const send = async (text: string) => {
      waiting.push(Buffer.from(text))
      if (sending) return
      sending = true
      while (waiting.length > 0) {
        const all = Buffer.concat(waiting)
        waiting = []
        for (let at = 0; at < all.length; ) {
          const end = at + 1 + Math.floor(this.random() ** 4 * this.behaviour.most)
          socket.write(all.subarray(at, end))
          at = end
          await turn()
        }
      }
      sending = false
    }
    const message = (subject: string, sid: string, reply: string, payload: string, headers = '') => {
      const [head, body] = [Buffer.byteLength(headers), Buffer.byteLength(payload)]
      const sizes = headers === '' ? `${body}` : `${head} ${head + body}`
      const word = headers === '' ? 'MSG' : 'HMSG'
      return `${word} ${subject} ${sid} ${reply === '' ? '' : `${reply} `}${sizes}\r\n${headers}${payload}\r\n`
    }
    const answer = (to: string, value: unknown) => {
      const [prefix] = [...sids.keys()].filter((subject) => to.startsWith(subject.replace('*', '')))
      void send(message(to, sids.get(prefix!)!, '', JSON.stringify(value)))
    }
    const deliver = (inbox: string, batch: number) => {
      const sid = sids.get(inbox)!
      let text = message(inbox, sid, '', '', 'NATS/1.0 100 Idle Heartbeat\r\n\r\n')
      for (let i = 0; i < batch && next < messages.length; i += 1) {
        const { sequence, payload } = messages[next]!
        next += 1
        delivery += 1
        if (this.consumers.length === 1 && delivery === leaveOutAt) continue
        const ack = `stream.consumer.1.${sequence}.${delivery}.1700000000000000000.${messages.length - next}`
        const reply = tokens === 9 ? `$JS.ACK.${ack}` : `$JS.ACK.hub.A1b2.${ack}.r4nd`
        const headers = headed ? `NATS/1.0\r\nNats-Msg-Id: a-${sequence}\r\n\r\n` : ''
        for (let n = 0; n < (twice === true && this.consumers.length === 1 ? 2 : 1); n += 1)
          text += message('subject', sid, reply, payload, headers)
        if (sequence % 7 === 0) text += 'PING\r\n+OK\r\nINFO {"server_id":"x","max_payload":1048576}\r\n'
        if (sequence % 11 === 0) text += message('other', '999', '', 'MSG subject 1 5\r\nnot ours\r\n')
      }
      void send(text)
    }
    void send(
      'INFO {"server_id":"x","version":"2.10.0","proto":1,"headers":true,"max_payload":1048576,"jetstream":true}\r\n',
    )
    let said = ''
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      said += bytes.toString('latin1')
      for (;;) {
        const end = said.indexOf('\r\n')
        if (end < 0) return
        const [word, ...rest] = said.slice(0, end).split(' ')
        let body = ''
        if (word === 'PUB') {
          const size = Number(rest.at(-1))
          if (said.length < end + 2 + size + 2) return
          body = said.slice(end + 2, end + 2 + size)
          said = said.slice(end + 2 + size + 2)
        } else said = said.slice(end + 2)
        if (word === 'PING') void send('PONG\r\n')
        if (word === 'SUB') sids.set(rest[0]!, rest.at(-1)!)
        if (word !== 'PUB') continue
        const [subject = '', reply = ''] = rest
        const last = messages.at(-1)!.sequence
        const state = { messages: messages.length, first_seq: messages[0]!.sequence, last_seq: last }
        if (subject === '$JS.API.INFO')
          answer(reply, { type: 'io.nats.jetstream.api.v1.account_info_response' })
        else if (subject.startsWith('$JS.API.STREAM.INFO.'))
          answer(reply, { config: { name: 'stream' }, created: MADE, state })
        else if (subject.startsWith('$JS.API.CONSUMER.CREATE.')) {
          const from = JSON.parse(body).config.opt_start_seq ?? 1
          this.consumers.push(from)
          next = messages.findIndex(({ sequence }) => sequence >= from)
          delivery = 0
          const name = `consumer${this.consumers.length}`
          answer(reply, { name, stream_name: 'stream', config: {}, num_pending: messages.length - next })
          // The consumer is known while something else is on its way in parts.
          void send(message('other', '999', '', 'z'.repeat(20_000)))
        } else if (subject.startsWith('$JS.API.CONSUMER.MSG.NEXT.')) deliver(reply, JSON.parse(body).batch)
      }
    })
  }
}

const random = orderStream(4)
/** With gaps between sequences, empty payloads, payloads that end in an LF or hold several lines, and one of 70 kB. */
const messages: Stored[] = []
let sequence = 1
for (let i = 0; i < 2_000; i += 1) {
  const text = `${i},"é ${'x'.repeat(Math.floor(random() * 40))}"`
  const payload =
    i % 50 === 7 ? '' : i % 13 === 0 ? `${text}\n` : i % 17 === 0 ? `${text}\nMSG a 1 1\n` : text
  messages.push({ sequence, payload: i === 1_200 ? `${text}${'y'.repeat(70_000)}` : payload })
  sequence += random() < 0.1 ? 3 : 1
}
const TEXT = messages
  .map(({ payload }) => (payload === '' || payload.endsWith('\n') ? payload : `${payload}\n`))
  .join('')
const RANGE = `?from=1&to=${messages.at(-1)!.sequence}&messages=${messages.length}&made=${Date.parse(MADE)}`

async function readAll(port: number, partBytes: number): Promise<string> {
  const source = openSource(`nats://127.0.0.1:${port}/stream${RANGE}`)
  const parts: Buffer[] = []
  try {
    for (;;) {
      const part = Buffer.alloc(partBytes)
      const count = await source.read(part, 0)
      if (count === 0) return Buffer.concat(parts).toString()
      parts.push(part.subarray(0, count))
    }
  } finally {
    source.close()
  }
}

describe('messages of a stored stream', () => {
  const CASES: [string, Omit<Behaviour, 'messages'>, number[]][] = [
    ['in parts, some of a byte or two', { most: 1_000, tokens: 9, headed: true }, [1]],
    ['in large parts, from a newer server', { most: 100_000, tokens: 12, headed: true }, [1]],
    ['without headers', { most: 9_000, tokens: 9, headed: false }, [1]],
    [
      'one of which is lost',
      { most: 900, tokens: 12, headed: true, leaveOutAt: 1_001 },
      [1, messages[999]!.sequence + 1],
    ],
    ['that come twice', { most: 900, tokens: 9, headed: true, twice: true }, [1, messages[0]!.sequence + 1]],
  ]
  it.each(CASES)('%s are its lines, each once and in order', async (_, behaviour, consumers) => {
    const fake = new FakeServer({ ...behaviour, messages })
    const port = await fake.listen()
    try {
      expect((await readAll(port, 10_000)) === TEXT).toBe(true)
      expect(fake.consumers).toEqual(consumers)
    } finally {
      fake.server.close()
    }
  })
})
