/** GitHub's workflow commands: what stands beside the files of a pull request. */
import type { GateResult } from '../types.ts'
import { headline, openQuestions, outlookSentence, regressions, rowSentence } from './words.ts'

/** @param file the sweep, as the repository names it */
export function gateAnnotations(result: GateResult, file: string): string[] {
  const command = (level: 'error' | 'warning' | 'notice', message: string) =>
    `::${level} file=${property(file)},title=${property(`stint gate: ${result.name}`)}::${data(message)}`
  if (result.verdict === 'ruled_out') return [command('notice', headline(result))]
  return [
    ...regressions(result.rows).map((row) => command('error', rowSentence(row))),
    ...openQuestions(result).map((row) => command('warning', outlookSentence(row))),
  ]
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
