/** From a validated sweep to its scenarios. */
import type { Scalar, WorkloadSettings } from '../../workers/contract.ts'
import { wholeNumber } from '../format.ts'
import { Datasets, flatDataset } from './dataset.ts'
import { type Axis, type Expansion, expand, type Flat, gridSize } from './expand.ts'
import { scenarioId, scenarioLabel } from './identity.ts'
import type { Overridden } from './overrides.ts'
import type { Folders } from './paths.ts'
import type { Places } from './places.ts'
import { dotted, type Finding, type Path, refuse } from './problems.ts'
import type { Profile } from './profiles.ts'
import type { SweepInput } from './schema.ts'
import { SCENARIO_SETTINGS, SETTING_DEFAULTS } from './settings.ts'
import type { Scenario } from './types.ts'

/** More points than this are a slip in the grid. */
const MAX_SCENARIOS = 200_000

interface BuildOptions {
  places: Places
  folders: Folders
  overridden: Overridden
  profiles: ReadonlyMap<string, Profile>
}

/** @throws {SweepError} where the parts of the sweep do not fit together */
export function buildScenarios(
  input: SweepInput,
  { places, folders, overridden, profiles }: BuildOptions,
): { scenarios: Scenario[]; axes: string[] } {
  const gridAxes = axesOf(input)
  const include = input.include ?? []
  const size = gridSize(gridAxes) + include.length
  if (size > MAX_SCENARIOS) {
    const what = `the grid has ${wholeNumber(size)} scenarios, expected at most ${wholeNumber(MAX_SCENARIOS)}`
    refuse([{ place: places.key(['grid']), key: 'grid', what, hint: 'remove values or split the sweep' }])
  }
  const usesProfiles =
    gridAxes.some((axis) => axis.key === 'profile') || include.some((entry) => 'profile' in entry)
  const base = baseOf(input, usesProfiles)
  const fixed = Object.fromEntries(
    [...overridden.fixed].filter((key) => key in base).map((key) => [key, base[key]!]),
  )
  const expansion = expand({
    base,
    axes: gridAxes,
    profiles: new Map([...profiles].map(([name, profile]) => [name, profile.settings])),
    include,
    exclude: input.exclude ?? [],
    fixed,
  })
  const axes = variedKeys(gridAxes, include, fixed)
  const datasets = new Datasets(places, folders)
  const timeout = input.timeout_s ?? (SETTING_DEFAULTS['timeout_s'] as number)
  const identified = expansion.points.map(({ flat, include: entry }) => ({
    id: scenarioId(flat, axes.includes('random_seed')),
    flat,
    entry,
  }))
  const findings = [
    ...unusedExcludes(input, expansion, overridden, places),
    ...(identified.length === 0 ? [nothingLeft(places)] : []),
    ...repeatedIncludes(identified, overridden, places),
    ...idleTargets(identified, places),
  ]
  const distinct = [...new Map(identified.map((point) => [point.id, point])).values()]
  const scenarios = distinct.map(
    ({ id, flat }): Scenario => ({
      id,
      label: scenarioLabel(flat, axes, input.name),
      flat,
      settings: settingsOf(flat),
      params: paramsOf(flat),
      dataset: datasets.spec(flat),
      warmup_chunks: flat['warmup_chunks'] as number,
      timeout_s: timeout,
      watts: profiles.get(String(flat['profile']))?.watts ?? null,
    }),
  )
  refuse([...findings, ...datasets.findings])
  return { scenarios, axes }
}

/** `profiles` and the grid's axes, in the order in which the sweep has them. */
function axesOf(input: SweepInput): Axis[] {
  const grid = Object.entries(input.grid ?? {}).map(([key, values]): Axis => ({ key, values }))
  return input.profiles === undefined ? grid : [{ key: 'profile', values: input.profiles }, ...grid]
}

function baseOf(input: SweepInput, usesProfiles: boolean): Flat {
  const top = input as unknown as Record<string, Scalar | undefined>
  const base: Flat = {}
  for (const name of SCENARIO_SETTINGS) base[name] = name in top ? top[name]! : SETTING_DEFAULTS[name]!
  if (usesProfiles) base['profile'] = null
  Object.assign(base, flatDataset(input.dataset ?? {}))
  for (const [name, value] of Object.entries(input.params ?? {})) base[`params.${name}`] = value
  return base
}

/** Keys that vary: the axes, then what the includes add; not what the command line holds fast. */
function variedKeys(gridAxes: readonly Axis[], include: readonly Flat[], fixed: Flat): string[] {
  const keys = [...gridAxes.map((axis) => axis.key), ...include.flatMap((entry) => Object.keys(entry))]
  return [...new Set(keys)].filter((key) => !(key in fixed))
}

function settingsOf(flat: Flat): WorkloadSettings {
  return {
    mode: flat['mode'] as WorkloadSettings['mode'],
    chunk_size: flat['chunk_size'] as number,
    batch_size: flat['batch_size'] as number,
    max_memory_mb: flat['max_memory_mb'] as number | null,
    max_compute_units: flat['max_compute_units'] as number | null,
    random_seed: flat['random_seed'] as number,
    adaptive_chunk_resize: flat['adaptive_chunk_resize'] as boolean,
    max_chunk_retries: flat['max_chunk_retries'] as number,
    target_latency_ms: flat['target_latency_ms'] as number | null,
    adaptive_batch_resize: flat['adaptive_batch_resize'] as boolean,
    spill_to_disk: flat['spill_to_disk'] as boolean,
  }
}

const PARAMS = 'params.'

function paramsOf(flat: Flat): Record<string, Scalar> {
  const entries = Object.entries(flat).filter(([key]) => key.startsWith(PARAMS))
  return Object.fromEntries(entries.map(([key, value]) => [key.slice(PARAMS.length), value]))
}

function unusedExcludes(
  input: SweepInput,
  { unusedExcludes }: Expansion,
  { touched }: Overridden,
  places: Places,
): Finding[] {
  return unusedExcludes
    .filter((index) => !Object.keys(input.exclude?.[index] ?? {}).some((key) => touched.has(key)))
    .map((index) => {
      const path: Path = ['exclude', index]
      const what = 'matches no scenario of the grid'
      return { place: places.value(path), key: dotted(path), what, hint: 'check its values against the axes' }
    })
}

function nothingLeft(places: Places): Finding {
  const hint = 'leave at least one combination, or add one under `include`'
  return { place: places.key(['exclude']), key: 'exclude', what: 'no scenario is left', hint }
}

/** Only chunks of adaptive size can hold a latency. */
function idleTargets(points: readonly { flat: Flat }[], places: Places): Finding[] {
  const idle = points.find(({ flat }) => flat['target_latency_ms'] !== null && !flat['adaptive_chunk_resize'])
  if (idle === undefined) return []
  const { place, key } = places.locate('target_latency_ms', idle.flat['target_latency_ms']!)
  const what = 'needs adaptive_chunk_resize: nothing else holds a latency'
  return [{ place, key, what, hint: 'add adaptive_chunk_resize: true' }]
}

/** Includes that are another scenario already; where --set made them so they are merged instead. */
function repeatedIncludes(
  points: readonly { id: string; entry: number | null }[],
  { touched }: Overridden,
  places: Places,
): Finding[] {
  const seen = new Map<string, number | null>()
  const findings: Finding[] = []
  for (const { id, entry } of points) {
    const first = seen.get(id)
    if (first === undefined) seen.set(id, entry)
    else if (entry !== null && touched.size === 0) {
      const path: Path = ['include', entry]
      const what = `is the same scenario as ${first === null ? 'one of the grid' : `include[${first}]`}`
      const hint = 'remove it; `benchmark_runs` says how often each scenario runs'
      findings.push({ place: places.value(path), key: dotted(path), what, hint })
    }
  }
  return findings
}
