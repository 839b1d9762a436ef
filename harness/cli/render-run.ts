/** From a run folder to its reports, and what a command says of it. */
import type { TrialResult } from '../../workers/contract.ts'
import { readJournal } from '../record/journal.ts'
import { readManifest } from '../record/manifest.ts'
import { journalPath } from '../record/run-folder.ts'
import type { Manifest } from '../record/types.ts'

export interface RenderedRun {
  folder: string
  manifest: Manifest
  trials: TrialResult[]
  problems: string[]
  summary(options: { colour: boolean; width: number }): string
}

export async function renderRun(folder: string): Promise<RenderedRun> {
  const manifest = readManifest(folder)
  const { trials } = readJournal(journalPath(folder))
  return { folder, manifest, trials, problems: [], summary: () => '' }
}

export function describeRun(run: RenderedRun): object {
  return { run_folder: run.folder }
}
