import stringWidth from 'fast-string-width'
import { describe, expect, it, vi } from 'vitest'
import { Progress, TrialProgress } from '../../harness/progress.ts'
import type { RunEvent } from '../../harness/session/events.ts'
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import { syntheticRun } from './report/synthetic.ts'

function setUp(live: boolean, trials = 20) {
  const written: string[] = []
  let time = 0
  const progress = new TrialProgress({
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

describe('the progress of trials', () => {
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

describe('progress', () => {
  function shown(live: boolean) {
    const state = { text: '', time: 0 }
    const write = (text: string) => {
      state.text += text
    }
    const progress = new Progress({ write, live, colour: false, width: 60, now: () => state.time })
    return { state, progress }
  }

  it('follows a run from its events only', () => {
    const { state, progress } = shown(false)
    const { manifest, trials } = syntheticRun()
    const [result] = trials
    const trial = { scenario: result!.scenario, round: 1, trial: result!.trial }
    const events: RunEvent[] = [
      { event: 'preparing', sweep: manifest.sweep },
      { event: 'prepared', folder: '/run', manifest, finished: 0, left: 1 },
      { event: 'note', text: 'mind\u001b[2J this' },
      { event: 'started', trial },
      { event: 'finished', trial, result: result! },
    ]
    for (const event of events) progress.hear(event)
    progress.close()
    const { scenarios } = manifest.sweep
    expect(state.text).toMatch(
      new RegExp(`^${manifest.sweep.name}: ${scenarios.length} scenarios x .* trials\n`),
    )
    expect(state.text).toContain('mind\ufffd[2J this\n')
    expect(state.text).toMatch(/1\/1 trials?\n$/)
  })

  it('says what a run sets out to do while its data is read, and nothing beside an error that comes at once', () => {
    vi.useFakeTimers()
    try {
      const preparing: RunEvent = { event: 'preparing', sweep: syntheticRun().manifest.sweep }
      const refused = shown(false)
      refused.progress.hear(preparing)
      refused.progress.close()
      const slow = shown(false)
      slow.progress.hear(preparing)
      expect(slow.state.text).toBe('')
      vi.advanceTimersByTime(1000)
      expect(slow.state.text).toMatch(/: \d+ scenarios x .* trials\n$/)
      expect(refused.state.text).toBe('')
    } finally {
      vi.useRealTimers()
    }
  })

  it('of a gate redraws one line within the width of a terminal, and prints one now and then elsewhere', () => {
    const done = { duets: 3, pairs: 1 }
    const planned = { duets: 12, pairs: 5 }
    const screen = shown(true)
    screen.progress.hear({ event: 'starts', now: 'duet 4 of s1', done, planned, leftMs: 40_000 })
    screen.progress.hear({ event: 'step', text: 'next' })
    const [line, ...rest] = screen.state.text.split('\n')
    expect(line).toContain('duet 4 of s1 (at most 9 more)')
    expect(stringWidth(line!.replace('\r\u001b[2K', ''))).toBeLessThan(60)
    expect(rest).toEqual(['next', ''])
    const file = shown(false)
    file.progress.hear({ event: 'trial', done: 1, planned: 4 })
    file.state.time = 16_000
    file.progress.hear({ event: 'trial', done: 2, planned: 4 })
    expect(file.state.text).toBe('trial 2 of 4\n')
  })
})
