/** What a result says, as plain data: sections of blocks, which each renderer shows in its own way; and the forms that there are. */
import type { Disturbed, Outcome } from '../../workers/protocol/trial-result.ts'
import type { Estimate } from '../analyse/descriptive.ts'
import { count } from '../format.ts'
import type { Metric } from '../metrics.ts'
import type { Bundle, Stack } from './bundle.ts'

/**
 * A picture: a Vega-Lite 6 spec, or the reason why there is none. In a page, marks whose row of data has `about`, the id
 * of an item of the report's `explore` or several, follow what the reader chooses.
 */
export type Plot = {
  /** Below the run folder, such as `benchmarks/caps.png`. */
  file: string
  /** What it would show, for readers who cannot see it or when it is skipped. */
  alt: string
  /** Drawn in a page, and into no file unless it is asked for by name. */
  pageOnly?: true
  /** Curves that are told as one, which a page tells again of those that are chosen. */
  bundles?: readonly Bundle[]
  /** Bars that are means, likewise. */
  stacks?: readonly Stack[]
  /** The same in characters, for a terminal that is large enough. */
  text?: TextPlot
} & ({ spec: object; skipped?: never } | { spec?: never; skipped: string })

/** Points in a plane, told apart by marks and not by colour. */
export interface TextPlot {
  x: TextAxis
  y: TextAxis
  points: { x: number; y: number; kind: 'other' | 'front' | 'recommended' }[]
}

export interface TextAxis {
  title: string
  domain: [number, number]
  isLog: boolean
  ticks: { value: number; text: string }[]
}

export type Tone = 'good' | 'bad' | 'quiet' | 'strong'

export interface Cell {
  text: string
  /** After the text where there is room, such as ` ± 0.3`. */
  spread?: string
  /** To sort by; absent for text. */
  value?: number | null
  tone?: Tone
}

export interface Column {
  head: string
  /** The head where there is little room; absent: `head`. */
  short?: string
  /** Numbers are right-aligned. */
  type: 'text' | 'number'
  /** Of the last column: a text too long for a terminal goes on in further lines. Absent: it is cut. */
  wraps?: true
  /** One cell per row; every column of a table has equally many. */
  cells: Cell[]
  /** Where the table is too wide, the column with the highest number is left out first; absent: it stays. */
  expendable?: number
}

/** A column before its rows are known. */
export type ColumnOf<Row> = Omit<Column, 'cells'> & { cell(row: Row): Cell }

export function columnsOf<Row>(rows: readonly Row[], columns: readonly ColumnOf<Row>[]): Column[] {
  return columns.map(({ cell, ...column }) => ({ ...column, cells: rows.map(cell) }))
}

export interface Table {
  columns: Column[]
  note?: string
  /** Rows that come first where there is no room for all, by index and in this order. */
  first?: number[]
  /** The file that holds every row. */
  file?: string
  /** By row, ids of the items of the report's `explore` that it is about: a page shows it where any of them is chosen. */
  about?: readonly string[][]
}

export interface Item {
  text: string
  tone?: Tone
}

/** One thing to know before trusting the numbers. */
export interface Notice {
  /** `problem`: numbers are affected. `note`: good to know. */
  level: 'problem' | 'note'
  text: string
}

export type Block = {
  /** For pages only: a terminal leaves it out. */
  pages?: true
  /** For terminals only: a page has it in another place. */
  terminals?: true
} & (
  | { kind: 'text'; text: string; tone?: Tone }
  | { kind: 'facts'; facts: [name: string, value: string][] }
  /** `file`: where the whole list is, so that a terminal may cut it short. */
  | { kind: 'list'; items: Item[]; file?: string }
  /** `file`: where the notes are, so that a terminal needs to show problems only. */
  | { kind: 'notices'; notices: Notice[]; file?: string }
  | { kind: 'table'; table: Table }
  | { kind: 'picture'; plot: Plot }
  | { kind: 'code'; lines: string[] }
  /** Folded in a page until the reader asks for it. */
  | { kind: 'details'; title: string; blocks: Block[] }
)

export interface Section {
  id: string
  /** Empty: the section stands under the report's own title. */
  title: string
  blocks: Block[]
}

export type CsvValue = string | number | boolean | null | undefined

/** A table for programs: values in full, under names that stay. */
export interface DataTable {
  /** Below the report's folder, such as `benchmarks/significance_tests.csv`. */
  file: string
  /** All of one length. */
  columns: (readonly [name: string, values: readonly CsvValue[]])[]
}

/** One thing that passes or fails, for tools that collect test results. */
export interface Check {
  /** Checks of one suite stand together. */
  suite: string
  name: string
  /** `broken`: it could not be tried at all. */
  state: 'passed' | 'failed' | 'undecided' | 'skipped' | 'broken'
  message: string
  /** Says no more than another check. */
  repeats?: true
}

/** Texts may hold anything that users wrote: a renderer cleans and escapes all of them. */
export interface Report {
  kind:
    | 'run'
    | 'find'
    | 'compare'
    | 'gate'
    | 'bisect'
    | 'pipeline'
    | 'history'
    | 'doctor'
    | 'profiles'
    | 'params'
  title: string
  /** What it is about, in a line; may be empty. */
  subtitle: string
  /** The answer in a line. */
  answer: { text: string; tone: Tone }
  sections: Section[]
  tables: DataTable[]
  /** Every picture that some choice would give: none of another choice stays beside those of this one. */
  pictureFiles?: readonly string[]
  checks: Check[]
  /** Of a run: every metric with a direction, by scenario. */
  measurements?: Measurement[]
  /** The result itself, for JSON. */
  data: Record<string, unknown>
  footer: string
  /** Name of its pages without their endings, below the folder of its files, such as `reports/report`. */
  file: string
  /** The sweep's file; null where there is none. */
  source: string | null
  /** Null where it is not known. */
  elapsed_s: number | null
  /** Set where its Markdown becomes part of another page, such as a comment. */
  embedded?: true
  /** Absent where a page has nothing to choose from. */
  page?: PageData
}

/** Every picture of a report, drawn or skipped, in its order. */
export function picturesOf({ sections }: Pick<Report, 'sections'>): Plot[] {
  const within = (blocks: readonly Block[]): Plot[] =>
    blocks.flatMap((block) => {
      if (block.kind === 'picture') return [block.plot]
      return block.kind === 'details' ? within(block.blocks) : []
    })
  return within(sections.flatMap(({ blocks }) => blocks))
}

/** Why a picture is not there; null where it is. */
export function missingPicture({ alt, skipped }: Plot): string | null {
  return skipped === undefined
    ? null
    : `No picture of ${alt.charAt(0).toLowerCase()}${alt.slice(1)}: ${skipped}.`
}

/** At most so many rows, the first ones first, where a file has the others, and words that say so. */
export function shortened(table: Table, most: number): { columns: Column[]; more: string | null } {
  const { columns, first = [], file } = table
  const rows = columns[0]?.cells.length ?? 0
  if (file === undefined || rows <= most) return { columns, more: null }
  const others = Array.from({ length: rows }, (_, i) => i).filter((i) => !first.includes(i))
  const kept = [...first, ...others].slice(0, most)
  return {
    columns: columns.map((column) => ({ ...column, cells: kept.map((i) => column.cells[i]!) })),
    more: `${count(rows - most, 'more row')} in ${file}.`,
  }
}

/** In the order in which they are written: tables before pictures before pages, what is most needed first. */
export const FORMATS = [
  'csv',
  'arrow',
  'json',
  'junit',
  'annotations',
  'openmetrics',
  'gobench',
  'github-benchmark',
  'bencher',
  'png',
  'svg',
  'markdown',
  'text',
  'html',
] as const
export type Format = (typeof FORMATS)[number]

/** Formats of a file that is named without one, by the end of its name. */
export const FORMAT_BY_ENDING: Readonly<Record<string, Format>> = {
  csv: 'csv',
  arrow: 'arrow',
  json: 'json',
  xml: 'junit',
  om: 'openmetrics',
  prom: 'openmetrics',
  bench: 'gobench',
  md: 'markdown',
  txt: 'text',
  svg: 'svg',
  html: 'html',
}

/** One metric of one scenario, for tools that collect benchmarks. */
export interface Measurement {
  scenario: string
  label: string
  /** The axes and their values in words. */
  settings: [name: string, value: string][]
  metric: string
  unit: string
  direction: Metric['direction']
  description: string
  estimate: Estimate
  values: { trial: string; value: number }[]
}

export interface Export {
  format: Format
  /** A file, or a folder for a format of several files; null: the report's own names in its own folder. */
  to: string | null
}

// ---------------------------------------------------------------- what only a page asks for

/** The things that rows and points of a page are about, and by what they may be chosen. */
export interface Explore {
  /** What one is called, such as `scenario`. */
  noun: string
  filters: Filter[]
  items: ExploredItem[]
}

export interface ExploredItem {
  id: string
  label: string
  /** Index of its value in each filter. */
  at: number[]
}

export interface Filter {
  key: string
  title: string
  /** In order: numbers by size, `none` last. */
  values: string[]
}

/** One scenario, trial by trial. */
export interface ScenarioDetail {
  scenario: string
  /** A shell command that runs only this scenario again; null where none is known. */
  command: string | null
  trials: TrialDetail[]
  /** Of one trial; null where no chunks were logged, or too many to read. */
  timeline: Timeline | null
}

/** Numbers have six digits; the journal has them in full. */
export interface TrialDetail {
  trial: string
  round: number
  outcome: Outcome
  started_at: string
  duration_ms: number
  /** Empty for a trial that was not ok. */
  metrics: Record<string, number | null>
  compute: { in_force: number | null; achieved: number | null; throttled_ms: number | null }
  memory: { in_force_mb: number | null; peak_mb: number | null }
  noise: {
    run_queue_wait_share: number | null
    others_cores: number | null
    steal_share: number | null
    involuntary_context_switches: number | null
    disturbed: Disturbed[] | null
  }
  error: { name: string; message: string; exit: string | null } | null
  notes: string[]
}

/** A trial over its chunks, equally many of them in each value. */
export interface Timeline {
  trial: string
  chunks: number
  chunks_per_value: number
  latency_ms: number[]
  latency_max_ms: number[]
  /** Heap and external memory, the largest. */
  memory_mb: number[]
}

/** A metric by its name, and what people call it. */
export interface PageMetric {
  name: string
  title: string
  unit: string
  direction: string
}

/** What a report adds to its data for its page. */
export interface PageData {
  explore: Explore
  metrics?: PageMetric[]
  details?: ScenarioDetail[]
}

/** All that a page shows, as data. */
export interface PageModel extends Pick<Report, 'title' | 'subtitle' | 'answer' | 'sections' | 'footer'> {
  explore: Explore | null
  metrics: PageMetric[]
  details: ScenarioDetail[]
}
