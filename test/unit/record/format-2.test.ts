/** Run folders of format 2, which had other names for the point of the grid and for one reading of memory. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { openRun } from '../../../harness/record/open-run.ts'
import { defaultSettings } from '../../../harness/sweep/settings.ts'

const FOLDER = fileURLToPath(new URL('../../fixtures/run-folders/format-2/sweep/', import.meta.url))

it('reads a run folder of format 2 under the names that there are now', () => {
  const manifest = JSON.parse(readFileSync(`${FOLDER}run.json`, 'utf8'))
  const lines = readFileSync(`${FOLDER}trials.jsonl`, 'utf8').trim().split('\n')
  const written = lines.map((line) => JSON.parse(line))
  const run = openRun(FOLDER)
  expect(run.notes).toEqual([])
  expect(run.manifest.format).toBe(3)
  expect(run.manifest.sweep.goal).toBeNull()
  expect(run.manifest.sweep.scenarios.map(({ point }) => point)).toEqual(
    manifest.sweep.scenarios.map(({ flat }: { flat: object }) => ({ ...defaultSettings(), ...flat })),
  )
  const peaks = run.trials.map(({ caps }) => caps.memory.peak_above_idle_mb)
  expect(peaks).toEqual(written.map(({ caps }) => caps.memory.peak_above_empty_mb))
  expect(peaks.some((peak) => peak !== null)).toBe(true)
})

it('gives a setting that a run folder lacks, since it is older than the setting, its default', () => {
  const folder = mkdtempSync(join(tmpdir(), 'format-2-'))
  try {
    cpSync(FOLDER, folder, { recursive: true })
    const manifest = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))
    for (const { settings, flat } of manifest.sweep.scenarios) {
      delete settings.warmup_chunks
      delete flat.warmup_chunks
    }
    writeFileSync(join(folder, 'run.json'), JSON.stringify(manifest))
    for (const { settings, point } of openRun(folder).manifest.sweep.scenarios) {
      expect(settings.warmup_chunks).toBe(20)
      expect(point['warmup_chunks']).toBe(20)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
