/** The machine's monotonic clock in ms: the same in every process and thread, unlike `performance.now()`. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
