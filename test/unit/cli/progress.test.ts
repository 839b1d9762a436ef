import stringWidth from 'fast-string-width'
import { describe, expect, it } from 'vitest'
import { Progress } from '../../../harness/cli/progress.ts'
import type { TrialResult } from '../../../workers/protocol.ts'

function setUp(live: boolean, trials = 20) {
  const written: string[] = []
  let time = 0
  const progress = new Progress({
    trials,
    now: () => time,
    write: (text) => written.push(text),
    live,
    colour: false,
    width: 80,
  })
  return { progress, written, advance: (ms: number) => (time += ms) }
}

const ended = (outcome: TrialResult['outcome'], message?: string) =>
  ({ outcome, round: 3, ...(message !== undefined && { error: { name: 'Error', message } }) }) as TrialResult

describe('progress', () => {
  it('shows trials done, time left at the pace so far, and the scenario', () => {
    const { progress, written, advance } = setUp(true)
    progress.starts('chunk_size=64')
    advance(2000)
    progress.ended(ended('ok'), 'chunk_size=64')
    expect(written.at(-1)).toContain('1/20 trials, 38 s left  chunk_size=64')
    expect(written.every((text) => text.length < 80 + '\r\u001b[2K'.length)).toBe(true)
  })

  it('keeps to its line whatever a label holds, and cuts no character in two', () => {
    const { progress, written } = setUp(true)
    for (const label of ['日本語の名前'.repeat(9), '🇩🇪'.repeat(40), 'e\u0301'.repeat(90)]) {
      progress.starts(label)
      const line = written.at(-1)!.replace('\r\u001b[2K', '')
      expect(stringWidth(line)).toBeLessThan(80)
      expect(stringWidth(line)).toBeGreaterThanOrEqual(78)
      expect(label).toContain(line.split('  ').at(-1)!.replace('…', ''))
    }
  })

  it('prints a failure as it happens, its message on one line and without control characters', () => {
    const { progress, written } = setUp(false)
    progress.ended(ended('failed', 'bad\u001b[31m thing\nsecond line'), 'x=1')
    expect(written[0]).toBe('✗ failed  x=1  round 3: bad�[31m thing\n')
  })

  it('without a terminal writes a line a tenth', () => {
    const { progress, written } = setUp(false, 100)
    for (let i = 0; i < 100; i++) progress.ended(ended('ok'), 'x')
    expect(written).toHaveLength(10)
    expect(written.at(-1)).toBe('100/100 trials\n')
  })
})
