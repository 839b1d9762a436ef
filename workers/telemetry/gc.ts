/** Garbage collections of the calling thread's isolate. */
import { PerformanceObserver } from 'node:perf_hooks'
import { nextTurn } from './clock.ts'

export class GcMeter {
  count = 0
  pauseMs = 0
  private readonly observer: PerformanceObserver

  constructor() {
    this.observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) this.add(entry.duration)
    })
    this.observer.observe({ entryTypes: ['gc'] })
  }

  /** Entries arrive on the event loop, which a workload that never waits does not turn. */
  async stop(): Promise<void> {
    await nextTurn()
    await nextTurn()
    for (const entry of this.observer.takeRecords()) this.add(entry.duration)
    this.observer.disconnect()
  }

  private add(duration: number): void {
    this.count++
    this.pauseMs += duration
  }
}
