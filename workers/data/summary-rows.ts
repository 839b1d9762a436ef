/** Rows at the end of a file that sum up the others, as spreadsheets have them: they are no data. */
import { decodeNumber } from './decode.ts'
import { numberSpec } from './number-writing.ts'
import type { ColumnProfile } from './profile.ts'
import type { DecimalMark } from './types.ts'

/** So many rows at the end are looked at: sum, mean and one more. */
export const MOST_SUMMARY_ROWS = 3
/** Others must be as many for a sum to be one. */
const LEAST_OTHERS = 2
/** Numbers may have been rounded before they were summed up, and their mean after it. */
const TOLERANCE = { sum: 0.001, mean: 0.01 } as const

/** A field of one of the last rows. */
export interface End {
  text: string
  /** Physical line of the row. */
  line: number
}

export interface SummaryRows {
  rows: number
  /** Their numbers are the sum or the mean of the others'; otherwise only their looks speak for it. */
  sure: boolean
  /** `the last row (line 14), ...`, with the reason. */
  said: string
}

type Kind = keyof typeof TOLERANCE

const WORDS: Readonly<Record<Kind, readonly string[]>> = {
  sum: [
    ...[
      'totals?',
      'sums?',
      'sum total',
      'total sum',
      'totaux',
      'totales',
      'totais',
      'totale',
      'totaal',
      'totalt',
    ],
    ...[
      'gesamt',
      'gesamtsumme',
      'summe',
      'insgesamt',
      'zusammen',
      'somme',
      'ensemble',
      'suma',
      'soma',
      'somma',
    ],
    ...[
      'summa',
      'sammanlagt',
      'yhteensä',
      'razem',
      'celkem',
      'spolu',
      'ukupno',
      'összesen',
      'toplam',
      'σύνολο',
    ],
    ...[
      'итого',
      'всего',
      'сумма',
      'разом',
      'общо',
      'tổng',
      'jumlah',
      '合计',
      '合計',
      '总计',
      '總計',
      '総計',
      '합계',
      '총계',
    ],
  ],
  mean: [
    ...[
      'averages?',
      'avg\\.?',
      'means?',
      'durchschnitt',
      'mittelwert',
      'mittel',
      'moyenne',
      'promedio',
      'media',
    ],
    ...['média', 'gemiddelde?', 'gjennomsnitt', 'gennemsnit', 'medelvärde', 'keskiarvo', 'średnia', 'průměr'],
    ...['среднее', 'ortalama', '平均'],
  ],
}

/** The word, a word before it and a remark after it at most: `Grand total:`, `Total (all regions)`, `TOTAL 2023`. */
const labelOf = (words: readonly string[]) =>
  new RegExp(
    `^[*=\\s-]*(?:(?:grand|sub|net|gross|overall|year)[\\s-]?)?(?:${words.join('|')})(?:\\s*[:=*]+|\\s*\\(.*\\)|\\s+\\d{4})?\\s*$`,
    'iu',
  )
const LABELS: readonly (readonly [Kind, RegExp])[] = [
  ['sum', labelOf(WORDS.sum)],
  ['mean', labelOf(WORDS.mean)],
]

/** What the numbers of a column come to, with those of the last rows apart. */
interface Numbers {
  name: string
  sum: number
  count: number
  /** Largest of all. */
  max: number
  /** Of the last rows, the last one first: null where there is no number. */
  ends: (number | null)[]
}

interface Label {
  kind: Kind
  column: string
  text: string
}

/**
 * Null where no row at the end is one.
 * @param ends by column, the last one first
 */
export function summaryRows(
  profiles: ReadonlyMap<string, ColumnProfile>,
  ends: ReadonlyMap<string, readonly End[]>,
  decimal: DecimalMark,
): SummaryRows | null {
  const [first = []] = ends.values()
  const labels = first.map((_, at) => labelAt(ends, at))
  const columns = [...profiles.values()].flatMap((profile) => {
    const numbers = numbersOf(profile, ends.get(profile.name) ?? [], decimal)
    return numbers === null ? [] : [numbers]
  })
  if (columns.length === 0) return null
  for (let rows = MOST_SUMMARY_ROWS; rows > 0; rows -= 1) {
    if (first.length < rows) continue
    const proofs = Array.from({ length: rows }, (_, at) => proof(columns, ends, labels, at, rows))
    if (proofs.every((one) => one !== null)) {
      return { rows, sure: true, said: `${which(first, rows)}, ${proofs.reverse().join(', and ')}` }
    }
  }
  const reason = suspicion(columns, profiles, ends, labels[0] ?? null)
  return reason === null ? null : { rows: 1, sure: false, said: `${which(first, 1)}, ${reason}` }
}

function which(ends: readonly End[], rows: number): string {
  return rows === 1
    ? `the last row (line ${ends[0]!.line})`
    : `the last ${rows} rows (from line ${ends[rows - 1]!.line} on)`
}

function labelAt(ends: ReadonlyMap<string, readonly End[]>, at: number): Label | null {
  for (const [column, texts] of ends) {
    const text = texts[at]?.text ?? ''
    const [kind] = LABELS.find(([, label]) => label.test(text)) ?? []
    if (kind !== undefined) return { kind, column, text }
  }
  return null
}

function numbersOf(profile: ColumnProfile, ends: readonly End[], decimal: DecimalMark): Numbers | null {
  const { name, numbers, present } = profile
  const spec = numberSpec(profile, decimal, MOST_SUMMARY_ROWS)
  if (spec === null || !profile.complete || present <= LEAST_OTHERS) return null
  // These were counted as numbers with a decimal point.
  if (spec.decimal === ',' && numbers.likeThousands > 0) return null
  let { sum, count, max } = numbers
  for (const { text, count: times } of profile.spellings()) {
    const value = decodeNumber(text, spec)
    if (value === null || Number.isNaN(value)) continue
    sum += times * value
    count += times
    if (value > max) max = value
  }
  const found = ends.map(({ text }) => {
    const value = text === '' ? null : decodeNumber(text, spec)
    return value === null || Number.isNaN(value) ? null : value
  })
  return { name, sum, count, max, ends: found }
}

/** Why a row sums up those before the last `rows`; null where it does not. */
function proof(
  columns: readonly Numbers[],
  ends: ReadonlyMap<string, readonly End[]>,
  labels: readonly (Label | null)[],
  at: number,
  rows: number,
): string | null {
  const label = labels[at] ?? null
  const kind = label?.kind ?? 'sum'
  const filled = columns.filter((column) => column.ends[at] !== null)
  const matching = filled.filter((column) => comesTo(column, kind, at, rows))
  if (matching.length === 0) return null
  // Without a name, all that it has must be sums, and it must lack what other rows have.
  if (label === null) {
    const cells = [...ends.values()].filter((texts) => texts[at]?.text !== '').length
    if (matching.length < cells || cells === ends.size) return null
  }
  const name = label === null ? '' : `${JSON.stringify(label.text)} in ${label.column}, `
  const names = matching.slice(0, 3).map((column) => column.name)
  return `${name}with the ${kind} of the others in ${names.join(', ')}`
}

function comesTo({ sum, count, ends }: Numbers, kind: Kind, at: number, rows: number): boolean {
  const value = ends[at]!
  const apart = ends.slice(0, rows).filter((one) => one !== null)
  const others = count - apart.length
  if (others < LEAST_OTHERS) return false
  const all = apart.reduce((rest, one) => rest - one, sum)
  const expected = kind === 'sum' ? all : all / others
  return expected !== 0 && Math.abs(value - expected) <= TOLERANCE[kind] * Math.abs(expected)
}

/** Why the last row, whose name no other row has, may sum up the others although no number shows it. */
function suspicion(
  columns: readonly Numbers[],
  profiles: ReadonlyMap<string, ColumnProfile>,
  ends: ReadonlyMap<string, readonly End[]>,
  label: Label | null,
): string | null {
  if (label === null) return null
  const { column, text } = label
  const profile = profiles.get(column)
  const own = profile?.spellings().find((spelling) => spelling.text === text)
  if (!profile?.complete || own?.count !== 1) return null
  const name = `${JSON.stringify(text)} in ${column} as no other row is,`
  const filled = columns.filter(({ ends }) => ends[0] !== null)
  if (filled.length > 0 && filled.every(({ ends, max }) => ends[0] === max))
    return `${name} has the largest ${filled.length === 1 ? filled[0]!.name : 'numbers'}`
  const gap = [...profiles.values()].find(
    ({ name, missing }) => missing === 1 && ends.get(name)?.[0]?.text === '',
  )
  return gap === undefined ? null : `${name} lacks ${gap.name}, as no other row does`
}
