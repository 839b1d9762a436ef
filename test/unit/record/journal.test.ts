import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { Journal, readJournal } from '../../../harness/record/journal.ts'
import type { TrialResult } from '../../../workers/protocol.ts'

const folder = mkdtempSync(join(tmpdir(), 'stint-journal-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0
const newPath = () => join(folder, `${files++}.jsonl`)

function trial(round: number, label: string): TrialResult {
  return {
    trial: `abc-r${round}`,
    scenario: 'abc',
    round,
    outcome: 'ok',
    info: { label },
    metrics: { wall_s: 1.25 },
    caps: {
      memory: { requested_mb: null, mechanisms: [], peak_mb: null, enforced: true },
      compute: {
        requested: null,
        achieved: 0.9,
        mechanism: 'none',
        period_ms: null,
        throttled_ms: null,
        enforced: true,
      },
    },
    energy: { joules: null, source: null, shared: false },
    noise: { run_queue_wait_share: null, involuntary_context_switches: null, load_1m: null },
    started_at: '2026-01-01T00:00:00.000Z',
    duration_ms: 10,
  }
}

describe('journal', () => {
  it('gives back what was appended, whatever the text, over several openings', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { maxLength: 8 }), (labels) => {
        const path = newPath()
        writeFileSync(path, '')
        const trials = labels.map((label, index) => trial(index + 1, label))
        for (const one of trials) {
          const journal = new Journal(path)
          journal.append(one)
          journal.close()
        }
        // JSON cannot carry lone surrogates as such: compare with what JSON keeps.
        expect(readJournal(path)).toEqual({ trials: JSON.parse(JSON.stringify(trials)), torn: false })
      }),
      { numRuns: 30 },
    )
  })

  it('loses the torn last line alone, at whichever byte it was cut', () => {
    const path = newPath()
    const journal = new Journal(path)
    journal.append(trial(1, 'first'))
    journal.append(trial(2, 'second'))
    journal.close()
    const whole = readFileSync(path)
    const firstEnd = whole.indexOf(10) + 1
    for (let cut = firstEnd + 1; cut < whole.length; cut += 7) {
      writeFileSync(path, whole.subarray(0, cut))
      const read = readJournal(path)
      expect(read.torn).toBe(true)
      expect(read.trials.map((one) => one.round)).toEqual([1])
    }
    writeFileSync(path, whole.subarray(0, firstEnd))
    expect(readJournal(path).torn).toBe(false)
  })

  it('names the line that is not a trial', () => {
    const path = newPath()
    const journal = new Journal(path)
    journal.append(trial(1, 'x'))
    journal.close()
    appendFileSync(path, 'not json\n')
    expect(() => readJournal(path)).toThrow(`${path}:2: not a JSON line`)
    writeFileSync(path, '{"a":1}\n')
    expect(() => readJournal(path)).toThrow(`${path}:1: not a trial`)
  })
})
