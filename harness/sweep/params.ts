/** Holds a sweep against what its workload says of itself: parameters, metrics, dataset. */
import type { WorkloadSource } from '../../workers/protocol/trial-spec.ts'
import type { ParamInfo, Scalar, WorkloadInfo } from '../../workers/workload.ts'
import { metricTable } from '../metrics.ts'
import { didYouMean, METRICS_LISTED, namesHint, PIPELINE_LISTED } from '../nearest.ts'
import { isMapping } from './document.ts'
import { goalMetrics } from './goal.ts'
import { keyOfParam } from './param-keys.ts'
import { BUILT_IN } from './paths.ts'
import type { Locate, Located } from './places.ts'
import { type Finding, refuse, shown } from './problems.ts'
import type { Scenario, Sweep } from './types.ts'
import { outsideFindings, sharedFileFindings, withTypedFiles } from './written-files.ts'

/**
 * The sweep with the workload's defaults filled in and, unless the sweep names its metrics, the workload's
 * accuracy among those compared. Ids stay as they are.
 * @throws {SweepError} for parameters, metrics or a dataset that the workload does not take
 */
export function fitToWorkload(sweep: Sweep, info: WorkloadInfo, locate: Locate): Sweep {
  const { scenarios, findings } = checkParams(sweep, info, locate)
  refuse([
    ...findings,
    ...datasetFindings(sweep, info, locate),
    ...metricFindings(sweep, info, locate),
    ...outsideFindings(sweep, info, locate),
    ...sharedFileFindings(sweep, info, locate),
  ])
  const { source, compare } = sweep
  const written = isMapping(source.document) ? source.document['compare'] : undefined
  const named = isMapping(written) && written['metrics'] !== undefined
  const add = !named && info.accuracy !== undefined && !compare.metrics.includes(info.accuracy)
  return {
    ...sweep,
    scenarios: withTypedFiles({ ...sweep, scenarios }, info, locate),
    compare: add ? { ...compare, metrics: [...compare.metrics, info.accuracy!] } : compare,
  }
}

/** Checks every scenario's parameters and fills in the defaults of those not given. */
export function checkParams(
  { scenarios, workload }: Pick<Sweep, 'scenarios' | 'workload'>,
  info: WorkloadInfo,
  locate: Locate,
): { scenarios: Scenario[]; findings: Finding[] } {
  const keyOf = (name: string) => keyOfParam(name, workload)
  const known = info.params
  if (known === null) return { scenarios: [...scenarios], findings: [] }
  const given = new Map<string, Set<Scalar>>()
  for (const { params } of scenarios) {
    for (const [name, value] of Object.entries(params)) {
      const values = given.get(name) ?? new Set()
      given.set(name, values.add(value))
    }
  }
  const findings = [...given].flatMap(([name, values]) => {
    const param = Object.hasOwn(known, name) ? known[name]! : null
    if (param === null) return [unknownParam(name, workload, info, locate(keyOf(name)))]
    return [...values].flatMap((value) => {
      const expected = refusal(value, param)
      if (expected === null) return []
      const what = `got ${shown(value)}, expected ${expected}`
      return [{ ...locate(keyOf(name), value), what, hint: describe(name, param) }]
    })
  })
  const defaults = Object.entries(known).map(([name, param]) => ({
    name,
    key: keyOf(name),
    value: param.default,
  }))
  return { scenarios: scenarios.map((scenario) => withDefaults(scenario, defaults)), findings }
}

function withDefaults(
  scenario: Scenario,
  defaults: readonly { name: string; key: string; value: Scalar }[],
): Scenario {
  const missing = defaults.filter(({ name }) => !Object.hasOwn(scenario.params, name))
  return {
    ...scenario,
    params: {
      ...scenario.params,
      ...Object.fromEntries(missing.map(({ name, value }) => [name, value])),
    },
    point: { ...scenario.point, ...Object.fromEntries(missing.map(({ key, value }) => [key, value])) },
  }
}

function unknownParam(name: string, workload: WorkloadSource, info: WorkloadInfo, located: Located): Finding {
  const known = Object.keys(info.params ?? {})
  const what = `unknown parameter of workload "${info.name}"${didYouMean(name, known)}`
  const reference = workload === BUILT_IN ? PIPELINE_LISTED : null
  const hint =
    known.length === 0 ? 'this workload takes no parameters' : namesHint('parameters', name, known, reference)
  return { ...located, what, hint }
}

const TYPE_WORDS: Record<ParamInfo['type'], string> = {
  number: 'a number',
  integer: 'a whole number',
  string: 'a text',
  boolean: 'true or false',
}

function hasType(value: Scalar, type: ParamInfo['type']): boolean {
  if (type === 'integer') return Number.isSafeInteger(value)
  if (type === 'number') return Number.isFinite(value)
  return typeof value === type
}

/** What was expected instead of `value`; null where it is fine. Null is a value where it is the default. */
function refusal(value: Scalar, param: ParamInfo): string | null {
  if (value === null && param.default === null) return null
  const { type, values, minimum, maximum } = param
  if (values !== undefined && !values.includes(value)) {
    const texts = values.filter((one) => typeof one === 'string')
    const all = values.map((one) => String(one)).join(', ')
    return `one of ${all}${typeof value === 'string' ? didYouMean(value, texts) : ''}`
  }
  const within =
    typeof value !== 'number' || (value >= (minimum ?? -Infinity) && value <= (maximum ?? Infinity))
  if (hasType(value, type) && within) return null
  const low = minimum === undefined ? '' : `, ${minimum} or more`
  const high = maximum === undefined ? '' : `, ${maximum} or less`
  return `${TYPE_WORDS[type]}${low}${high}${param.default === null ? ', or null' : ''}`
}

const describe = (name: string, { description, default: value }: ParamInfo): string =>
  `${name}: ${description} (default ${value})`

function datasetFindings(sweep: Sweep, info: WorkloadInfo, locate: Locate): Finding[] {
  const without = sweep.scenarios.some((scenario) => scenario.dataset === null)
  const having = sweep.scenarios.some((scenario) => scenario.dataset !== null)
  if (info.dataset === 'required' && without) {
    const hint = 'give one: dataset: { source: FILE.csv } or { generate: nba2k, rows: 20000 }'
    return [{ ...locate('dataset'), what: `workload "${info.name}" needs a dataset`, hint }]
  }
  if (info.dataset === 'none' && having) {
    const what = `workload "${info.name}" takes no dataset`
    return [{ ...locate('dataset'), what, hint: 'remove it from the sweep' }]
  }
  return []
}

function metricFindings(sweep: Sweep, info: WorkloadInfo, locate: Locate): Finding[] {
  const table = metricTable(info.metrics)
  // What a workload without describe() returns is seen when it does.
  const undescribed = info.params === null && Object.keys(info.metrics).length === 0
  const named = [
    ...(undescribed
      ? []
      : sweep.compare.metrics.map((name) => [name, locate('compare.metrics', name)] as const)),
    ...(undescribed || sweep.goal === null
      ? []
      : goalMetrics(sweep.goal, sweep.source.document).map(
          ({ name, key, text }) => [name, locate(key, text)] as const,
        )),
    ...Object.keys(sweep.gate.margins).map((name) => [name, locate(`gate.margins.${name}`)] as const),
    ...(sweep.until ? [[sweep.until.metric, locate('benchmark_runs.until.metric')] as const] : []),
  ]
  return named.flatMap(([name, place]): Finding[] => {
    if (table.has(name)) return []
    const what = `no metric called "${name}"${didYouMean(name, table.keys())}`
    const known = namesHint('metrics', name, table.keys(), METRICS_LISTED)
    const hint = undescribed
      ? `${known}; one of the workload's own must be declared by its describe()`
      : known
    return [{ ...place, what, hint }]
  })
}
