/** Where bytes come from. A source that answers with a number, not a promise, keeps reading synchronous. */
export interface ByteSource {
  /** Puts bytes at `into[offset]` and on, at most up to its end; how many, 0 at the end of the data. */
  read(into: Uint8Array, offset: number): number | Promise<number>
  close(): void
}
