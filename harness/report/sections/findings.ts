/** The significance table in sentences, one for all pairs that change the same setting. */

import { type ComparisonRow, isRegression, isSignificant } from '../../analyse/comparison.ts'
import { count, wholeNumber } from '../../format.ts'
import type { ReportModel } from '../types.ts'
import {
  amountText,
  CORRECTIONS,
  capitalised,
  marginText,
  metricName,
  pairOf,
  ratioStyle,
  ratioText,
  sizeText,
} from '../words.ts'

export interface Finding {
  /** Of the claim: a change for the worse, for the better or without direction; none within the margin; or no claim. */
  kind: 'worse' | 'better' | 'different' | 'same' | 'undecided'
  text: string
}

const ORDER: Finding['kind'][] = ['worse', 'better', 'different', 'same', 'undecided']

/** Those that claim a difference come first. */
export function findingsOf(model: ReportModel): Finding[] {
  const { comparisons, manifest } = model
  const { alpha, margin } = manifest.sweep.compare
  const groups = new Map<string, { change: string; shared: string; metric: string; rows: ComparisonRow[] }>()
  for (const row of comparisons) {
    const { change, shared } = pairOf(model, row)
    const key = `${row.metric} ${change}`
    const group = groups.get(key)
    if (group) group.rows.push(row)
    else groups.set(key, { change, shared, metric: row.metric, rows: [row] })
  }
  return [...groups.values()]
    .flatMap(({ change, shared, metric, rows }) => {
      const where = rows.length === 1 && shared !== '' ? ` (${shared})` : ''
      return sentences(`${capitalised(metricName(metric))}, ${change}${where}`, rows, alpha, margin)
    })
    .sort((x, y) => ORDER.indexOf(x.kind) - ORDER.indexOf(y.kind))
}

function sentences(about: string, rows: readonly ComparisonRow[], alpha: number, margin: number): Finding[] {
  const total = rows.length
  const share = (n: number) => (total === 1 ? '' : ` in ${wholeNumber(n)} of ${wholeNumber(total)} pairs`)
  const findings: Finding[] = []
  const claimed = rows.filter((row) => isSignificant(row, alpha))
  for (const verdict of new Set(claimed.map((row) => row.verdict))) {
    const same = claimed.filter((row) => row.verdict === verdict)
    const kind = isRegression(verdict)
      ? 'worse'
      : verdict === 'higher' || verdict === 'lower'
        ? 'different'
        : 'better'
    findings.push({ kind, text: `${about}: ${verdict}${share(same.length)}, ${rangeText(same)}.` })
  }
  const equivalent = rows.filter((row) => row.verdict === 'equivalent').length
  if (equivalent > 0) {
    const within = `within the margin of ${marginText(margin, rows[0]!.compared_by)}`
    findings.push({ kind: 'same', text: `${about}: equivalent ${within}${share(equivalent)}.` })
  }
  const undecided = rows.filter(
    (row) => row.verdict !== 'equivalent' && row.verdict !== 'not_tested' && !claimed.includes(row),
  )
  if (undecided.length > 0) {
    const range = rangeText(undecided)
    findings.push({
      kind: 'undecided',
      text: `${about}: undecided${share(undecided.length)}${range === '' ? '' : ` (${range})`}; more ${rows.every((row) => row.seeds) ? 'seeds' : 'benchmark_runs'} would narrow the interval.`,
    })
  }
  const untested = rows.filter((row) => row.verdict === 'not_tested').length
  if (untested > 0) {
    findings.push({
      kind: 'undecided',
      text: `${about}: not tested${share(untested)}: no measured values.`,
    })
  }
  return findings
}

/** One pair with its interval, several from the smallest to the largest ratio. */
export function rangeText(rows: readonly ComparisonRow[]): string {
  const known = rows.filter((row) => row.ratio !== null).sort((a, b) => a.ratio! - b.ratio!)
  const [first, last] = [known[0], known.at(-1)]
  if (!first || !last) return differenceText(rows)
  if (known.length === 1) return sizeText(first)
  const style = ratioStyle([first.ratio, last.ratio])
  const [low, high] = [ratioText(first.ratio, null, null, style), ratioText(last.ratio, null, null, style)]
  return low === high ? low : `${low} to ${high}`
}

function differenceText(rows: readonly ComparisonRow[]): string {
  const known = rows.filter((row) => row.difference !== null).sort((a, b) => a.difference! - b.difference!)
  const [first, last] = [known[0], known.at(-1)]
  if (!first || !last) return ''
  if (known.length === 1) return `difference ${sizeText(first)}`
  const [low, high] = [amountText(first.difference), amountText(last.difference)]
  return low === high ? `difference ${low}` : `differences ${low} to ${high}`
}

/** `3 of 24 comparisons differ significantly` */
export function findingsHeadline(rows: readonly ComparisonRow[], alpha: number): string {
  const [first] = rows
  if (!first) return 'There was nothing to compare.'
  const significant = rows.filter((row) => isSignificant(row, alpha)).length
  return `${wholeNumber(significant)} of ${count(rows.length, 'comparison')} ${significant === 1 ? 'shows' : 'show'} a difference beyond the margin that stands after ${CORRECTIONS[first.correction].after}.`
}
