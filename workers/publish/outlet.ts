/** Takes events for a broker. */
export interface Outlet {
  /** Whether it can take one now: not where the connection is broken, or too many are under way. */
  readonly ready: boolean
  send(payload: Uint8Array, sequence: number, intendedMs: number): void
  /** Waits until every event is out, and acknowledged where the broker does that; then tells readers of the end. */
  finish(events: number): Promise<void>
  close(): Promise<void>
  /** Null where the broker acknowledges nothing. */
  readonly acknowledged: number | null
  readonly reconnections: number
  readonly outOfOrder: number
  /** Why no more can be sent; null for nothing. */
  readonly failure: Error | null
}
