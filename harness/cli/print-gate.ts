/** A gate's answer, in every form that was asked for. */
import { appendFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { GateResult } from '../gate/types.ts'
import type { Export } from '../report/export.ts'
import { annotationLines } from '../report/render/annotations.ts'
import { markdownText } from '../report/render/markdown.ts'
import { gateReport } from '../report/sections/gate.ts'
import { tell } from './console.ts'
import { type ExportWords, exportReport, parseExports, printReport, takesStdout } from './export.ts'

export interface GateForms extends ExportWords {
  /** As `--export markdown=FILE` and `--export junit=FILE`. */
  markdown: string | undefined
  junit: string | undefined
}

/** @throws UserError for what cannot be written, before anything is measured */
export function gateExports({ export: words, json, markdown, junit }: GateForms): Export[] {
  const aliases = Object.entries({ markdown, junit }).flatMap(([format, file]) =>
    file === undefined ? [] : [`${format}=${file}`],
  )
  return parseExports({ export: [...words, ...aliases], json }, [])
}

/**
 * Also into the summary and beside the files where GitHub's runner asks for them.
 * @returns whether everything that was asked for could be written
 */
export async function printGate(
  result: GateResult,
  { sweep, json, exports }: { sweep: string; json: boolean; exports: readonly Export[] },
): Promise<boolean> {
  const report = gateReport(result, resolve(sweep))
  if (json || !takesStdout(exports)) printReport(report, { json })
  const { problems } = await exportReport(report, { exports, folder: '.' })
  const { GITHUB_ACTIONS, GITHUB_STEP_SUMMARY, GITHUB_WORKSPACE } = process.env
  if (GITHUB_STEP_SUMMARY)
    appendFileSync(GITHUB_STEP_SUMMARY, markdownText(report, { pictureLink: () => null }))
  // The runner reads commands from either stream; stdout may hold JSON.
  if (GITHUB_ACTIONS === 'true')
    for (const line of annotationLines(report, GITHUB_WORKSPACE || process.cwd())) tell(line)
  return problems.length === 0
}
