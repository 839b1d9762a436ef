/** A gate's answer, in every form that was asked for. */
import { appendFileSync, mkdirSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { gateAnnotations } from '../gate/report/annotations.ts'
import { gateJunit } from '../gate/report/junit.ts'
import { gateMarkdown } from '../gate/report/markdown.ts'
import { gateText } from '../gate/report/text.ts'
import type { GateResult } from '../gate/types.ts'
import { writeAtomically } from '../record/atomic.ts'
import { answer, tell, wantsColour, widthOf } from './console.ts'

export interface GateForms {
  sweep: string
  markdown: string | undefined
  junit: string | undefined
  json: boolean
}

/**
 * Made now, so that a minute of measuring is not lost to a folder that is not there.
 * @throws where that fails
 */
export function makeFoldersFor({ markdown, junit }: Pick<GateForms, 'markdown' | 'junit'>): void {
  for (const path of [markdown, junit]) if (path !== undefined) mkdirSync(dirname(path), { recursive: true })
}

export function printGate(result: GateResult, { sweep, markdown, junit, json }: GateForms): void {
  const { GITHUB_ACTIONS, GITHUB_STEP_SUMMARY, GITHUB_WORKSPACE } = process.env
  if (json) answer(JSON.stringify(result))
  else answer(gateText(result, { colour: wantsColour(process.stdout), width: widthOf(process.stdout) }))
  if (markdown !== undefined) writeAtomically(markdown, gateMarkdown(result))
  if (junit !== undefined) writeAtomically(junit, gateJunit(result))
  if (GITHUB_STEP_SUMMARY) appendFileSync(GITHUB_STEP_SUMMARY, gateMarkdown(result))
  // The runner reads commands from either stream; stdout may hold JSON.
  if (GITHUB_ACTIONS === 'true') {
    // Annotations name files as the repository does, wherever the step works.
    const top = GITHUB_WORKSPACE || process.cwd()
    for (const line of gateAnnotations(result, relative(top, resolve(sweep)))) tell(line)
  }
}
