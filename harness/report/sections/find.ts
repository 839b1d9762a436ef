/** What is said of a search: the answer, how it was found, and the trials that it rests on. */
import type { LineSearch, Tried } from '../../analyse/search.ts'
import { count, formatMetric, formatNumber, formatShare, list, wholeNumber } from '../../format.ts'
import { constraintText } from '../../sweep/goal.ts'
import { answerText, type FoundValue, type RecordedSearch, testText } from '../found.ts'
import { exploreTried, pageMetrics } from '../page.ts'
import { capsPlot } from '../plots/caps.ts'
import { foundPlot } from '../plots/found.ts'
import { loadPlot } from '../plots/load.ts'
import {
  type Cell,
  type Check,
  type ColumnOf,
  columnsOf,
  type DataTable,
  type Report,
  type ScenarioDetail,
  type Table,
} from '../section.ts'
import { measurementsOf, scenarioTable } from '../tables.ts'
import type { ReportModel } from '../types.ts'
import { capitalised, metricName, outcomeName, scalarText, settingName } from '../words.ts'
import { machinesSection } from './machines.ts'
import { facts, fileList, reproduceSteps } from './provenance.ts'
import {
  capsSection,
  isRealtime,
  loadSection,
  outcomesSection,
  picture,
  problemsSection,
  scenarioData,
  trustSection,
} from './run.ts'

const FILE = 'reports/report'
const TRIED_FILE = 'benchmarks/search.csv'

/** @param details of its scenarios, for the page */
export function findReport(
  model: ReportModel,
  recorded: RecordedSearch,
  details: readonly ScenarioDetail[] = [],
): Report {
  const { manifest } = model
  const { found, search } = recorded
  const name = curveName(recorded)
  const pictures = {
    found: foundPlot(model, recorded, `benchmarks/${name}.png`),
    caps: capsPlot(model, 'benchmarks/caps.png'),
    ...(isRealtime(model) && { load: loadPlot(model, 'benchmarks/load.png') }),
  }
  const tables = [answerTable(recorded, `benchmarks/${name}.csv`), triedData(recorded, model)]
  return {
    kind: 'find',
    title: manifest.sweep.name,
    subtitle: model.subtitle,
    answer: answerOf(recorded, manifest.finished_at !== null),
    sections: [
      ...problemsSection(model),
      {
        id: 'found',
        title: `${search.best === 'min' ? 'Smallest' : 'Largest'} ${settingName(search.axis)} that meets the goal`,
        blocks: [
          { kind: 'text', text: `Goal: ${found.goal}.` },
          picture(pictures.found),
          ...(found.results.length < 2 ? [] : [{ kind: 'table', table: foundTable(recorded) } as const]),
          { kind: 'text', text: testText(found.test), tone: 'quiet', pages: true },
        ],
      },
      {
        id: 'tried',
        title: 'Values that were tried',
        blocks: [{ kind: 'table', table: triedTable(recorded, model) }],
      },
      ...(pictures.load === undefined ? [] : [loadSection(model, [pictures.load])]),
      capsSection(model, [pictures.caps]),
      outcomesSection(model),
      trustSection(model, `${FILE}.md`),
      ...machinesSection(model),
      { id: 'run', title: 'What was run', blocks: [{ kind: 'facts', facts: facts(model), pages: true }] },
      {
        id: 'files',
        title: 'Files',
        blocks: [
          {
            kind: 'facts',
            facts: fileList(
              model,
              Object.values(pictures),
              tables.map(({ file }) => [file, FILES[file] ?? 'what was found']),
            ),
            pages: true,
          },
        ],
      },
      { id: 'reproduce', title: 'How to reproduce', blocks: reproduceSteps(model) },
    ],
    tables: [scenarioTable(model), ...tables],
    checks: found.results.map((result) => checkOf(recorded, result)),
    measurements: measurementsOf(model),
    data: {
      name: manifest.sweep.name,
      ...found,
      tried: triedOf(recorded),
      scenarios: scenarioData(model.scenarios),
      notices: model.notices,
    },
    footer: `Written by Stint ${manifest.stint} from run ${manifest.id}. Every number was measured in this run; a dash means unknown.`,
    file: FILE,
    source: manifest.sweep.source.path,
    elapsed_s: manifest.elapsed_s,
    page: { explore: exploreTried(model), metrics: pageMetrics(model), details: [...details] },
  }
}

const FILES: Readonly<Record<string, string>> = {
  [TRIED_FILE]: 'one row per value that was tried: its verdict and what its trials measured',
}

/** Smallest cap for each rate: the demand; highest rate for each cap: the capacity. */
function curveName({ search }: RecordedSearch): 'demand' | 'capacity' | 'found' {
  if (search.over === null) return 'found'
  return search.best === 'min' ? 'demand' : 'capacity'
}

function answerOf({ found, search }: RecordedSearch, isOver: boolean): Report['answer'] {
  const { results } = found
  const [first] = results
  if (!isOver) return { text: 'The search is not over; stint resume goes on with it', tone: 'bad' }
  if (first === undefined) return { text: 'Nothing was tried', tone: 'bad' }
  const met = results.filter(({ meets }) => meets !== null)
  const isClear = results.every(({ meets, violations }) => meets !== null && violations.length === 0)
  const tone = met.length === 0 ? 'bad' : isClear ? 'good' : 'strong'
  if (results.length === 1) return { text: answerText(found, first), tone }
  const trials = results.reduce((sum, result) => sum + result.trials, 0)
  const values = met.map(({ meets }) => meets!)
  const [axis, of] = [settingName(search.axis), `of ${results.length} values of ${settingName(search.over!)}`]
  if (met.length === 0)
    return { text: `No ${axis} meets the goal for any ${of}; ${count(trials, 'trial')}`, tone }
  const low = values.reduce((a, b) => Math.min(a, b))
  const high = values.reduce((a, b) => Math.max(a, b))
  const range = low === high ? `${low}` : `${low} to ${high}`
  return {
    text: `${search.best === 'min' ? 'Smallest' : 'Largest'} ${axis} that meets the goal, for ${met.length} ${of}: ${range}; ${count(trials, 'trial')}`,
    tone,
  }
}

// ---------------------------------------------------------------- tables

/** A value of an axis, as it was tried. */
const number = (value: number | null): Cell =>
  value === null ? { text: '–', value: null, tone: 'quiet' } : { text: scalarText(value), value }

function foundTable({ search, found }: RecordedSearch): Table {
  const over = search.over!
  return {
    columns: columnsOf(found.results, [
      {
        head: capitalised(settingName(over)),
        type: 'text',
        cell: ({ at }) => ({ text: scalarText(at[over]) }),
      },
      { head: 'Meets the goal', type: 'number', cell: ({ meets }) => number(meets) },
      { head: 'Fails it', type: 'number', cell: ({ fails }) => number(fails) },
      {
        head: 'Sure',
        type: 'number',
        cell: ({ confidence }) =>
          confidence === null ? number(null) : { text: `≥ ${formatShare(confidence)}`, value: confidence },
      },
      {
        head: 'Trials',
        type: 'number',
        cell: ({ trials }) => ({ text: wholeNumber(trials), value: trials }),
      },
      { head: 'To know', type: 'text', cell: (result) => ({ text: toKnow(result) }), wraps: true },
    ]),
  }
}

function toKnow({ undecided, violations }: FoundValue): string {
  const values = (tried: readonly number[]) => list(tried.map(scalarText))
  return [
    ...(undecided.length === 0 ? [] : [`${values(undecided)} not decided`]),
    ...(violations.length === 0 ? [] : [`not monotone: ${values(violations)} fails`]),
  ].join('; ')
}

interface TriedRow extends Tried {
  line: LineSearch
}

function rowsOf({ lines }: RecordedSearch): TriedRow[] {
  return lines.flatMap((line) => line.tried.map((tried) => ({ ...tried, line })))
}

const verdictText = ({ verdict, confirmed, line }: TriedRow): string => {
  // Tried ahead, while a slot was free.
  if (verdict === null) return line.isOver ? 'not needed' : 'not over'
  if (!confirmed) return verdict
  return verdict === 'undecided' ? 'undecided, tested' : `${verdict}, confirmed`
}

function triedTable(recorded: RecordedSearch, model: ReportModel): Table {
  const { search } = recorded
  const { over } = search
  const goal = model.manifest.sweep.goal!
  const rows = rowsOf(recorded)
  const columns: ColumnOf<TriedRow>[] = [
    ...(over === null
      ? []
      : [
          {
            head: capitalised(settingName(over)),
            type: 'text' as const,
            cell: ({ line }: TriedRow) => ({ text: scalarText(line.at) }),
          },
        ]),
    {
      head: capitalised(settingName(search.axis)),
      type: 'number',
      cell: ({ value }) => number(value),
    },
    {
      head: 'Verdict',
      type: 'text',
      cell: (row) => ({
        text: verdictText(row),
        tone: row.verdict === 'meets' ? 'good' : row.verdict === 'fails' ? 'bad' : 'quiet',
      }),
    },
    {
      head: 'Trials',
      type: 'number',
      cell: ({ trials }) => ({ text: wholeNumber(trials), value: trials }),
    },
    {
      head: 'Not ok',
      type: 'text',
      cell: ({ scenario }) => ({ text: lost(model, scenario) }),
    },
    ...goal.subject_to.map(
      (constraint, i): ColumnOf<TriedRow> => ({
        head: `${capitalised(metricName(constraint.metric))} (${constraintText(constraint).slice(constraint.metric.length + 1)})`,
        type: 'number',
        cell: ({ standing }) => {
          const estimate = standing.constraints[i]!.estimate
          if (estimate === null) return number(null)
          const unit = model.metrics.get(constraint.metric)?.unit ?? ''
          const half =
            estimate.low === null || estimate.high === null ? null : (estimate.high - estimate.low) / 2
          return {
            text: formatMetric(estimate.value, unit),
            value: estimate.value,
            ...(half !== null && half > 0 && { spread: ` ± ${formatNumber(half, 2)}` }),
          }
        },
      }),
    ),
  ]
  return {
    columns: columnsOf(rows, columns),
    about: rows.map(({ scenario }) => [scenario]),
    file: TRIED_FILE,
    first: rows.flatMap(({ confirmed }, i) => (confirmed ? [i] : [])),
    note: 'Means over the ok trials, ± half the 95% confidence interval. A verdict that is not confirmed rests on a trial or two and only steered the search.',
  }
}

function lost({ scenarios }: ReportModel, scenario: string): string {
  const outcomes = scenarios.find(({ id }) => id === scenario)?.outcomes
  if (outcomes === undefined) return ''
  const named = Object.entries(outcomes).filter(([outcome, n]) => outcome !== 'ok' && n > 0)
  return named.map(([outcome, n]) => `${n} ${outcomeName(outcome as keyof typeof outcomes)}`).join(', ')
}

/** For programs. */
function triedOf(recorded: RecordedSearch): Record<string, unknown>[] {
  return rowsOf(recorded).map(({ line, value, scenario, verdict, confirmed, check, trials, standing }) => ({
    at: line.at,
    ...{ value, scenario, verdict, confirmed, check, trials, not_ok: standing.not_ok },
    constraints: standing.constraints.map(({ constraint, estimate }) => ({ ...constraint, estimate })),
  }))
}

function answerTable({ search, found }: RecordedSearch, file: string): DataTable {
  const { results } = found
  const { over, axis } = search
  return {
    file,
    columns: [
      ...(over === null ? [] : [[over, results.map(({ at }) => at[over])] as const]),
      [`${axis}_meets`, results.map(({ meets }) => meets)],
      [`${axis}_fails`, results.map(({ fails }) => fails)],
      ['confidence', results.map(({ confidence }) => confidence)],
      ['trials', results.map(({ trials }) => trials)],
      ['undecided', results.map(({ undecided }) => undecided.join(' '))],
      ['violations', results.map(({ violations }) => violations.join(' '))],
    ],
  }
}

function triedData(recorded: RecordedSearch, model: ReportModel): DataTable {
  const { search } = recorded
  const rows = rowsOf(recorded)
  const goal = model.manifest.sweep.goal!
  return {
    file: TRIED_FILE,
    columns: [
      ...(search.over === null ? [] : [[search.over, rows.map(({ line }) => line.at)] as const]),
      [search.axis, rows.map(({ value }) => value)],
      ['scenario', rows.map(({ scenario }) => scenario)],
      ['verdict', rows.map(({ verdict }) => verdict)],
      ['confirmed', rows.map(({ confirmed }) => confirmed)],
      ['trials', rows.map(({ trials }) => trials)],
      ['not_ok', rows.map(({ standing }) => standing.not_ok)],
      ...goal.subject_to.flatMap(({ metric }, i) => {
        const estimates = rows.map(({ standing }) => standing.constraints[i]!.estimate)
        return [
          [metric, estimates.map((estimate) => estimate?.value)],
          [`${metric}_low`, estimates.map((estimate) => estimate?.low)],
          [`${metric}_high`, estimates.map((estimate) => estimate?.high)],
        ] as const
      }),
    ],
  }
}

function checkOf(recorded: RecordedSearch, result: FoundValue): Check {
  const { found, search } = recorded
  const state = result.violations.length > 0 ? 'undecided' : result.meets === null ? 'failed' : 'passed'
  const name = search.over === null ? search.axis : `${search.over} ${scalarText(result.at[search.over])}`
  return { suite: found.goal, name, state, message: answerText(found, result) }
}
