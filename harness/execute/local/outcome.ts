/** What became of a trial whose trial process gave no result. */
import type { NotOkTrial, TrialError, WatchSummary } from '../../../workers/protocol.ts'
import type { ProcessDeath } from './trial-process.ts'

/** V8 says one of these before it aborts a process for want of memory. */
const V8_OUT_OF_MEMORY =
  /(heap out of memory|Fatal JavaScript invalid size error|Allocation failed|OOM error|out of memory: )/

export function outcomeOfDeath(
  death: ProcessDeath,
  killed: WatchSummary['killed'],
  limits: { max_memory_mb: number | null; timeout_s: number },
): { outcome: NotOkTrial['outcome']; error: TrialError } {
  const exit = death.signal ?? `code ${death.code}`
  if (killed === 'memory') {
    const message = `resident memory grew past max_memory_mb ${limits.max_memory_mb} within a step; the process was killed`
    return { outcome: 'out_of_memory', error: { name: 'MemoryCapError', message, exit } }
  }
  if (killed === 'cgroup_memory') {
    const message = `memory grew past max_memory_mb ${limits.max_memory_mb} within a step; the kernel ended the process at the limit of its cgroup`
    return { outcome: 'out_of_memory', error: { name: 'MemoryCapError', message, exit } }
  }
  if (killed === 'deadline') {
    const message = `not finished after timeout_s ${limits.timeout_s}; the process was killed`
    return { outcome: 'timed_out', error: { name: 'Timeout', message, exit } }
  }
  if (death.fault !== null) {
    const message = `the trial process ${death.fault}; it was killed`
    return { outcome: 'crashed', error: { name: 'Crash', message, exit } }
  }
  const words = V8_OUT_OF_MEMORY.exec(death.stderr)
  if (words && death.signal !== 'SIGKILL') {
    const message = `V8 ended the process for want of memory: ${lineAround(death.stderr, words.index)}`
    return { outcome: 'out_of_memory', error: { name: 'V8Abort', message, exit } }
  }
  const last = death.stderr.trim().split('\n').at(-1) ?? ''
  const message = `the trial process ended by itself (${exit})${last === '' ? '' : `: ${last}`}`
  return { outcome: 'crashed', error: { name: 'Crash', message, exit } }
}

function lineAround(text: string, index: number): string {
  const from = text.lastIndexOf('\n', index) + 1
  const to = text.indexOf('\n', index)
  return text.slice(from, to === -1 ? undefined : to).trim()
}
