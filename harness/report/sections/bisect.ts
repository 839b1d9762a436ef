/** What is said of a search for the first commit with a regression. */
import { count } from '../../format.ts'
import type { Bisection, BisectStep } from '../../gate/types.ts'
import { STINT_VERSION } from '../../package-folder.ts'
import { columnsOf, type Report } from '../section.ts'

const VERDICTS: Record<BisectStep['verdict'], string> = {
  regression: 'regression',
  ruled_out: 'ok',
  undecided: 'undecided, skipped',
  skipped: 'cannot be played, skipped',
}

/** @param sweep its file */
export function bisectReport(result: Bisection, sweep: string): Report {
  const { name, found, steps } = result
  return {
    kind: 'bisect',
    title: name,
    subtitle: '',
    answer: { text: answerOf(result), tone: found === null ? 'strong' : 'bad' },
    sections: [
      {
        id: 'steps',
        title: 'Gates in their order',
        blocks: [
          {
            kind: 'table',
            table: {
              columns: columnsOf(steps, [
                { head: 'Commit', type: 'text', cell: ({ commit }) => ({ text: commit.slice(0, 12) }) },
                { head: 'Verdict', type: 'text', cell: ({ verdict }) => ({ text: VERDICTS[verdict] }) },
                { head: 'Why', type: 'text', wraps: true, cell: ({ why }) => ({ text: why }) },
              ]),
            },
          },
        ],
      },
    ],
    tables: [
      {
        file: 'bisect.csv',
        columns: [
          ['commit', steps.map(({ commit }) => commit)],
          ['verdict', steps.map(({ verdict }) => verdict)],
          ['why', steps.map(({ why }) => why)],
        ],
      },
    ],
    checks: [
      {
        suite: name,
        name: 'bisect',
        state: found === null ? 'undecided' : 'failed',
        message: answerOf(result),
      },
    ],
    data: { ...result },
    footer: `Written by Stint ${STINT_VERSION}.`,
    file: 'bisect',
    source: sweep,
    elapsed_s: null,
  }
}

function answerOf({ good, bad, found, candidates, steps }: Bisection): string {
  if (found !== null) return `${found} is the first commit that is worse than ${good}`
  if (candidates.length === 0)
    return `no regression of ${bad} against ${good} was proven: ${VERDICTS[steps[0]!.verdict]}`
  const named = candidates.map((commit) => commit.slice(0, 12)).join(', ')
  return `the first commit that is worse than ${good} is one of ${count(candidates.length, 'commit')}, of which some gave no verdict: ${named}`
}
