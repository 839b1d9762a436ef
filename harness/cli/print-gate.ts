/** A gate's answer, in every form that was asked for. */
import { appendFileSync } from 'node:fs'
import { relative } from 'node:path'
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

export function printGate(result: GateResult, { sweep, markdown, junit, json }: GateForms): void {
  const { GITHUB_ACTIONS, GITHUB_STEP_SUMMARY } = process.env
  if (json) answer(JSON.stringify(result))
  else answer(gateText(result, { colour: wantsColour(process.stdout), width: widthOf(process.stdout) }))
  if (markdown !== undefined) writeAtomically(markdown, gateMarkdown(result))
  if (junit !== undefined) writeAtomically(junit, gateJunit(result))
  if (GITHUB_STEP_SUMMARY) appendFileSync(GITHUB_STEP_SUMMARY, gateMarkdown(result))
  // The runner reads commands from either stream; stdout may hold JSON.
  if (GITHUB_ACTIONS === 'true') {
    for (const line of gateAnnotations(result, relative(process.cwd(), sweep))) tell(line)
  }
}
