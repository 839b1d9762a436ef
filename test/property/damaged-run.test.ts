/** However a run folder is damaged, it is read as far as it goes, or refused by a message that names the file. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import { openRun, readChunkLog } from '../../harness/record/open-run.ts'
import { lostStarts } from '../../harness/record/starts.ts'
import { buildReportModel } from '../../harness/report/model.ts'
import { csvText } from '../../harness/report/render/csv.ts'
import { runReport } from '../../harness/report/sections/run.ts'
import { UserError } from '../../harness/user-error.ts'
import { markdownOf } from '../unit/report/rendered.ts'

const WHOLE = fileURLToPath(new URL('../fixtures/run-folders/format-1/sweep/', import.meta.url))
const TRIALS = 9
const root = mkdtempSync(join(tmpdir(), 'damaged-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const chunkLogs = readdirSync(join(WHOLE, 'chunks')).map((name) => `chunks/${name}`)
const file = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('run.json', 'trials.jsonl') },
  { weight: 1, arbitrary: fc.constantFrom('started.jsonl', ...chunkLogs) },
)
const share = fc.double({ min: 0, max: 1, noNaN: true })
/** Stands in the place of a value of the JSON. */
const value = fc.constantFrom(
  ...['null', '-1', '1e999', '"x"', '[]', '{}', 'true', '{"__proto__":1}', '['.repeat(3000), '""', '1.5'],
)
type Damage = (content: Buffer) => Buffer
const at = (content: Buffer, share: number) => Math.floor(share * content.length)
const damage: fc.Arbitrary<Damage> = fc.oneof(
  share.map(
    (to): Damage =>
      (content) =>
        content.subarray(0, at(content, to)),
  ),
  fc.tuple(share, fc.integer({ min: 0, max: 255 })).map(
    ([where, byte]): Damage =>
      (content) => {
        const changed = Buffer.from(content)
        changed[Math.min(at(content, where), content.length - 1)] = byte
        return changed
      },
  ),
  fc.tuple(share, fc.integer({ min: 1, max: 400 })).map(
    ([from, bytes]): Damage =>
      (content) => {
        const start = at(content, from)
        return Buffer.concat([content.subarray(0, start), content.subarray(start + bytes)])
      },
  ),
  fc.tuple(share, share, fc.uint8Array({ maxLength: 40 })).map(
    ([from, to, more]): Damage =>
      (content) => {
        const part = content.subarray(at(content, Math.min(from, to)), at(content, Math.max(from, to)))
        const start = at(content, from)
        return Buffer.concat([content.subarray(0, start), part, more, content.subarray(start)])
      },
  ),
  fc.tuple(share, value).map(
    ([where, text]): Damage =>
      (content) => {
        const values = [
          ...content.toString().matchAll(/(?<=[:[,]\s*)(?:"[^"]*"|-?[\d.e+-]+|null|true|false)/g),
        ]
        const hit = values[Math.floor(where * (values.length - 1))]
        if (hit === undefined) return content
        const [from, to] = [hit.index, hit.index + hit[0].length]
        return Buffer.from(content.toString().slice(0, from) + text + content.toString().slice(to))
      },
  ),
)

it('a damaged run folder is read or refused, and never ends in an error of the program', () => {
  let refused = 0
  let whole = 0
  fc.assert(
    fc.property(file, damage, (name, change) => {
      const folder = join(root, 'run')
      rmSync(folder, { recursive: true, force: true })
      cpSync(WHOLE, folder, { recursive: true })
      writeFileSync(join(folder, 'started.jsonl'), '{"trial":"a"}\n{"trial":"a","stopped":true}\n')
      writeFileSync(join(folder, name), change(readFileSync(join(folder, name))))
      try {
        const { manifest, trials, notes } = openRun(folder)
        for (const log of chunkLogs) readChunkLog(folder, log.slice('chunks/'.length, -'.jsonl'.length))
        lostStarts(folder, new Set(trials.map(({ trial }) => trial)))
        const report = runReport(buildReportModel(manifest, trials, notes))
        markdownOf(report)
        report.tables.map(csvText)
        const [lines] = readFileSync(join(folder, 'trials.jsonl'), 'utf8').match(/\n/g) ?? []
        if (lines !== undefined && trials.length < TRIALS && name === 'run.json')
          expect(notes.join()).toContain('trials.jsonl')
        whole++
      } catch (error) {
        if (!(error instanceof UserError)) throw error
        expect(error.message).toMatch(/run\.json|trials\.jsonl/)
        refused++
      }
    }),
    { numRuns: process.env['STINT_FULL'] === '1' ? 1000 : 100 },
  )
  expect(refused).toBeGreaterThan(5)
  expect(whole).toBeGreaterThan(5)
})
