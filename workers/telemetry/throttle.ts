import { textOf } from './clock.ts'

/**
 * Time in which a cgroup's quota held its processes back so far, ms, from its `cpu.stat`
 * (`throttled_usec` in cgroup v2, `throttled_time` in ns in v1). Null where the file does not tell.
 */
export function readThrottledMs(cpuStat: string): number | null {
  const text = textOf(cpuStat) ?? ''
  const v2 = /^throttled_usec (\d+)$/m.exec(text)
  if (v2) return Number(v2[1]) / 1e3
  const v1 = /^throttled_time (\d+)$/m.exec(text)
  return v1 ? Number(v1[1]) / 1e6 : null
}
