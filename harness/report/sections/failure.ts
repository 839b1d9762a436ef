/** What is said of a gate that could not be held: bad input, or a fault of the harness. */
import { basename } from 'node:path'
import { STINT_VERSION } from '../../package-folder.ts'
import type { Report } from '../section.ts'

/** @param sweep its file */
export function gateFailure(message: string, sweep: string): Report {
  const [first = '', ...rest] = message.split('\n')
  const title = basename(sweep)
  const answer = `the gate could not be held: ${first}`
  return {
    kind: 'gate',
    title,
    subtitle: '',
    answer: { text: answer, tone: 'bad' },
    sections:
      rest.length === 0
        ? []
        : [{ id: 'reason', title: '', blocks: rest.map((text) => ({ kind: 'text', text: text.trim() })) }],
    tables: [],
    checks: [
      {
        suite: title,
        name: 'gate',
        state: 'broken',
        message: [answer, ...rest.map((line) => line.trim())].join('; '),
      },
    ],
    data: {},
    footer: `Written by Stint ${STINT_VERSION}. Nothing was compared.`,
    file: 'gate',
    source: sweep,
    elapsed_s: null,
    embedded: true,
  }
}
