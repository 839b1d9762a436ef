/** What is said of many runs: what changed, when at the earliest and latest, and for better or worse. */
import { count, formatMetric, formatP, formatShare } from '../../format.ts'
import type { History, HistoryEvent, HistorySeries } from '../../gate/types.ts'
import { STINT_VERSION } from '../../package-folder.ts'
import { byLabel, exploreBy } from '../page.ts'
import { seriesId } from '../plots/history.ts'
import {
  type CsvValue,
  columnsOf,
  type Explore,
  type Plot,
  type Report,
  type Table,
  type Tone,
} from '../section.ts'
import { amountText, capitalised, labelWords, metricName, ratioText } from '../words.ts'

/** An event names so many of its series; its table has them all. */
const MOST_NAMED = 3

/**
 * @param folder that holds the runs
 * @param plots of the series that changed, for pages
 */
export function historyReport(history: History, folder: string, plots: readonly Plot[] = []): Report {
  const { runs, events, series, notes } = history
  const tested = series.filter(({ points }) => points.length > 1)
  const worse = events.filter(isWorse)
  const outliers = series.flatMap((one) => one.outliers.map((index) => outlierSentence(one, index)))
  const all = [...notes, ...outliers]
  return {
    kind: 'history',
    title: `Runs below ${folder}`,
    subtitle: '',
    answer: {
      text: `${count(runs, 'run')}, ${tested.length} series: ${answerOf(events, notes)}`,
      tone: worse.length > 0 ? 'bad' : events.length > 0 ? 'strong' : notes.length > 0 ? 'quiet' : 'good',
    },
    sections: [
      {
        id: 'changes',
        title: 'What changed',
        blocks:
          events.length === 0
            ? []
            : [
                {
                  kind: 'list',
                  items: events.map((event) => ({ text: eventSentence(event), tone: toneOf(event) })),
                },
              ],
      },
      {
        id: 'series',
        title: 'Over the runs',
        blocks: [
          ...plots.map((plot) => ({ kind: 'picture', plot, pages: true }) as const),
          ...(series.length === 0
            ? []
            : [{ kind: 'table', table: seriesTable(series), pages: true } as const]),
        ],
      },
      {
        id: 'notes',
        title: 'What to know',
        blocks:
          all.length === 0
            ? []
            : [{ kind: 'notices', notices: all.map((text) => ({ level: 'note', text })) }],
      },
    ],
    tables: [changeTable(events)],
    checks: events.map((event) => ({
      suite: event.sweep,
      name: `${event.first.run} ${event.verdict}`,
      state: isWorse(event) ? 'failed' : event.verdict === 'better' ? 'passed' : 'undecided',
      message: eventSentence(event),
    })),
    data: { ...history },
    footer: `Written by Stint ${STINT_VERSION}. Every number was measured in these runs.`,
    file: 'history',
    source: null,
    elapsed_s: null,
    page: { explore: explored(series) },
  }
}

/** Series, by what they are of and whether they changed. */
function explored(series: readonly HistorySeries[]): Explore {
  const items = series.map((one) => ({
    ...one,
    id: seriesId(one),
    settings: one.label,
    label: `${metricName(one.metric)} of ${seriesWords(one)}, ${one.machine}`,
  }))
  return exploreBy('series', items, [
    { key: 'sweep', title: 'Sweep', of: ({ sweep }) => sweep },
    // Machines may be an axis too, by names of their own.
    { key: 'made_on', title: 'Made on', of: ({ machine }) => machine },
    ...byLabel(items, ({ settings }) => settings),
    { key: 'metric', title: 'Metric', of: ({ metric }) => metricName(metric) },
    { key: 'change', title: 'Change', of: (one) => changeWord(one) },
  ])
}

function changeWord({ changes }: Pick<HistorySeries, 'changes'>): string {
  const verdicts = new Set(changes.map(({ verdict }) => verdict))
  return verdicts.size > 1 ? 'both ways' : ([...verdicts][0] ?? 'none')
}

/** Every series with its ends, for pages. */
function seriesTable(series: readonly HistorySeries[]): Table {
  const value = (at: number) => (one: HistorySeries) => {
    const point = one.points.at(at)
    return point === undefined
      ? { text: '—', value: null }
      : { text: formatMetric(point.value, one.unit), value: point.value }
  }
  const tones = {
    worse: 'bad',
    better: 'good',
    'both ways': 'bad',
    changed: 'strong',
    none: 'quiet',
  } as const
  return {
    columns: columnsOf(series, [
      { head: 'Sweep', type: 'text', cell: ({ sweep }) => ({ text: sweep }) },
      { head: 'Machine', type: 'text', cell: ({ machine }) => ({ text: machine, tone: 'quiet' }) },
      { head: 'Scenario', type: 'text', cell: ({ label }) => ({ text: labelWords(label) }) },
      { head: 'Metric', type: 'text', cell: ({ metric }) => ({ text: capitalised(metricName(metric)) }) },
      {
        head: 'Runs',
        type: 'number',
        cell: ({ points }) => ({ text: String(points.length), value: points.length }),
      },
      { head: 'First', type: 'number', cell: value(0) },
      { head: 'Newest', type: 'number', cell: value(-1) },
      {
        head: 'Change',
        type: 'text',
        cell: (one) => {
          const text = changeWord(one)
          return { text, tone: tones[text as keyof typeof tones] ?? 'strong' }
        },
      },
    ]),
    about: series.map((one) => [seriesId(one)]),
    first: series.flatMap(({ changes }, i) => (changes.length > 0 ? [i] : [])),
  }
}

const isWorse = ({ verdict }: HistoryEvent) => verdict === 'worse' || verdict === 'mixed'

function toneOf(event: HistoryEvent): Tone {
  return isWorse(event) ? 'bad' : event.verdict === 'better' ? 'good' : 'strong'
}

function answerOf(events: readonly HistoryEvent[], notes: readonly string[]): string {
  if (events.length === 0)
    return notes.some((note) => note.includes('too few'))
      ? 'no change found; see what to know'
      : 'no change found'
  const verdicts = (['worse', 'mixed', 'better', 'changed'] as const).flatMap((verdict) => {
    const n = events.filter((event) => event.verdict === verdict).length
    return n === 0 ? [] : [`${n} ${VERDICTS[verdict]}`]
  })
  const shown = events.find(isWorse) ?? events[0]!
  const all = events.reduce((sum, { members }) => sum + members.length, 0)
  const which = `${all === 1 ? ': ' : ', such as '}${shortChange(shown.members[0]!)} ${whereOf(shown)}`
  return `${count(events.length, 'change')} found, ${verdicts.join(', ')}${which}`
}

function whereOf({ kind, first, last }: HistoryEvent): string {
  if (kind === 'drift') return `little by little from ${first.run} to ${last.run}`
  return first.run === last.run
    ? `from ${first.run} on`
    : `from one of the runs ${first.run} to ${last.run} on`
}

const VERDICTS = { worse: 'for the worse', mixed: 'both ways', better: 'for the better', changed: 'neither' }

/** `Worse from run X on (commit abc, between def and abc): edge, mean chunk latency of chunk 64: 10 ms → 12 ms (+20%), p < 0.001`. */
function eventSentence(event: HistoryEvent): string {
  const { verdict, kind, first, last, good, members, sweep } = event
  const heads = { worse: 'Worse', better: 'Better', changed: 'Changed', mixed: 'Better and worse' }
  const head = kind === 'spread' ? (verdict === 'worse' ? 'Noisier' : 'Less noisy') : heads[verdict]
  const commits = commitWords(good.commit, last.commit, kind === 'drift')
  const named = members.slice(0, MOST_NAMED).map(changeWords)
  const more = members.length - named.length
  const news = event.new ? ', new with the newest run' : ''
  return `${head} ${whereOf(event)}, ${first.started_at.slice(0, 10)}${commits}${news}: ${sweep}, ${named.join('; ')}${more > 0 ? `; and ${more} more series` : ''}`
}

/** What to search: the commits after the last that is surely as before. */
function commitWords(good: string | null, last: string | null, drift: boolean): string {
  if (last === null) return ''
  if (drift || good === null || good === last) return ` (commit ${last})`
  return ` (commit ${last}; changes in ${good}..${last})`
}

function changeWords(member: HistoryEvent['members'][number]): string {
  const { before, after, unit, p, kind } = member
  const from =
    kind === 'spread'
      ? `spread ${formatShare(before, 2)} → ${formatShare(after, 2)}`
      : `${formatMetric(before, unit)} → ${formatMetric(after, unit)}${sizeText(member)}`
  return `${nameOf(member)}: ${from}, p ${formatP(p)}`
}

/** `mean chunk latency of chunk 64 (+20%)`. */
function shortChange(member: HistoryEvent['members'][number]): string {
  return member.kind === 'spread' ? `the spread of ${nameOf(member)}` : nameOf(member) + sizeText(member)
}

const nameOf = ({ metric, label }: { metric: string; label: string }) =>
  `${metricName(metric)} of ${labelWords(label)}`

/** Empty where nothing can be said of the size. */
function sizeText({ before, after, compared_by }: HistoryEvent['members'][number]): string {
  if (compared_by === 'difference') return ` (${amountText(after - before)})`
  return before > 0 && after > 0 ? ` (${ratioText(after / before, null, null)})` : ''
}

/** `edge (chunk 64, 1 core)`; a sweep without axes by its name only. */
function seriesWords({ sweep, label }: Pick<HistorySeries, 'sweep' | 'label'>): string {
  return label === sweep ? sweep : `${sweep} (${labelWords(label)})`
}

function outlierSentence(series: HistorySeries, index: number): string {
  const { points, metric, unit } = series
  const { run, value } = points[index]!
  return `${capitalised(metricName(metric))} of ${seriesWords(series)} stands apart in ${run}: ${formatMetric(value, unit)}; no change is made of one run`
}

function changeTable(events: readonly HistoryEvent[]) {
  const rows = events.flatMap((event) => event.members.map((member) => ({ event, member })))
  const column = (name: string, value: (row: (typeof rows)[number]) => CsvValue) =>
    [name, rows.map(value)] as const
  return {
    file: 'history.csv',
    columns: [
      column('sweep', ({ event }) => event.sweep),
      column('machine', ({ event }) => event.machine),
      column('scenario', ({ member }) => member.scenario),
      column('label', ({ member }) => member.label),
      column('metric', ({ member }) => member.metric),
      column('unit', ({ member }) => member.unit),
      column('kind', ({ member }) => member.kind),
      column('verdict', ({ member }) => member.verdict),
      column('before', ({ member }) => member.before),
      column('after', ({ member }) => member.after),
      column('p', ({ member }) => member.p),
      column('first_run', ({ event }) => event.first.run),
      column('last_run', ({ event }) => event.last.run),
      column('good_commit', ({ event }) => event.good.commit),
      column('last_commit', ({ event }) => event.last.commit),
      column('started_at', ({ event }) => event.first.started_at),
      column('new', ({ event }) => event.new),
    ],
  }
}
