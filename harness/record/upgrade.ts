/**
 * What older versions of stint wrote, as the newest one would have written it: one step a format, from plain data to
 * plain data. Nothing is checked here; the schema of the newest format follows.
 */
import type { PassedOver } from '../../workers/protocol/trial-result.ts'

export type Plain = Record<string, unknown>

export function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * In format 1 a key that said nothing new was left out, what holds every trial stood beside the scenarios, and some
 * parameters of the built-in pipeline were settings of every workload.
 */
export function manifest1to2(manifest: Plain): Plain {
  return {
    skipped_trials: null,
    calibration: null,
    pipeline: null,
    ...manifest,
    format: 2,
    sweep: within(manifest['sweep'], sweep1to2),
    resumed: each(manifest['resumed'], (resumption) => ({
      ...resumption,
      changes: passedOver(resumption['changes']),
    })),
  }
}

/** Format 2 called the point of the grid flat. */
export function manifest2to3(manifest: Plain): Plain {
  const scenario2to3 = ({ flat, ...scenario }: Plain): Plain => ({ ...scenario, point: flat })
  const sweep2to3 = (sweep: Plain): Plain => ({ ...sweep, scenarios: each(sweep['scenarios'], scenario2to3) })
  return { ...manifest, format: 3, sweep: within(manifest['sweep'], sweep2to3) }
}

/** Baselines of the built-in pipeline in older runs, where only their names say so. */
export function withBaselines(manifest: Plain): Plain {
  return { ...manifest, workload: within(manifest['workload'], workloadWithBaselines) }
}

function workloadWithBaselines(workload: Plain): Plain {
  const { name, metrics } = workload
  if (name !== 'pipeline' || !isPlain(metrics)) return workload
  const declared = Object.entries(metrics).map(([name, metric]) => {
    const [, baseline_of] = /^(\w+?)_(?:mean|last|majority)_baseline$/.exec(name) ?? []
    return [name, baseline_of === undefined ? metric : within(metric, (info) => ({ baseline_of, ...info }))]
  })
  return { ...workload, metrics: Object.fromEntries(declared) }
}

function sweep1to2(sweep: Plain): Plain {
  const { caps, memory_scope = 'workload', pin_core = null, ...others } = sweep
  const isPipeline = sweep['workload'] === 'pipeline'
  return {
    until: null,
    relative_to: null,
    ...others,
    scenarios: each(sweep['scenarios'], ({ warmup_chunks, timeout_s, ...scenario }) => {
      const held = { memory_scope, caps, pin_core, warmup_chunks, timeout_s }
      const { settings, params, flat } = scenario
      const own = isPipeline && isPlain(settings) ? only(settings, PIPELINE_PARAMS) : {}
      return {
        runs: null,
        watts: null,
        ...scenario,
        settings: within(settings, (given) => ({ ...without(given, PIPELINE_PARAMS), ...held })),
        params: within(params, (given) => ({ ...own, ...given })),
        flat: within(flat, (given) => ({
          ...(isPipeline ? given : without(given, PIPELINE_PARAMS)),
          ...held,
        })),
      }
    }),
    compare: within(sweep['compare'], (compare) => ({ unpaired_expected: false, ...compare })),
  }
}

const PIPELINE_PARAMS = [
  'adaptive_chunk_resize',
  'max_chunk_retries',
  'target_latency_ms',
  'adaptive_batch_resize',
  'spill_to_disk',
]

function only(values: Plain, names: readonly string[]): Plain {
  return Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)))
}

function without(values: Plain, names: readonly string[]): Plain {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name)))
}

/** Format 1 had the same fields for every outcome, and called the caps in force what was requested. */
export function trial1to2(trial: Plain): Plain {
  const { params, outcome, metrics, energy, info, error, ...others } = trial
  const settings = isPlain(params) ? params : {}
  const common: Plain = {
    notes: [],
    ...others,
    outcome,
    caps: within(trial['caps'], ({ memory, compute }) => ({
      memory: within(memory, memoryCap1to2),
      compute: within(compute, (cap) => computeCap1to2(cap, settings)),
    })),
    noise: within(trial['noise'], (noise) => ({
      steal_share: null,
      others_cores: null,
      pressure_share: null,
      frequency_mhz: null,
      frequency_change: null,
      disturbed: null,
      ...noise,
    })),
    resumed_under: passedOver(isPlain(info) ? info['resumed_under'] : undefined),
  }
  if (outcome !== 'ok') return { ...common, error: within(error ?? NOT_SAID, withAllFields) }
  const { resumed_under: _, ...told } = isPlain(info) ? info : {}
  return { ...common, metrics, energy, info: told }
}

/** Format 2 called the idle worker empty. */
export function trial2to3(trial: Plain): Plain {
  const memory2to3 = ({ peak_above_empty_mb, ...memory }: Plain): Plain => ({
    ...memory,
    peak_above_idle_mb: peak_above_empty_mb,
  })
  const caps2to3 = (caps: Plain): Plain => ({ ...caps, memory: within(caps['memory'], memory2to3) })
  return { ...trial, caps: within(trial['caps'], caps2to3) }
}

const NOT_SAID = { name: 'Error', message: 'no reason was recorded' }

function withAllFields(error: Plain): Plain {
  return { stack: null, exit: null, ...error }
}

/** Format 1 called the supervisor another name. */
const MECHANISMS: Plain = { governor_rss: 'supervisor_rss' }

function memoryCap1to2({ requested_mb, mechanisms, ...others }: Plain): Plain {
  const scope = others['scope'] ?? 'workload'
  const in_force_mb = scope === 'workload' ? requested_mb : null
  return {
    asked_mb: requested_mb,
    in_force_mb,
    mechanisms: Array.isArray(mechanisms)
      ? mechanisms.map((name: unknown) => MECHANISMS[String(name)] ?? name)
      : mechanisms,
    peak_above_empty_mb: null,
    note: null,
    ...others,
    scope,
  }
}

function computeCap1to2({ requested, ...others }: Plain, settings: Plain): Plain {
  const scaled = typeof settings['max_compute_units'] === 'number'
  return {
    // What was requested had been scaled to the machine.
    asked: scaled ? settings['max_compute_units'] : requested,
    in_force: others['enforced'] === true ? requested : null,
    pinned_core: null,
    note: null,
    ...others,
  }
}

/** Only words in format 1. */
function passedOver(changes: unknown): PassedOver[] {
  if (!Array.isArray(changes)) return []
  return changes.map((change) => ({ kind: kindOf(String(change)), what: String(change) }))
}

const KINDS: [RegExp, PassedOver['kind']][] = [
  [/^the version of stint /, 'stint'],
  [/^the content of /, 'data'],
  [/^the code of workload /, 'workload'],
  [/^the version of Node /, 'node'],
  [/^the (?:system|kernel) /, 'system'],
]

function kindOf(words: string): PassedOver['kind'] {
  return KINDS.find(([pattern]) => pattern.test(words))?.[1] ?? 'machine'
}

/** What is no object is left to the schema to refuse. */
function within(value: unknown, upgrade: (value: Plain) => Plain): unknown {
  return isPlain(value) ? upgrade(value) : value
}

function each(value: unknown, upgrade: (value: Plain) => Plain): unknown {
  return Array.isArray(value) ? value.map((one) => within(one, upgrade)) : value
}
