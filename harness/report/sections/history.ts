/** What is said of many runs: when metrics changed, and the first run after each change. */
import { count, formatMetric, formatP } from '../../format.ts'
import type { History, HistoryChange } from '../../gate/types.ts'
import { STINT_VERSION } from '../../package-folder.ts'
import type { CsvValue, Report } from '../section.ts'
import { amountText, metricName, ratioText } from '../words.ts'

/** @param folder that holds the runs */
export function historyReport(history: History, folder: string): Report {
  const { runs, series, changes, notes } = history
  const seen = series === 0 ? count(runs, 'run') : `${count(runs, 'run')}, ${series} series`
  const found = changes.length === 0 ? 'no change' : count(changes.length, 'change')
  const column = (name: string, value: (change: HistoryChange) => CsvValue) =>
    [name, changes.map(value)] as const
  return {
    kind: 'history',
    title: `Runs below ${folder}`,
    subtitle: '',
    answer: {
      text: series === 0 ? `${seen}: too few to find a change` : `${seen}: ${found} found`,
      tone: 'strong',
    },
    sections: [
      {
        id: 'changes',
        title: 'What changed',
        blocks:
          changes.length === 0
            ? []
            : [{ kind: 'list', items: changes.map((change) => ({ text: sentence(change) })) }],
      },
      {
        id: 'notes',
        title: 'What to know',
        blocks:
          notes.length === 0
            ? []
            : [{ kind: 'notices', notices: notes.map((text) => ({ level: 'note', text })) }],
      },
    ],
    tables: [
      {
        file: 'history.csv',
        columns: [
          column('sweep', ({ sweep }) => sweep),
          column('scenario', ({ scenario }) => scenario),
          column('label', ({ label }) => label),
          column('metric', ({ metric }) => metric),
          column('unit', ({ unit }) => unit),
          column('before', ({ before }) => before),
          column('after', ({ after }) => after),
          column('p', ({ p }) => p),
          column('run', ({ run }) => run),
          column('commit', ({ commit }) => commit),
          column('started_at', ({ started_at }) => started_at),
        ],
      },
    ],
    checks: changes.map((change) => ({
      suite: `${change.sweep} ${change.label}`,
      name: metricName(change.metric),
      // Whether a change is meant, no series says.
      state: 'undecided',
      message: sentence(change),
    })),
    data: { ...history },
    footer: `Written by Stint ${STINT_VERSION}. Every number was measured in these runs.`,
    file: 'history',
    source: null,
    elapsed_s: null,
  }
}

function sentence(change: HistoryChange): string {
  const { before, after, unit, label, metric, sweep, run, commit, started_at, p } = change
  const size =
    change.compared_by === 'difference'
      ? ` (${amountText(after - before)})`
      : before > 0 && after > 0
        ? ` (${ratioText(after / before, null, null)})`
        : ''
  const first = commit === null ? run : `${run}, commit ${commit}`
  return `${metricName(metric)} of ${sweep} ${label}: ${formatMetric(before, unit)} → ${formatMetric(after, unit)}${size} from ${started_at.slice(0, 16)} on, first run ${first}; p ${formatP(p)}`
}
