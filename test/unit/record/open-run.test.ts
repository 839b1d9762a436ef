import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { openRun, type RecordedRun, readChunkLog } from '../../../harness/record/open-run.ts'
import { buildReportModel } from '../../../harness/report/model.ts'
import { csvText } from '../../../harness/report/render/csv.ts'
import { runReport } from '../../../harness/report/sections/run.ts'
import { UserError } from '../../../harness/user-error.ts'
import { markdownOf } from '../report/rendered.ts'

const FULL = process.env['STINT_FULL'] === '1'

const FORMAT_1 = fileURLToPath(new URL('../../fixtures/run-folders/format-1/sweep/', import.meta.url))
const TRIALS = 9

const root = mkdtempSync(join(tmpdir(), 'open-run-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
let copies = 0

/** @returns the path of a copy that may be damaged */
function copy(): string {
  const folder = join(root, String(copies++))
  cpSync(FORMAT_1, folder, { recursive: true })
  return folder
}

const manifestOf = (folder: string): { [key: string]: Json } =>
  JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))
const linesOf = (folder: string): string[] =>
  readFileSync(join(folder, 'trials.jsonl'), 'utf8').trimEnd().split('\n')

/** What a command that reads the folder does with it. */
function report(folder: string) {
  return reported(openRun(folder))
}

function reported({ manifest, trials, notes }: RecordedRun) {
  const model = buildReportModel(manifest, trials, notes)
  const made = runReport(model)
  markdownOf(made)
  made.tables.map(csvText)
  return model
}

/**
 * As `report`, and each distinct run once: what was removed and what is null mostly reads the same. Outside the full
 * form every sixth of them is reported, and all are opened.
 */
function onlyOnce(): (folder: string) => RecordedRun {
  const seen = new Set<string>()
  return (folder) => {
    const run = openRun(folder)
    const text = JSON.stringify(run)
    if (!seen.has(text) && (FULL || seen.size % 6 === 0)) reported(run)
    seen.add(text)
    return run
  }
}

/** The report, or the message for the user; anything else is a fault of our own. */
function outcomeOf(folder: string): ReturnType<typeof report> | string {
  try {
    return report(folder)
  } catch (error) {
    if (error instanceof UserError) return error.message
    throw error
  }
}

/** The value with each of its parts, however deep, once removed and once null. */
function damaged(value: Json): { where: string; value: Json }[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, part]) => {
    const withPart = (changed: Json): Json =>
      Array.isArray(value) ? value.with(Number(key), changed) : { ...value, [key]: changed }
    const { [key]: _, ...others } = value as { [key: string]: Json }
    return [
      ...(Array.isArray(value) ? [] : [{ where: `${key} removed`, value: others as Json }]),
      { where: `${key} null`, value: withPart(null) },
      ...damaged(part).map((inner) => ({ where: `${key}.${inner.where}`, value: withPart(inner.value) })),
    ]
  })
}

/** Outside the full form each part is either removed or null, by turns. */
const some = <T>(cases: T[]): T[] => cases.filter((_, i) => FULL || i % 2 === 0)

describe('a damaged run.json', () => {
  it.each([
    ['null', 'expected a JSON object'],
    ['[]', 'expected a JSON object'],
    ['{ "format": 1', 'not valid JSON'],
    ['{}', 'key "format": expected a whole number from 1'],
    ['{ "format": 1 }', 'key "id": missing, expected a text'],
    [
      '{ "format": 99, "stint": "7.0.0" }',
      'format 99 is not known to this version of stint (it reads 1 to 3)',
    ],
  ])('that says %s is named', (text, problem) => {
    const folder = copy()
    writeFileSync(join(folder, 'run.json'), text)
    const message = outcomeOf(folder)
    expect(message).toContain(`${join(folder, 'run.json')}: ${problem}`)
    // And what to do about it.
    expect(String(message).split('\n')[1]).toMatch(/restore|read it with the version that wrote it, stint 7/)
  })

  it('in any one of its parts gives a report or one message, never a fault of our own', () => {
    const folder = copy()
    const manifest = manifestOf(folder)
    const { document: _, ...source } = (manifest['sweep'] as { source: { [key: string]: Json } }).source
    const bare = { ...manifest, sweep: { ...(manifest['sweep'] as { [key: string]: Json }), source } }
    const cases = damaged(bare)
    expect(cases.length).toBeGreaterThan(300)
    const reportOnce = onlyOnce()
    for (const { where, value } of some(cases)) {
      writeFileSync(join(folder, 'run.json'), JSON.stringify(value))
      try {
        reportOnce(folder)
      } catch (error) {
        if (!(error instanceof UserError)) throw new Error(where, { cause: error })
      }
    }
  })
})

describe('a damaged journal', () => {
  it('in any one part of a line counts that trial once or not at all, and says why', () => {
    const folder = copy()
    const lines = linesOf(folder)
    // The first and the third line: one that was ok, and one that was not.
    const cases = [0, 2].flatMap((index) =>
      damaged(JSON.parse(lines[index]!)).map(({ where, value }) => ({
        where,
        damagedLines: lines.with(index, JSON.stringify(value)),
      })),
    )
    expect(cases.length).toBeGreaterThan(200)
    const reportOnce = onlyOnce()
    for (const { where, damagedLines } of some(cases)) {
      writeFileSync(join(folder, 'trials.jsonl'), `${damagedLines.join('\n')}\n`)
      try {
        const { trials, notes } = openRun(folder)
        expect([trials.length, notes.length]).toEqual(notes.length === 0 ? [TRIALS, 0] : [TRIALS - 1, 1])
        // What was let through must do for all that reads it. Any metric may be unknown, and format 2 has no params.
        if (notes.length === 0 && !/^(?:metrics|params)\./.test(where)) reportOnce(folder)
      } catch (error) {
        throw new Error(where, { cause: error })
      }
    }
  })

  it('does not count a repeated line', () => {
    const folder = copy()
    const lines = linesOf(folder)
    writeFileSync(join(folder, 'trials.jsonl'), `${[...lines, ...Array(20).fill(lines[0])].join('\n')}\n`)
    const { trials, scenarios, notices } = report(folder)
    expect(trials.finished).toBe(TRIALS)
    expect(scenarios.map(({ trials: n }) => n)).toEqual([3, 3, 3])
    expect(notices[0]).toEqual({
      level: 'problem',
      text: 'trials.jsonl, lines 10, 11, 12 and 17 more: a trial that an earlier line has; left out.',
    })
  })

  it('that is gone is not an empty one', () => {
    const folder = copy()
    rmSync(join(folder, 'trials.jsonl'))
    expect(outcomeOf(folder)).toContain(`${join(folder, 'trials.jsonl')}: the journal is gone`)
  })
})

describe('a chunk log', () => {
  const [first] = linesOf(FORMAT_1).map((line) => JSON.parse(line).trial as string)

  it('is read by trial, without what a crash left of its last line', () => {
    const folder = copy()
    const path = join(folder, 'chunks', `${first}.jsonl`)
    const { chunks } = readChunkLog(folder, first!)
    expect(chunks.map(({ chunk }) => chunk)).toEqual(chunks.map((_, index) => index))
    expect(chunks.length).toBeGreaterThan(1)
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, -5))
    expect(readChunkLog(folder, first!)).toEqual({ chunks: chunks.slice(0, -1), notes: [] })
    expect(readChunkLog(folder, 'absent')).toEqual({ chunks: [], notes: [] })
  })

  it.each([
    ['half a line', '{"chunk":', 'not a JSON line'],
    ['no chunk', '{"chunk":1}', 'not a chunk: key "rows": missing, expected a number'],
    ['null', 'null', 'not a chunk: got null, expected an object'],
  ])('leaves out and names the line that is %s', (_, line, problem) => {
    const folder = copy()
    const path = join(folder, 'chunks', `${first}.jsonl`)
    const { chunks } = readChunkLog(folder, first!)
    const lines = readFileSync(path, 'utf8').split('\n')
    writeFileSync(path, lines.with(1, line).join('\n'))
    expect(readChunkLog(folder, first!)).toEqual({
      chunks: chunks.toSpliced(1, 1),
      notes: [`chunks/${first}.jsonl, line 2: ${problem}; left out`],
    })
  })
})
