/** The process that sends a data set as events: beside the coordinator, outside every cap. */

import { plain } from './data/plain-text.ts'
import type { LivePublishSpec, PublisherReply, PublishSpec } from './protocol/publish.ts'
import { GROUP_SIGNALS } from './protocol/trial-process.ts'
import { publishLive } from './publish/live.ts'
import { publish } from './publish/publish.ts'

const stop = new AbortController()
for (const signal of GROUP_SIGNALS) process.on(signal, () => {})
// Without the coordinator this process has no purpose.
process.on('disconnect', () => process.exit(1))

process.once('message', (spec: PublishSpec | LivePublishSpec) => {
  if ('live' in spec) {
    // What goes wrong here the trial sees for itself: its events do not come.
    void publishLive(spec).catch((error: Error) => console.error(`stint: publisher: ${plain(error.message)}`))
    return
  }
  process.once('message', () => stop.abort())
  void publish(spec, stop.signal)
    .then(
      (report): PublisherReply => ({ ok: true, report }),
      (error: Error & { hint?: string }): PublisherReply => ({
        ok: false,
        error: { message: error.message, ...(error.hint !== undefined && { hint: error.hint }) },
      }),
    )
    .then((reply) => process.send!(reply, () => process.disconnect()))
})
