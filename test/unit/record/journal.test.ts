import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { eachTrial, Journal } from '../../../harness/record/journal.ts'
import type { TrialResult } from '../../../workers/protocol/trial-result.ts'
import { memoryFolder } from '../../fixtures/memory-folder.ts'
import { makeTrial } from '../analyse/make-trials.ts'

const folder = memoryFolder('stint-journal-')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0
const newPath = () => join(folder, `${files++}.jsonl`)

const trial = (round: number, label = ''): TrialResult => makeTrial('abc', round, { info: { label } })

const RUN = { sweep: { scenarios: [{ id: 'abc', runs: null }], benchmark_runs: 9 } }

function read(path: string): { trials: TrialResult[]; notes: string[] } {
  const trials: TrialResult[] = []
  const notes = eachTrial(path, RUN, (one) => trials.push(one))
  return { trials, notes }
}

/** @returns its path */
function written(...lines: (TrialResult | string)[]): string {
  const path = newPath()
  for (const line of lines) {
    if (typeof line === 'string') appendFileSync(path, `${line}\n`)
    else {
      const journal = new Journal(path)
      journal.append(line)
      journal.close()
    }
  }
  return path
}

describe('journal', () => {
  it('gives back what was appended, whatever the text, over several openings', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 8 }), (labels) => {
        const trials = labels.map((label, index) => trial(index + 1, label))
        // JSON cannot carry lone surrogates as such: compare with what JSON keeps.
        expect(read(written(...trials))).toEqual({ trials: JSON.parse(JSON.stringify(trials)), notes: [] })
      }),
      { numRuns: 12 },
    )
  })

  it('loses only the torn last line, at whichever byte it was cut, and says so', () => {
    const path = written(trial(1, 'first'), trial(2, 'second'))
    const whole = readFileSync(path)
    const firstEnd = whole.indexOf(10) + 1
    for (let cut = firstEnd + 1; cut < whole.length; cut += 7) {
      writeFileSync(path, whole.subarray(0, cut))
      const { trials, notes } = read(path)
      expect(notes).toEqual([expect.stringContaining('ends in a line that was cut short')])
      expect(trials.map((one) => one.round)).toEqual([1])
    }
    writeFileSync(path, whole.subarray(0, firstEnd))
    expect(read(path).notes).toEqual([])
  })

  it('counts a trial once, however often it is repeated, and names the lines', () => {
    const repeated = Array.from({ length: 20 }, () => trial(2))
    const { trials, notes } = read(written(trial(1), trial(2), ...repeated, trial(3)))
    expect(trials.map(({ round }) => round)).toEqual([1, 2, 3])
    expect(notes).toEqual([
      expect.stringMatching(
        /^\d+\.jsonl, lines 3, 4, 5 and 17 more: a trial that an earlier line has; left out$/,
      ),
    ])
  })

  it('leaves out trials that the run does not have', () => {
    const other = makeTrial('other', 1)
    const misnamed = { ...trial(4), trial: 'abc-r005' }
    const { trials, notes } = read(written(trial(1), other, trial(10), misnamed))
    expect(trials).toHaveLength(1)
    expect(notes).toEqual([expect.stringContaining('lines 2, 3, 4: not a trial of this run; left out')])
  })

  it.each([
    ['not json', 'not a JSON line'],
    ['null', 'not a trial: expected an object'],
    ['[]', 'not a trial: expected an object'],
    ['{"format":"2"}', 'not a trial: key "format": expected a whole number from 1'],
    [
      '{"format":3}',
      'not a trial: key "outcome": expected an object whose outcome is one of ok, out_of_memory',
    ],
    [
      JSON.stringify({ format: 3, ...trial(2), metrics: undefined }),
      'not a trial: key "metrics": expected an object',
    ],
    [
      JSON.stringify({ format: 3, ...trial(2), metrics: { r2: '1' } }),
      'not a trial: key "metrics.r2": got a text, expected a number',
    ],
    [
      JSON.stringify({ format: 3, ...trial(2), caps: { memory: {} } }),
      'not a trial: key "caps.memory.asked_mb": ',
    ],
    [
      JSON.stringify({ format: 3, ...trial(2), outcome: 'failed' }),
      'not a trial: key "error": missing, expected an object',
    ],
  ])('leaves out the damaged line %s', (line, reason) => {
    const { trials, notes } = read(written(trial(1), line, trial(3)))
    expect(trials.map(({ round }) => round)).toEqual([1, 3])
    expect(notes).toEqual([expect.stringContaining(`line 2: ${reason}`)])
  })

  it('refuses a journal without one trial of the run, a newer one and none at all', () => {
    const foreign = written(makeTrial('other', 1))
    expect(() => read(foreign)).toThrow(`${foreign}:1: not a trial of this run; no other line is`)
    const newer = written(trial(1), '{"format":4}')
    expect(() => read(newer)).toThrow(`${newer}:2: format 4 is not known to this version of stint`)
    const gone = newPath()
    expect(() => read(gone)).toThrow(`${gone}: the journal is gone`)
  })
})

describe('a journal that is lost while it is written to', () => {
  /** A run folder with a journal of two trials that is still open. */
  function open() {
    const run = join(folder, `run-${files++}`)
    mkdirSync(run)
    writeFileSync(join(run, 'run.json'), '{}')
    const path = join(run, 'trials.jsonl')
    const journal = new Journal(path)
    journal.append(trial(1))
    journal.append(trial(2))
    return { run, path, journal }
  }
  const rounds = (path: string) => read(path).trials.map(({ round }) => round)

  it('is written again, with the trial that ended last, where only it was removed', () => {
    const { run, path, journal } = open()
    rmSync(path)
    expect(() => journal.append(trial(3))).toThrow(
      `${path}: the journal was removed while the run went on, which stops here\n  it was written again with every trial that ended; "stint resume ${run}" runs the others`,
    )
    expect(rounds(path)).toEqual([1, 2, 3])
  })

  it('is told of where its folder was removed', () => {
    const { run, journal } = open()
    rmSync(run, { recursive: true })
    expect(() => journal.append(trial(3))).toThrow(`${run}: the run folder was removed while the run went on`)
    expect(existsSync(run)).toBe(false)
  })

  it('has the trial that ended last where its folder was moved', () => {
    const { run, journal } = open()
    renameSync(run, `${run}-moved`)
    expect(() => journal.append(trial(3))).toThrow(`${run}: the run folder was moved while the run went on`)
    expect(rounds(join(`${run}-moved`, 'trials.jsonl'))).toEqual([1, 2, 3])
  })

  it('leaves a file that took its place as it is', () => {
    const { run, path, journal } = open()
    const edited = `${readFileSync(path, 'utf8').split('\n')[0]}\n`
    writeFileSync(`${path}.new`, edited)
    renameSync(`${path}.new`, path)
    expect(() => journal.append(trial(3))).toThrow(
      `${path}: another file took the journal's place while the run went on, which stops here; an editor that saves does that\n  what ended since is lost; "stint resume ${run}" runs`,
    )
    expect(readFileSync(path, 'utf8')).toBe(edited)
  })
})
