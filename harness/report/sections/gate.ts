/** What is said of a gate. */
import { count, formatDuration, formatMetric, formatShare, list, wholeNumber } from '../../format.ts'
import type { Coverage, GateResult, GateRow, RowVerdict } from '../../gate/types.ts'
import { STINT_VERSION } from '../../package-folder.ts'
import { byLabel, exploreBy } from '../page.ts'
import type { Explore, Plot } from '../section.ts'
import {
  type Block,
  type Check,
  columnsOf,
  type DataTable,
  type Notice,
  type Report,
  type Section,
  type Table,
  type Tone,
} from '../section.ts'
import {
  amountText,
  capitalised,
  itemId,
  labelWords,
  metricName,
  ratioStyle,
  ratioText,
  waitText,
  whereText,
} from '../words.ts'

const VERDICTS: Record<RowVerdict, { text: string; tone?: Tone }> = {
  regression: { text: 'REGRESSION', tone: 'bad' },
  ruled_out: { text: 'ok', tone: 'good' },
  undecided: { text: 'undecided', tone: 'strong' },
  not_measured: { text: 'not measured', tone: 'quiet' },
}
const ANSWERS: Record<GateResult['verdict'], Tone> = {
  regression: 'bad',
  ruled_out: 'good',
  undecided: 'strong',
}

/**
 * @param sweep its file
 * @param plot of the profiles along the stream, for pages
 */
export function gateReport(result: GateResult, sweep: string, plot: Plot | null = null): Report {
  const { name, verdict, rows, notes, elapsed_s } = result
  const advice = limitAdvice(result)
  const notices: Notice[] = [
    ...regressions(rows).map(
      (row): Notice => ({ level: 'problem', text: rowSentence(row) + whereWords(row, result) }),
    ),
    ...[
      ...openSentences(result),
      ...(advice === null ? [] : [advice]),
      ...passedWithNote(result),
      ...notes.map(noteWords(rows)),
    ].map((text): Notice => ({ level: 'note', text })),
  ]
  return {
    kind: 'gate',
    title: name,
    subtitle: '',
    answer: { text: headline(result), tone: ANSWERS[verdict] },
    sections: [
      { id: 'rows', title: '', blocks: [{ kind: 'table', table: rowTable(rows) }] },
      {
        id: 'basis',
        title: '',
        blocks: [
          ...(notices.length === 0 ? [] : [{ kind: 'notices', notices } as const]),
          { kind: 'text', text: basis(result) },
          ...untestedBlocks(result),
        ],
      },
      {
        id: 'where',
        title: 'Along the stream',
        blocks: plot === null ? [] : [{ kind: 'picture', plot, pages: true }],
      },
      ...operatorSections(result),
      ...functionSections(result),
    ],
    tables: [dataTable(rows)],
    checks: checksOf(result),
    data: { ...result },
    footer: `Written by Stint ${STINT_VERSION}. Every number was measured by this gate; a dash means unknown.`,
    file: 'gate',
    source: sweep,
    elapsed_s,
    embedded: true,
    page: { explore: explored(rows) },
  }
}

/** Where the time of a step goes, where the workload says so. */
function operatorSections({ operators: times }: GateResult): Section[] {
  if (times === null) return []
  const us = (value: number | null) => ({ text: formatMetric(value, 'us'), value })
  const table: Table = {
    columns: columnsOf(times.operators, [
      { head: 'Operator', short: 'operator', type: 'text', cell: ({ name }) => ({ text: name }) },
      { head: 'Was, per row', type: 'number', cell: ({ baseline_us }) => us(baseline_us) },
      { head: 'Is, per row', type: 'number', cell: ({ candidate_us }) => us(candidate_us) },
    ]),
  }
  return [
    {
      id: 'operators',
      title: 'Operators',
      blocks: [
        { kind: 'table', table },
        {
          kind: 'text',
          text: `What the workload's operators took per row in one trial of each version of ${labelWords(times.label)}, those that grew most first: a hint at where to look.`,
        },
      ],
    },
  ]
}

/** Where the time goes, where both versions were profiled. */
function functionSections({ functions: profiled }: GateResult): Section[] {
  if (profiled === null) return []
  const { files, functions } = profiled
  const label = labelWords(profiled.label)
  const ms = (value: number) => ({ text: formatMetric(value, 'ms'), value })
  const table: Table = {
    columns: columnsOf(functions, [
      { head: 'Function', short: 'function', type: 'text', cell: ({ name }) => ({ text: name }) },
      {
        head: 'File',
        short: 'file',
        type: 'text',
        expendable: 1,
        cell: ({ file, line }) => ({ text: line === 0 ? file : `${file}:${line}` }),
      },
      { head: 'Was', short: 'was', type: 'number', cell: ({ baseline_ms }) => ms(baseline_ms) },
      { head: 'Is', short: 'is', type: 'number', cell: ({ candidate_ms }) => ms(candidate_ms) },
    ]),
  }
  const what =
    functions.length === 0
      ? `No function of ${label} took longer in the candidate.`
      : `Self time of the functions that grew most, in one trial of each version of ${label} under the CPU profiler: a hint at where to look, not a measurement.`
  return [
    {
      id: 'functions',
      title: 'Functions',
      blocks: [
        ...(functions.length === 0 ? [] : [{ kind: 'table', table } as const]),
        { kind: 'text', text: `${what} The profiles are ${files.baseline} and ${files.candidate}.` },
      ],
    },
  ]
}

function rowId({ scenario, metric }: GateRow): string {
  return itemId(scenario, metric)
}

/** Rows, by what they are about and by what was found. */
function explored(rows: readonly GateRow[]): Explore {
  const items = rows.map((row) => ({
    ...row,
    id: rowId(row),
    label: `${rowName(row)}, ${nameOf(row)}`,
    settings: row.label,
  }))
  return exploreBy('row', items, [
    ...byLabel(items, ({ settings }) => settings),
    { key: 'metric', title: 'Metric', of: (row) => rowName(row) },
    { key: 'verdict', title: 'Verdict', of: ({ verdict }) => VERDICTS[verdict].text },
  ])
}

function rowTable(rows: readonly GateRow[]): Table {
  const placesOf = (wanted: RowVerdict) => rows.flatMap(({ verdict }, i) => (verdict === wanted ? [i] : []))
  return {
    about: rows.map((row) => [rowId(row)]),
    // A page shows so many rows of hundreds.
    first: [...placesOf('regression'), ...placesOf('undecided')],
    columns: columnsOf(rows, [
      { head: 'Scenario', short: 'scenario', type: 'text', cell: (row) => ({ text: nameOf(row) }) },
      { head: 'Metric', short: 'metric', type: 'text', cell: (row) => ({ text: rowName(row) }) },
      {
        head: 'Was',
        short: 'was',
        type: 'number',
        expendable: 2,
        cell: (row) => ({ text: wasWords(row), value: row.baseline }),
      },
      {
        head: 'Is',
        short: 'is',
        type: 'number',
        expendable: 2,
        cell: (row) => ({ text: isWords(row), value: row.candidate }),
      },
      {
        head: 'Change',
        short: 'change',
        type: 'number',
        cell: (row) => ({ text: changeWords(row), value: row.ratio?.value ?? null }),
      },
      {
        head: 'Margin',
        short: 'margin',
        type: 'number',
        expendable: 1,
        cell: (row) => ({ text: marginWords(row) }),
      },
      {
        head: 'From',
        short: 'from',
        type: 'number',
        expendable: 3,
        cell: (row) => ({ text: sampleWords(row), value: row.n }),
      },
      { head: 'Verdict', short: 'verdict', type: 'text', cell: ({ verdict }) => VERDICTS[verdict] },
    ]),
  }
}

function dataTable(rows: readonly GateRow[]): DataTable {
  const column = (name: string, value: (row: GateRow) => string | number | null | undefined) =>
    [name, rows.map(value)] as const
  return {
    file: 'gate.csv',
    columns: [
      column('scenario', ({ scenario }) => scenario),
      column('label', ({ label }) => label),
      column('metric', ({ metric }) => metric),
      column('unit', ({ unit }) => unit),
      column('verdict', ({ verdict }) => verdict),
      column('baseline', ({ baseline }) => baseline),
      column('candidate', ({ candidate }) => candidate),
      column('ratio', ({ ratio }) => ratio?.value),
      column('ratio_low', ({ ratio }) => ratio?.low),
      column('ratio_high', ({ ratio }) => ratio?.high),
      column('difference', ({ difference }) => difference?.value),
      column('difference_low', ({ difference }) => difference?.low),
      column('difference_high', ({ difference }) => difference?.high),
      column('margin', ({ margin }) => margin),
      column('margin_amount', ({ marginAmount }) => marginAmount),
      column('n', ({ n }) => n),
      column('source', ({ source }) => source),
      column('note', ({ note }) => note),
    ],
  }
}

/** A row that a regression left open is no error of its own: the rest is not looked at once one is found. */
function checksOf(result: GateResult): Check[] {
  const open = openQuestions(result)
  const leftOpen = (row: GateRow): boolean => result.verdict === 'regression' && row.verdict === 'undecided'
  return result.rows.map((row): Check => {
    const check = {
      suite: row.label,
      name: rowName(row),
      message: rowSentence(row),
      ...(row.repeats && { repeats: true as const }),
    }
    if (leftOpen(row))
      return {
        ...check,
        state: 'skipped',
        message: `${check.message}; left open, since a regression was found before`,
      }
    if (open.includes(row) || row.verdict === 'undecided')
      return { ...check, state: 'undecided', message: outlookSentence(row) }
    const states = { regression: 'failed', ruled_out: 'passed', not_measured: 'skipped' } as const
    return { ...check, state: states[row.verdict] }
  })
}

/** The scenario; files and `gate.accept` know it by its label. */
function nameOf({ label }: Pick<GateRow, 'label'>): string {
  return labelWords(label)
}

/** A note on one scenario starts with its label. */
function noteWords(rows: readonly GateRow[]): (note: string) => string {
  const labels = new Set(rows.map(({ label }) => label))
  return (note) => {
    const [label] = note.split(': ', 1)
    return labels.has(label!) ? labelWords(label!) + note.slice(label!.length) : note
  }
}

function rowName({ metric }: GateRow): string {
  return metric === 'outcome' ? 'outcome' : metricName(metric)
}

function changeWords({ ratio, difference, baseline: a, candidate: b, source }: GateRow): string {
  if (difference !== undefined) return amountText(difference.value, difference.low, difference.high)
  if (a !== null && a === b && source === 'exact') return 'same'
  // What is compared exactly may differ in a digit that no percentage shows.
  const tiny = source === 'exact' && ratio !== null && Math.abs(ratio.value - 1) < 0.0005
  if (ratio !== null && !tiny) return intervalWords(ratio)
  if (a === null || b === null) return '—'
  return tiny ? `${a} → ${b}` : `${digits(a)} → ${digits(b)}`
}

/** An end of an interval that is so many times off says only that there were too few values. */
const FAR_OFF = 5

function intervalWords({ value, low, high }: NonNullable<GateRow['ratio']>): string {
  const [from, to] = [low, high].map((end) =>
    end !== null && end > value / FAR_OFF && end < value * FAR_OFF ? end : null,
  )
  const style = ratioStyle([value, from ?? null, to ?? null])
  const text = (end: number) => ratioText(end, null, null, style)
  if (from === to || (from === null && to === null)) return text(value)
  const bare = (end: number | null | undefined) => (end == null ? '?' : text(end).slice(0, -1))
  return `${text(value)} [${bare(from)}, ${bare(to)}]`
}

/** Enough of a score to see that it differs. */
function digits(value: number): string {
  return String(Number(value.toPrecision(6)))
}

function wasWords({ baseline, unit, ends }: GateRow): string {
  return ends?.baseline ?? formatMetric(baseline, unit)
}

function isWords({ candidate, unit, ends }: GateRow): string {
  return ends?.candidate ?? formatMetric(candidate, unit)
}

function marginWords({ margin, marginAmount, unit }: GateRow): string {
  if (marginAmount !== undefined) return `${marginAmount} ${unit}`.trim()
  return margin === null ? '—' : formatShare(margin)
}

/** `mean chunk latency of chunk 64: +9.8% [+6.1, +13] over 18 duets, margin 2%`. */
function rowSentence(row: GateRow): string {
  const head = `${rowName(row)} of ${nameOf(row)}`
  if (row.metric === 'outcome') return `${head}: ${row.note}`
  if (row.verdict === 'not_measured') return `${head}: ${row.note === null ? 'not measured' : row.note}`
  const sample = row.source === 'exact' ? 'compared exactly' : `over ${sampleWords(row)}`
  const values =
    row.baseline === null || row.candidate === null
      ? ''
      : ` (${formatMetric(row.baseline, row.unit)} → ${formatMetric(row.candidate, row.unit)})`
  const note = row.note === null ? '' : `; ${row.note}`
  return `${head}: ${changeWords(row)}${values}, ${sample}, margin ${marginWords(row)}${note}`
}

function sampleWords({ n, source }: GateRow): string {
  switch (source) {
    case 'duets':
      return count(n, 'duet')
    case 'pairs':
      return `${n} pair${n === 1 ? '' : 's'} of trials`
    case 'trials':
      return count(n, 'trial')
    case 'runs':
      return count(n, 'run')
    case 'exact':
      return 'exact'
  }
}

/** What could have been found, and how much longer it would take. */
function outlookSentence(row: GateRow): string {
  if (row.verdict === 'ruled_out') return `${capitalised(rowSentence(row))}.`
  return `${capitalised(rowName(row))} of ${nameOf(row)} is undecided${whyOpen(row)}.`
}

/** One sentence for all metrics of a scenario of which the same is to be said, and one for all scenarios not reached. */
function openSentences(result: GateResult): string[] {
  const open = openQuestions(result)
  const groups = new Map<string, GateRow[]>()
  for (const row of open) {
    if (row.cut === 'before') continue
    const key = row.verdict === 'ruled_out' ? rowSentence(row) : JSON.stringify([row.scenario, whyOpen(row)])
    groups.set(key, [...(groups.get(key) ?? []), row])
  }
  const sentences = [...groups.values()].map((rows) => {
    const [first] = rows
    if (rows.length === 1) return outlookSentence(first!)
    return `${capitalised(list(rows.map(rowName)))} of ${nameOf(first!)} are undecided${whyOpen(first!)}.`
  })
  const missed = open.filter(({ cut }) => cut === 'before')
  if (missed.length === 0) return sentences
  const all = new Set(result.rows.map(({ scenario }) => scenario)).size
  return [
    ...sentences,
    `${missed.length} of ${count(all, 'scenario')} were not reached before the time was up.`,
  ]
}

/** What was let pass for a reason, such as an accepted change; once for all scenarios of which the same is to be said. */
function passedWithNote(result: GateResult): string[] {
  const open = openQuestions(result)
  const groups = new Map<string, GateRow[]>()
  for (const row of result.rows) {
    const { verdict, note, repeats, difference, metric } = row
    if (verdict !== 'ruled_out' || note === null || repeats || open.includes(row)) continue
    // Why it is an amount is no reason.
    if (difference !== undefined && !note.startsWith('accepted ')) continue
    const key = JSON.stringify([metric, note])
    groups.set(key, [...(groups.get(key) ?? []), row])
  }
  return [...groups.values()].map((rows) => {
    const [first] = rows as [GateRow]
    if (rows.length === 1) return `${capitalised(rowSentence(first))}.`
    const margin = first.margin === null ? '' : `margin ${marginWords(first)}; `
    return `${capitalised(rowName(first))} of ${count(rows.length, 'scenario')}: ${margin}${first.note}.`
  })
}

/** `: why it is open`; empty where nothing more is known. */
function whyOpen(row: GateRow): string {
  if (row.outlook === null) return row.note === null ? '' : `: ${row.note}`
  const { findable, moreSeconds, atLeast } = row.outlook
  const found =
    findable === null
      ? 'too little was measured to say what could have been found'
      : `a change for the worse of ${row.difference === undefined ? formatShare(findable, 2) : formatMetric(findable, row.unit)} or more would have been found in four of five cases`
  const more =
    moreSeconds === null
      ? 'more time would hardly tell, since the change lies too near the margin or varies too much: choose another margin'
      : atLeast
        ? `at least ${waitText(moreSeconds)} more are needed`
        : `about ${waitText(moreSeconds)} more would decide it`
  return `: ${found}; ${more}`
}

/** `Compared: chunks 1 to 2,500 of 2,500`, once where every scenario has as many. */
function coverageWords(coverage: readonly Coverage[]): string {
  if (coverage.length === 0) return ''
  const words = coverage.map(({ chunks, compared }) =>
    chunks !== null && compared >= chunks
      ? `all ${wholeNumber(chunks)} chunks of the stream`
      : `the first ${wholeNumber(compared)} chunks of ${chunks === null ? 'a stream of unknown length' : wholeNumber(chunks)}`,
  )
  const [first] = words
  if (words.every((text) => text === first)) return ` Every duet compared ${first}.`
  return ` Compared in every duet: ${coverage.map((one, i) => `${words[i]} of ${nameOf(one)}`).join('; ')}.`
}

function untestedBlocks({ untested }: GateResult): Block[] {
  if (untested.length === 0) return []
  const reasons = new Map<string, string[]>()
  for (const { metric, why } of untested) reasons.set(why, [...(reasons.get(why) ?? []), metric])
  const words = [...reasons].map(([why, metrics]) => `${metrics.join(', ')} (${why})`)
  return [{ kind: 'text', text: `Not tested: ${words.join('; ')}.`, tone: 'quiet' }]
}

/** `; +96% from chunk 1,250 on, −0.2% before`; empty where it is the same everywhere. */
function whereWords(row: GateRow, { profiles }: GateResult): string {
  if (row.metric !== 'latency_mean_ms' || row.source !== 'duets') return ''
  const profile = profiles.find(({ scenario }) => scenario === row.scenario)
  const where = profile === undefined ? '' : whereText(profile.where)
  return where === '' ? '' : `; ${where}`
}

function regressions(rows: readonly GateRow[]): GateRow[] {
  return rows.filter((row) => row.verdict === 'regression' && !row.repeats)
}

/** What kept the gate from an answer; none where it has one. */
function openQuestions({ verdict, rows }: GateResult): GateRow[] {
  if (verdict !== 'undecided') return []
  const open = rows.filter(
    (row) =>
      (row.verdict === 'undecided' && !row.repeats) ||
      (row.verdict === 'not_measured' && row.metric === 'latency_mean_ms'),
  )
  // Nothing was compared: how the trials ended says why.
  return open.length > 0 ? open : rows
}

/** The time limit that would have been enough for all open questions, or null where none is known. */
function limitAdvice(result: GateResult): string | null {
  const { rows, duets, elapsed_s } = result
  const open = openQuestions(result)
  const cut = open.filter(({ cut }) => cut !== undefined)
  const outlooks = open
    .filter(({ cut }) => cut === undefined)
    .map(({ outlook }) => outlook?.moreSeconds ?? null)
  const known = outlooks.filter((seconds) => seconds !== null)
  if (known.length < outlooks.length) return null
  const all = new Set(rows.map(({ scenario }) => scenario)).size
  const reached = all - new Set(cut.map(({ scenario }) => scenario)).size
  if (reached === 0 && cut.length > 0)
    return `The time went by in a single trial: try a longer --time-limit, fewer rows, or ${all === 1 ? 'a wider compute cap' : 'fewer scenarios'}.`
  if (duets === 0 || known.length + cut.length === 0) return null
  // Scenarios are measured one after the other, and so are the duets and the trials of one.
  const longest = new Map<string, number>()
  for (const { scenario, source, outlook } of open) {
    const key = itemId(scenario, source)
    longest.set(key, Math.max(longest.get(key) ?? 0, outlook?.moreSeconds ?? 0))
  }
  const more = [...longest.values()].reduce((sum, seconds) => sum + seconds, 0)
  // A minute more than needed costs less than another gate.
  const minutes = Math.ceil(((elapsed_s + 1.2 * more) * all) / Math.max(1, reached) / 60)
  const shared = all === 1 ? '' : ` for ${all} scenarios`
  const fewer = all === 1 ? 'fewer rows' : 'fewer scenarios (such as --set grid.chunk_size=[256])'
  return `Try --time-limit ${minutes}m${shared}, ${fewer}, or a wider margin.`
}

function headline({ verdict, baseline, candidate, rows }: GateResult): string {
  const sides = `${candidate} against ${baseline}`
  const bad = regressions(rows)
  const ended = bad.some(({ metric }) => metric === 'outcome')
  const named = (neutral: boolean) =>
    [...new Set(bad.filter((row) => (row.direction === 'neutral') === neutral).map(rowName))]
      .filter((name) => name !== 'outcome')
      .join(', ')
  const [worse, changed] = [named(false), named(true)]
  const found = [
    ...(ended ? ['a scenario that was ok no longer is'] : []),
    ...(worse === '' ? [] : [`${worse} worse by more than the margin${largestWords(bad, rows)}`]),
    ...(changed === '' ? [] : [`${changed} changed by more than the margin`]),
  ]
  switch (verdict) {
    case 'regression':
      return `REGRESSION: ${sides}: ${found.join('; ')}`
    case 'ruled_out':
      return `ok: ${sides}, a regression beyond the margin is ruled out`
    case 'undecided':
      return rows.every(({ metric }) => metric === 'outcome')
        ? `UNDECIDED: ${sides}, nothing could be compared, since no scenario ran in both`
        : `UNDECIDED: ${sides}, a regression is neither proven nor ruled out`
  }
}

/** `, +10% [+5.0, +20] in chunk 64`: the largest change for the worse and where it is; empty where it has no size. */
function largestWords(bad: readonly GateRow[], rows: readonly GateRow[]): string {
  const sized = bad.filter(({ ratio, direction }) => ratio !== null && direction !== 'neutral')
  const size = ({ ratio }: GateRow) => Math.abs(Math.log(ratio!.value))
  const [worst] = sized.sort((a, b) => size(b) - size(a))
  if (worst === undefined) return ''
  const isOneMetric = sized.every(({ metric }) => metric === worst.metric)
  const isOneScenario = rows.every(({ scenario }) => scenario === worst.scenario)
  const which = sized.length === 1 ? '' : `the largest ${isOneMetric ? '' : `${rowName(worst)} `}`
  return `, ${which}${changeWords(worst)}${isOneScenario ? '' : ` in ${nameOf(worst)}`}`
}

/** What was done, and what the numbers hold at. */
function basis(result: GateResult): string {
  const { rows, duets, cores, trials, elapsed_s, alpha, tests, ended, coverage } = result
  const where = cores.length === 0 ? '' : ` on core ${list(cores.map(String))}`
  const measured = [
    duets > 0 ? count(duets, 'duet') + where : null,
    trials > 0 ? count(trials, 'trial') : null,
  ]
  const compared = coverageWords(coverage)
  const end = {
    // Every test was, and yet something speaks against them.
    decided: result.verdict === 'undecided' ? 'all was measured' : 'decided',
    time_limit: 'the time limit ended it',
    all_measured: 'all was measured',
  }[ended]
  return (
    `${list(measured.filter((part) => part !== null))} in ${formatDuration(elapsed_s)}, ${end}.${compared} ` +
    `A regression is claimed falsely in at most ${formatShare(alpha)} of gates, over ${count(tests, 'test')} together; ` +
    `the better end of each interval holds with 95%${rows.some((row) => changeWords(row).includes('?')) ? ', and ? is an end that so few values do not tell' : ''}.`
  )
}
