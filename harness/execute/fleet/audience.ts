/** The coordinator's word to whoever watches its run: while nobody does, nothing is made of what could be said. */
import { createInbox, type NatsConnection } from '@nats-io/transport-node'
import { isStatus } from './messages.ts'

/** How long nothing is said after nobody listened, ms. */
const QUIET_MS = 500

export class Audience {
  private readonly nc: NatsConnection
  private readonly subject: string
  private readonly reply: string
  private readonly answers: { unsubscribe(): void }
  private quietUntil = 0

  /** @param inbox before the subject of the server's answers */
  constructor(nc: NatsConnection, subject: string, inbox: string) {
    this.nc = nc
    this.subject = subject
    this.reply = createInbox(inbox)
    // The server answers in the place of listeners where there are none, and those answer nothing.
    this.answers = nc.subscribe(this.reply, {
      callback: (error, message) => {
        if (error === null && isStatus(message)) this.quietUntil = performance.now() + QUIET_MS
      },
    })
  }

  tell(event: object): void {
    if (this.nc.isClosed() || performance.now() < this.quietUntil) return
    this.nc.publish(this.subject, JSON.stringify(event), { reply: this.reply })
  }

  close(): void {
    if (!this.nc.isClosed()) this.answers.unsubscribe()
  }
}
