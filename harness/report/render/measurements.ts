/** A run's means in the forms that other tools for benchmarks read. */
import type { Measurement, Report } from '../section.ts'
import { plain } from '../words.ts'

/**
 * OpenMetrics text 1.0: a gauge per metric with a sample per scenario, and two more for the ends of its 95% interval.
 * Names of metrics and labels are cut down to the letters that the format allows.
 */
export function openMetricsText({ title, measurements = [] }: Report): string {
  const lines: string[] = []
  for (const metric of distinct(measurements.map(({ metric }) => metric))) {
    const samples = measurements.filter((one) => one.metric === metric)
    const { unit, description } = samples[0]!
    const family = `stint_${identifier(metric)}`
    const about = `${description}${unit === '' ? '' : ` (${unit})`}`
    for (const [suffix, help, of] of [
      ['', `${about}, mean over trials`, (one: Measurement) => one.estimate.value],
      ['_ci_low', `${about}, lower end of the 95% interval`, (one: Measurement) => one.estimate.low],
      ['_ci_high', `${about}, upper end of the 95% interval`, (one: Measurement) => one.estimate.high],
    ] as const) {
      const known = samples.filter((one) => of(one) !== null)
      if (known.length === 0) continue
      lines.push(`# TYPE ${family}${suffix} gauge`, `# HELP ${family}${suffix} ${escapedHelp(help)}`)
      for (const one of known) {
        const labels = [['sweep', title], ['scenario', one.scenario], ...settingsOf(one)]
          .map(([name, value]) => `${identifier(name!)}="${escapedLabel(value!)}"`)
          .join(',')
        lines.push(`${family}${suffix}{${labels}} ${of(one)}`)
      }
    }
  }
  return `${[...lines, '# EOF'].join('\n')}\n`
}

/** Labels must differ: `params.x` and `params_x` may not both become `params_x`. */
function settingsOf({ settings }: Measurement): string[][] {
  const taken = new Set(['sweep', 'scenario'])
  return settings.map(([key, value]) => {
    let name = identifier(key)
    while (taken.has(name)) name += '_'
    taken.add(name)
    return [name, value]
  })
}

function identifier(name: string): string {
  const letters = name.replace(/[^a-zA-Z0-9_]/g, '_')
  return /^[0-9]/.test(letters) || letters === '' ? `_${letters}` : letters
}

function escapedLabel(text: string): string {
  return plain(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"')
}

function escapedHelp(text: string): string {
  return plain(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"')
}

/**
 * The Go benchmark format (golang.org/design/14313-benchmark-format), which benchstat reads: a line per trial, a value
 * and unit for each metric. Mean chunk latency is `ns/op`, peak memory `B/op`; the others go by their own names.
 */
export function goBenchmarkText({ title, measurements = [] }: Report): string {
  const metrics = distinct(measurements.map(({ metric }) => metric))
  const units = metrics.map((metric) => {
    const { direction } = measurements.find((one) => one.metric === metric)!
    const better = direction === 'higher_is_better' ? 'higher' : 'lower'
    return `Unit ${goUnit(metric).unit} better=${better}`
  })
  const lines = [`sweep: ${plain(title).trim() || 'unnamed'}`, 'tool: stint', ...units]
  for (const scenario of distinct(measurements.map((one) => one.scenario))) {
    const own = measurements.filter((one) => one.scenario === scenario)
    const name = [goWord(title), ...own[0]!.settings.map(([key, value]) => `${goWord(key)}=${goWord(value)}`)]
    const trials = distinct(own.flatMap(({ values }) => values.map(({ trial }) => trial)))
    for (const trial of trials) {
      const found = own.flatMap(({ metric, values }) => {
        const value = values.find((one) => one.trial === trial)
        const { unit, factor } = goUnit(metric)
        return value === undefined ? [] : [`${value.value * factor} ${unit}`]
      })
      if (found.length > 0) lines.push(`Benchmark${capital(name.join('/'))} 1 ${found.join(' ')}`)
    }
  }
  return `${lines.join('\n')}\n`
}

function goUnit(metric: string): { unit: string; factor: number } {
  if (metric === 'latency_mean_ms') return { unit: 'ns/op', factor: 1e6 }
  if (metric === 'peak_memory_mb') return { unit: 'B/op', factor: 1024 * 1024 }
  return { unit: goWord(metric), factor: 1 }
}

/** Without spaces, and without a slash, which parts names. */
function goWord(text: string): string {
  return plain(text).replace(/[\s/]+/g, '_') || '_'
}

/** What follows `Benchmark` must not be a lower-case letter. */
function capital(name: string): string {
  const first = name.charAt(0)
  return /\p{Ll}/u.test(first) ? first.toUpperCase() + name.slice(1) : name
}

/**
 * For github-action-benchmark with `tool: customSmallerIsBetter`: metrics of which less is better, which is all that one
 * file of that tool may hold.
 */
export function githubBenchmarkText({ measurements = [] }: Report): string {
  const entries = measurements
    .filter(({ direction }) => direction === 'lower_is_better')
    .map(({ label, metric, unit, estimate: { value, high, n } }) => ({
      name: `${plain(label)}: ${metric}`,
      unit: unit === '' ? metric : unit,
      value,
      ...(high !== null && { range: `± ${high - value}` }),
      extra: `mean of ${n} trials`,
    }))
  return `${JSON.stringify(entries, null, 1)}\n`
}

/** Bencher Metric Format: by benchmark and measure, the mean with the ends of its 95% interval. */
export function bencherText({ measurements = [] }: Report): string {
  const benchmarks = new Map<string, Map<string, object>>()
  for (const { label, metric, estimate } of measurements) {
    const measures = benchmarks.get(plain(label)) ?? new Map<string, object>()
    const ends =
      estimate.low === null || estimate.high === null
        ? {}
        : { lower_value: estimate.low, upper_value: estimate.high }
    measures.set(metric, { value: estimate.value, ...ends })
    benchmarks.set(plain(label), measures)
  }
  const plainObject = [...benchmarks].map(([label, measures]) => [label, Object.fromEntries(measures)])
  return `${JSON.stringify(Object.fromEntries(plainObject), null, 1)}\n`
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)]
}
