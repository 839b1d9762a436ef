/** However a run folder is damaged, it is read as far as it goes, or refused by a message that names the file. */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterAll, expect, it, vi } from 'vitest'
import { trialId } from '../../harness/plan/planner.ts'
import { openRun, readChunkLog } from '../../harness/record/open-run.ts'
import { lostStarts } from '../../harness/record/starts.ts'
import { compareRecorded } from '../../harness/report/compare.ts'
import { buildReportModel } from '../../harness/report/model.ts'
import { csvText } from '../../harness/report/render/csv.ts'
import { runReport } from '../../harness/report/sections/run.ts'
import { UserError } from '../../harness/user-error.ts'
import type { PassedOver } from '../../workers/protocol/trial-result.ts'
import { memoryFolder } from '../fixtures/memory-folder.ts'
import { writeRun } from '../fixtures/write-run.ts'
import { markdownOf } from '../unit/report/rendered.ts'
import { syntheticRun } from '../unit/report/synthetic.ts'

const FORMAT_1 = fileURLToPath(new URL('../fixtures/run-folders/format-1/sweep/', import.meta.url))
const root = memoryFolder('damaged-')
afterAll(() => rmSync(root, { recursive: true, force: true }))

const chunkLogs = readdirSync(join(FORMAT_1, 'chunks')).map((name) => `chunks/${name}`)

/** A run of today on two other machines, resumed by force in its last round, with the same logs. */
function fleetRun(): { path: string; trials: number } {
  const path = join(root, 'fleet')
  const { manifest, trials } = syntheticRun({
    chunk_size: [64, 256],
    batch_size: [8],
    max_memory_mb: [64],
    max_compute_units: [1],
    runs: 3,
    alter: (trial) => {
      // A run's rounds begin with 1.
      const round = trial.round + 1
      const resumed_under: PassedOver[] =
        round === 3 ? [{ kind: 'data', what: 'the content of a.csv was x and is y' }] : []
      const machine = round % 2 === 0 ? 'one' : 'two'
      return { ...trial, round, trial: trialId(trial.scenario, round), machine, resumed_under }
    },
  })
  const { machine, stint } = manifest
  const machines = ['one', 'two'].map((name) => ({
    ...{ name, id: null, labels: ['pi4'], stint, build: '0'.repeat(64), machine, kernel_ops_s: 1.5e9 },
    ...{ limits: { max_memory_mb: 512, max_cores: null }, clock: { offset_ms: 1.5, error_ms: 0.2 } },
  }))
  writeRun(path, { ...manifest, fleet: { server: 'nats://10.0.0.1:4222', on: 'pi4', machines } }, trials)
  cpSync(join(FORMAT_1, 'chunks'), join(path, 'chunks'), { recursive: true })
  return { path, trials: trials.length }
}
const whole = fc.constantFrom(
  ...[{ path: FORMAT_1, trials: 9 }, fleetRun()].map((one) => ({ ...one, run: openRun(one.path) })),
)
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

// A thousand take over a minute on a busy machine.
if (process.env['STINT_FULL'] === '1') vi.setConfig({ testTimeout: 600_000 })

it('a damaged run folder is read or refused, and never ends in an error of the program', () => {
  let refused = 0
  let read = 0
  fc.assert(
    fc.property(whole, file, damage, (from, name, change) => {
      const folder = join(root, 'run')
      rmSync(folder, { recursive: true, force: true })
      cpSync(from.path, folder, { recursive: true })
      writeFileSync(join(folder, 'started.jsonl'), '{"trial":"a"}\n{"trial":"a","stopped":true}\n')
      writeFileSync(join(folder, name), change(readFileSync(join(folder, name))))
      try {
        const { manifest, trials, forced, notes } = openRun(folder)
        for (const log of chunkLogs) readChunkLog(folder, log.slice('chunks/'.length, -'.jsonl'.length))
        lostStarts(folder, new Set(trials.map(({ trial }) => trial)))
        const report = runReport(buildReportModel(manifest, trials, notes, forced))
        markdownOf(report)
        report.tables.map(csvText)
        compareRecorded([from.run, { name: 'damaged', manifest, trials, notes }])
        const [lines] = readFileSync(join(folder, 'trials.jsonl'), 'utf8').match(/\n/g) ?? []
        if (lines !== undefined && trials.length + forced.length < from.trials && name === 'run.json')
          expect(notes.join()).toContain('trials.jsonl')
        read++
      } catch (error) {
        if (!(error instanceof UserError)) throw error
        expect(error.message).toMatch(/run\.json|trials\.jsonl/)
        refused++
      }
    }),
    { numRuns: process.env['STINT_FULL'] === '1' ? 1000 : 60 },
  )
  expect(refused).toBeGreaterThan(5)
  expect(read).toBeGreaterThan(5)
})
