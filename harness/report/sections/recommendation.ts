/** The first line of a report: which setting to use, at what price, and how sure that is. */
import { membersOf } from '../../analyse/comparison.ts'
import type { Choice, JudgedLimit, Recommendation } from '../../analyse/recommend.ts'
import { SEEDS } from '../../analyse/seeds.ts'
import { count, formatMetric, formatNumber, formatShare, list } from '../../format.ts'
import { own } from '../../own.ts'
import type { Report } from '../section.ts'
import type { ReportModel } from '../types.ts'
import { marginText, metricName, settingLabel } from '../words.ts'
import { scenarioText } from './results.ts'

/** Where there is nothing to choose, what the only setting gives and how many trials were ok. */
export function answerOf(model: ReportModel, otherwise: Report['answer']): Report['answer'] {
  const { recommendation } = model
  if (recommendation === null) {
    const given = onlySetting(model)
    return given === ''
      ? otherwise
      : { ...otherwise, text: `Only one setting was run: ${given}; ${otherwise.text}.` }
  }
  const { reason, limits } = recommendation
  const isMet = reason !== 'meets_goal' || limits.every(({ state }) => state === 'met')
  const isSure =
    isMet && (recommendation.choice === null || betterBaseline(model, recommendation.choice) === null)
  return {
    text: recommendationText(model, recommendation),
    tone: reason === 'nothing_meets' || reason === 'nothing_ok' ? 'bad' : isSure ? 'good' : 'strong',
  }
}

function onlySetting(model: ReportModel): string {
  const [scenario, ...others] = model.scenarios
  if (scenario === undefined || others.length > 0) return ''
  const { id, label, metrics } = scenario
  const choice = { scenario: id, label, metrics }
  const names = [...(model.accuracy === null ? [] : [model.accuracy]), model.latency, 'peak_memory_mb']
  const price = names.flatMap((name) => valueText(model, choice, name) ?? []).join(', ')
  return price === '' ? '' : [price, ...baselineWords(model, choice)].join('; ')
}

/** For programs, which have the means of every scenario elsewhere. */
export function recommendationData(model: ReportModel): Record<string, unknown> | null {
  if (model.recommendation === null) return null
  const { choice, cheaper, front, ...rest } = model.recommendation
  return {
    text: recommendationText(model, model.recommendation),
    scenario: choice?.scenario ?? null,
    label: choice?.label ?? null,
    ...rest,
    cheaper: cheaper?.scenario ?? null,
    front: front && {
      size: front.size,
      fastest: front.fastest.scenario,
      most_accurate: front.most_accurate.scenario,
    },
  }
}

function recommendationText(model: ReportModel, recommendation: Recommendation): string {
  const { reason, choice } = recommendation
  if (choice === null) {
    return recommendation.of === 0
      ? 'No setting to recommend: in every scenario a trial was not ok.'
      : 'No setting to recommend: nothing measured speed.'
  }
  if (reason === 'nothing_meets') return nothingMeets(model, recommendation, choice)
  const said = [`Use ${nameOf(model, choice)}: ${priceText(model, recommendation, choice)}`]
  said.push(
    ...(reason === 'meets_goal' ? goalWords(model, recommendation) : frontWords(model, recommendation)),
  )
  said.push(...baselineWords(model, choice), ...confidence(recommendation))
  return `${said.join('; ')}.`
}

function nameOf(model: ReportModel, { scenario }: Choice): string {
  return model.scenarios.length === 1 ? 'the only scenario' : scenarioText(model, scenario)
}

/** What a setting gives and costs: what the goal is about, accuracy, latency and memory. */
function priceText(model: ReportModel, { objective, limits }: Recommendation, choice: Choice): string {
  const wanted = new Set([
    ...(objective === null ? [] : [objective]),
    ...(model.accuracy === null ? [] : [model.accuracy]),
    ...limits.map(({ metric }) => metric),
    ...(limits.some(({ metric }) => isTime(model, metric)) ? [] : [model.latency]),
    'peak_memory_mb',
  ])
  // A limit was held against its own mean.
  const held = Object.fromEntries(limits.map(({ metric, estimate }) => [metric, estimate]))
  const shown = { ...choice, metrics: { ...choice.metrics, ...held } }
  return [...wanted].flatMap((name) => valueText(model, shown, name) ?? []).join(', ')
}

function isTime({ metrics }: ReportModel, name: string): boolean {
  return /^(ns|us|ms|s)$/.test(metrics.get(name)?.unit ?? '')
}

/** Short, since the sentence has many: `p99 12 ms`, `4.96 us per row`, `peak 41 MB`. */
function valueText({ metrics }: ReportModel, choice: Choice, name: string): string | null {
  const estimate = choice.metrics[name]
  const metric = metrics.get(name)
  if (!estimate || metric === undefined) return null
  const value = formatMetric(estimate.value, metric.unit)
  const [before, after] = own(SHORT_WORDS, name) ?? [shortName(name), '']
  return [before, value, after].filter((word) => word !== '').join(' ')
}

const SHORT_WORDS: Readonly<Record<string, readonly [before: string, after: string]>> = {
  latency_mean_ms: ['', 'per chunk'],
  latency_per_row_us: ['', 'per row'],
  throughput_rows_s: ['', ''],
  peak_memory_mb: ['peak', ''],
}

function shortName(name: string): string {
  const event = /^event_latency_(mean|p\d+(?:_\d)?|max)_ms$/.exec(name)?.[1]
  if (event !== undefined) return `event ${event.replace('_', '.')}`
  return /^latency_(mean|p\d+)_ms$/.exec(name)?.[1] ?? metricName(name)
}

/** `batch 64 instead`: only where it differs. */
function differenceText(model: ReportModel, from: Choice, to: Choice): string {
  const pointOf = ({ scenario }: Choice) =>
    model.scenarios.find(({ id }) => id === membersOf(scenario)[0])?.point ?? {}
  const [here, there] = [pointOf(from), pointOf(to)]
  const keys = model.axes.filter((key) => here[key] !== there[key] && !SEEDS.includes(key))
  return keys.length === 0 ? nameOf(model, to) : keys.map((key) => settingLabel(key, there[key])).join(', ')
}

function limitText({ metric, op, value, unit }: JudgedLimit): string {
  return `${shortName(metric)} ${op} ${value}${unit === '' ? '' : ` ${unit}`}`
}

function goalWords(model: ReportModel, recommendation: Recommendation): string[] {
  const { limits, objective, meeting, unsure, priced, cheaper } = recommendation
  const choice = recommendation.choice!
  const goal = limits.length === 0 ? 'the goal' : list(limits.map(limitText))
  const words: string[] = []
  for (const limit of limits.filter(({ state }) => state === 'by_mean')) {
    const why = limit.estimate?.n === 1 ? 'one trial is no proof of' : 'its 95% interval passes'
    words.push(`${why} ${limitText(limit)}, so raise benchmark_runs to confirm it`)
  }
  if (cheaper !== null) {
    const value = objective === null ? null : valueText(model, cheaper, objective)
    const price = value === null ? '' : `, with ${value}`
    words.push(`${differenceText(model, choice, cheaper)} is cheaper and also meets ${goal}${price}`)
  } else if (priced) words.push(`nothing cheaper meets ${goal}`)
  else if (model.scenarios.length > 1 && objective !== null && limits.length > 0) {
    const n = meeting > 0 ? meeting : unsure
    words.push(n === 1 ? `no other meets ${goal}` : `the best of ${count(n, 'scenario')} that meet ${goal}`)
  }
  if (meeting > 0 && unsure > 0)
    words.push(`${count(unsure, 'other')} ${unsure === 1 ? 'meets' : 'meet'} it by the mean only`)
  return words
}

function frontWords(model: ReportModel, { reason, choice, front }: Recommendation): string[] {
  const { accuracy, latency, metrics, manifest } = model
  if (front === null || accuracy === null) return [`the lowest ${metricName(latency)}`]
  const metric = metrics.get(accuracy)!
  const name = metricName(accuracy)
  const { fastest, most_accurate: best } = front
  const factor = (to: Choice) =>
    `${formatNumber(to.metrics[latency]!.value / choice!.metrics[latency]!.value)} times the latency`
  const valueAt = (to: Choice) =>
    `${differenceText(model, choice!, to)} has ${formatMetric(to.metrics[accuracy]!.value, metric.unit)} at ${factor(to)}`
  if (reason === 'same_accuracy') {
    const by = metric.signed === true ? 'difference' : 'ratio'
    const margin = marginText(manifest.sweep.compare.margin, by)
    return [`the fastest, and none has a better ${name} beyond the margin of ${margin}`]
  }
  if (reason === 'knee') return [`the knee of the Pareto front, where ${valueAt(best)}`]
  return front.size === 1
    ? [`no other is faster or has a better ${name}`]
    : [`the best ${name}, while ${valueAt(fastest)}`]
}

/** A setting may be the best of those tried and still predict nothing. */
function baselineWords(model: ReportModel, choice: Choice): string[] {
  const name = betterBaseline(model, choice)
  if (name === null) return []
  const { unit } = model.metrics.get(name)!
  const accuracy = model.accuracy!
  const value = formatMetric(choice.metrics[name]!.value, unit)
  // `r2_mean_baseline` of `r2` is the mean baseline.
  return name.startsWith(`${accuracy}_`)
    ? [
        `no better than the ${name.slice(accuracy.length + 1).replaceAll('_', ' ')}, whose ${metricName(accuracy)} is ${value}`,
      ]
    : [`no better than ${metricName(name)}, which is ${value}`]
}

/** The best of a score's baselines that is at least as good as the setting. */
function betterBaseline({ accuracy, metrics }: ReportModel, { metrics: means }: Choice): string | null {
  const score = accuracy === null ? null : means[accuracy]
  if (accuracy === null || !score) return null
  const sign = metrics.get(accuracy)?.direction === 'lower_is_better' ? -1 : 1
  let best: { name: string; value: number } | null = null
  for (const [name, { baseline_of }] of metrics) {
    const value = means[name]?.value
    if (baseline_of !== accuracy || value === undefined) continue
    if (sign * value >= sign * (best?.value ?? score.value)) best = { name, value }
  }
  return best?.name ?? null
}

function confidence({ reason, share, tied, limits }: Recommendation): string[] {
  const words: string[] = []
  if (share !== null && share < 1) {
    const limit = limits.length === 1 ? 'the limit' : 'the limits'
    const place = reason === 'meets_goal' ? `within ${limit}` : 'on the front'
    words.push(`${place} in ${formatShare(share, 2)} of resamples of its trials`)
  }
  if (tied.length > 0) words.push(`${count(tied.length, 'other')} cannot be told from it`)
  return words
}

function nothingMeets(model: ReportModel, { limits }: Recommendation, choice: Choice): string {
  const missed = limits.filter(({ state }) => state === 'missed')
  const decisive = missed.length > 0 ? missed : limits
  const goal = decisive.length === 0 ? 'the goal' : list(decisive.map(limitText))
  const nearest = decisive
    .map(
      ({ metric, estimate }) =>
        valueText(model, { ...choice, metrics: { [metric]: estimate } }, metric) ??
        `no ${metricName(metric)} measured`,
    )
    .join(', ')
  return `No setting to recommend: nothing meets ${goal}. Nearest is ${nameOf(model, choice)}: ${nearest}.`
}
