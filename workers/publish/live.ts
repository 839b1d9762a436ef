/** Sends the events of one trial to its worker, through a broker, by the trial's own schedule. */
import { openLink } from '../brokers/link.ts'
import { HELLO, READY, START } from '../data/sources/live.ts'
import { arrivalsOf } from '../drive/arrivals.ts'
import { recordTrace } from '../drive/trace.ts'
import type { LivePublishSpec } from '../protocol/publish.ts'
import { sendRows } from './publish.ts'
import { recordsOf } from './records.ts'

/** Ends when all rows are sent; whoever started it ends it before. */
export async function publishLive({ data, live, driver }: LivePublishSpec): Promise<void> {
  const { arrival, seed } = driver
  const trace = arrival.pattern === 'trace' ? await recordTrace(data, arrival.column) : null
  const records = recordsOf(data)
  const link = await openLink(live.url, live.id)
  let greeted = false
  const header = records.hasHeader ? await records.next() : null
  const begun = new Promise<number>((resolve) => {
    void link.hear('control', (payload) => {
      const word = Buffer.from(payload).toString()
      if (word.startsWith(START)) resolve(Number(word.slice(START.length)))
      if (word !== READY) return
      // Once: the reader asks again until it has an answer.
      if (!greeted && header !== null) link.send('rows', header)
      greeted = true
      link.send('control', Buffer.from(HELLO))
    })
  })
  const outlet = {
    get ready() {
      return link.ready
    },
    get failure() {
      return link.failure
    },
    send: (payload: Uint8Array) => link.send('rows', payload),
  }
  const sending = { to: live.url, first: 0, begun: await begun, rows: data.rows }
  await sendRows(records, outlet, arrivalsOf(arrival, seed, trace?.()), sending)
}
