import { describe, expect, it } from 'vitest'
import { outcomeOfDeath } from '../../../harness/execute/local/trial-result.ts'

const spec = { max_memory_mb: 64, timeout_s: 5 }
const death = (signal: NodeJS.Signals | null, stderr = '', code: number | null = null) => ({
  code,
  signal,
  stderr,
  fault: null,
})

describe('outcomeOfDeath', () => {
  it('takes the reason of a kill from who killed', () => {
    expect(outcomeOfDeath(death('SIGKILL'), 'memory', spec).outcome).toBe('out_of_memory')
    expect(outcomeOfDeath(death('SIGKILL'), 'deadline', spec).outcome).toBe('timed_out')
    expect(outcomeOfDeath(death('SIGKILL'), null, spec).outcome).toBe('crashed')
    const { error } = outcomeOfDeath({ ...death('SIGKILL'), fault: 'wrote nonsense' }, null, spec)
    expect(error.message).toBe('the trial process wrote nonsense; it was killed')
  })

  it.each([
    'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
    '# Fatal JavaScript invalid size error 169220804 (see crbug.com/1201626)',
    'FATAL ERROR: invalid table size Allocation failed - JavaScript heap out of memory',
  ])('knows an abort of V8 for want of memory: %s', (words) => {
    const { outcome, error } = outcomeOfDeath(death('SIGABRT', `before\n${words}\n 1: 0xb7a`), null, spec)
    expect(outcome).toBe('out_of_memory')
    expect(error.message).toContain(words)
    expect(error.exit).toBe('SIGABRT')
  })

  it('is a crash where V8 said nothing of memory, with exit code and last words', () => {
    const { outcome, error } = outcomeOfDeath(death(null, 'one\nlast words\n', 3), null, spec)
    expect(outcome).toBe('crashed')
    expect(error).toMatchObject({ exit: 'code 3', message: expect.stringContaining('last words') })
  })
})
