/** Sweeps in throwaway folders, for tests. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type LoadedSweep, loadSweep } from '../../../harness/sweep/load.ts'
import type { Overrides } from '../../../harness/sweep/overrides.ts'
import { SweepError } from '../../../harness/sweep/problems.ts'
import type { InputProblem } from '../../../workers/protocol/prepare.ts'

const folders: string[] = []

/** A new folder with the files given by name, which is removed when the test ends. */
export function folderWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'stint-sweep-'))
  folders.push(folder)
  onTestFinished(() => {
    folders.splice(folders.indexOf(folder), 1)
    rmSync(folder, { recursive: true, force: true })
  })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

export const CORES = 4

export function load(
  text: string,
  overrides: Overrides = {},
  files: Record<string, string> = {},
): LoadedSweep {
  const folder = folderWith({ 'sweep.yaml': text, ...files })
  return loadSweep(join(folder, 'sweep.yaml'), overrides, { cores: CORES, folder })
}

/** The problems of a sweep that must be refused, the folder's path cut off. */
export function problemsOf(run: () => unknown): InputProblem[] {
  try {
    run()
  } catch (error) {
    if (!(error instanceof SweepError)) throw error
    const cut = (text: string): string =>
      folders.reduce((cutText, folder) => cutText.replaceAll(`${folder}/`, ''), text)
    return error.problems.map((problem) => ({ ...problem, message: cut(problem.message) }))
  }
  throw new Error('expected a SweepError')
}

/** Messages of the problems of a sweep that must be refused. */
export const refusals = (
  text: string,
  overrides: Overrides = {},
  files: Record<string, string> = {},
): string[] => problemsOf(() => load(text, overrides, files)).map((problem) => problem.message)
