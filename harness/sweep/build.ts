/** From a validated sweep to its scenarios. */
import type { Scalar } from '../../workers/workload.ts'
import { wholeNumber } from '../format.ts'
import { didYouMean } from '../nearest.ts'
import { Datasets, datasetPoint } from './dataset.ts'
import { type Axis, type Expansion, expand, gridSize, type Point } from './expand.ts'
import { scenarioId, scenarioLabel } from './identity.ts'
import { shareOf } from './numbers.ts'
import type { Overridden } from './overrides.ts'
import type { Folders } from './paths.ts'
import type { Places } from './places.ts'
import { dotted, type Finding, type Path, refuse, shown } from './problems.ts'
import type { Profile } from './profiles.ts'
import { realtimeFindings } from './realtime.ts'
import type { SweepInput } from './schema.ts'
import {
  COMPARE_DEFAULTS,
  GATE_DEFAULTS,
  PIPELINE_SETTINGS,
  SCENARIO_SETTINGS,
  SETTING_DEFAULTS,
  SETTING_GROUPS,
} from './settings.ts'
import type { CompareSettings, GateSettings, Scenario, ScenarioSettings, Sweep } from './types.ts'

/** More points than this are a slip in the grid. */
const MAX_SCENARIOS = 200_000

interface BuildOptions {
  places: Places
  folders: Folders
  overridden: Overridden
  profiles: ReadonlyMap<string, Profile>
  /** Whether the workload is the built-in pipeline, whose parameters may stand at the top. */
  isPipeline: boolean
}

/** @throws {SweepError} where the parts of the sweep do not fit together */
export function buildScenarios(
  input: SweepInput,
  { places, folders, overridden, profiles, isPipeline }: BuildOptions,
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
  const usesMachines = [...(input.include ?? []), ...gridAxes.map(({ key }) => ({ [key]: true }))].some(
    (entry) => Object.hasOwn(entry, 'machine'),
  )
  const base = baseOf(input, { profile: usesProfiles, machine: usesMachines })
  const fixed = Object.fromEntries(
    [...overridden.fixed].filter((key) => Object.hasOwn(base, key)).map((key) => [key, base[key]!]),
  )
  const expansion = expand({
    base,
    axes: gridAxes,
    profiles: new Map([...profiles].map(([name, profile]) => [name, settingsFrom(profile, isPipeline)])),
    include,
    exclude: input.exclude ?? [],
    fixed,
  })
  const axes = variedKeys(gridAxes, include, fixed)
  const datasets = new Datasets(places, folders)
  const identified = expansion.points.map(({ point, include: entry }) => ({
    id: scenarioId(point, axes),
    point,
    entry,
  }))
  const findings = [
    ...unusedExcludes(input, expansion, overridden, places),
    ...(identified.length === 0 ? [nothingLeft(places)] : []),
    ...repeatedIncludes(identified, overridden, places),
  ]
  const distinct = [...new Map(identified.map((point) => [point.id, point])).values()]
  const scenarios = distinct.map(
    ({ id, point }): Scenario => ({
      id,
      label: scenarioLabel(point, axes, input.name),
      point,
      settings: settingsOf(point),
      params: paramsOf(point),
      dataset: datasets.spec(point),
      runs: null,
      watts: profiles.get(String(point['profile']))?.watts ?? null,
    }),
  )
  refuse([...findings, ...datasets.findings, ...realtimeFindings(scenarios, isPipeline, places.locate)])
  return { scenarios, axes }
}

/** `machines`, `profiles` and the grid's axes, in this order. */
function axesOf(input: SweepInput): Axis[] {
  const grid = Object.entries(input.grid ?? {}).map(([key, values]): Axis => ({ key, values }))
  return [
    ...(input.machines === undefined ? [] : [{ key: 'machine', values: input.machines }]),
    ...(input.profiles === undefined ? [] : [{ key: 'profile', values: input.profiles }]),
    ...grid,
  ]
}

function baseOf(input: SweepInput, uses: { profile: boolean; machine: boolean }): Point {
  const top = { ...(input as unknown as Record<string, Scalar | undefined>) }
  for (const group of Object.keys(SETTING_GROUPS)) {
    const given = (input as unknown as Record<string, Point | undefined>)[group] ?? {}
    for (const [name, value] of Object.entries(given)) top[`${group}.${name}`] = value
  }
  const base: Point = {}
  for (const name of SCENARIO_SETTINGS)
    base[name] = Object.hasOwn(top, name) ? top[name]! : SETTING_DEFAULTS[name]!
  for (const name of PIPELINE_SETTINGS) if (Object.hasOwn(top, name)) base[name] = top[name]!
  if (uses.profile) base['profile'] = null
  if (uses.machine) base['machine'] = null
  Object.assign(base, datasetPoint(input.dataset ?? {}))
  for (const [name, value] of Object.entries(input.params ?? {})) base[`params.${name}`] = value
  return base
}

/** Keys that vary: the axes, then what the includes add; not what the command line holds fast. */
function variedKeys(gridAxes: readonly Axis[], include: readonly Point[], fixed: Point): string[] {
  const keys = [...gridAxes.map((axis) => axis.key), ...include.flatMap((entry) => Object.keys(entry))]
  return [...new Set(keys)].filter((key) => !Object.hasOwn(fixed, key))
}

/** What a profile gives; parameters of the pipeline are not for other workloads. */
function settingsFrom({ settings }: Profile, isPipeline: boolean): Point {
  const given = Object.entries(settings).filter(([name]) => isPipeline || !PIPELINE_SETTINGS.includes(name))
  return Object.fromEntries(given)
}

function settingsOf(point: Point): ScenarioSettings {
  // Each value passed its type in the table of settings.
  return Object.fromEntries(
    SCENARIO_SETTINGS.map((name) => [name, point[name]]),
  ) as unknown as ScenarioSettings
}

const PARAMS = 'params.'

function paramsOf(point: Point): Record<string, Scalar> {
  return Object.fromEntries(
    Object.entries(point).flatMap(([key, value]): [string, Scalar][] => {
      if (PIPELINE_SETTINGS.includes(key)) return [[key, value]]
      return key.startsWith(PARAMS) ? [[key.slice(PARAMS.length), value]] : []
    }),
  )
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

// ---------------------------------------------------------------- comparison
// Which scenarios are compared with which, and what a gate holds a new version to.

/** `compare` of the sweep with its defaults. */
export function compareSettings({ compare = {} }: SweepInput): CompareSettings {
  return {
    reference: compare.reference ?? null,
    metrics: compare.metrics ?? [...COMPARE_DEFAULTS.metrics],
    alpha: compare.alpha ?? COMPARE_DEFAULTS.alpha,
    correction: compare.correction ?? COMPARE_DEFAULTS.correction,
    margin: shareOf(compare.margin ?? COMPARE_DEFAULTS.margin),
    unpaired_expected: false,
  }
}

/** `gate` of the sweep with its defaults. */
export function gateSettings({ gate = {} }: SweepInput): GateSettings {
  const margins = Object.entries(gate.margins ?? {}).map(([name, share]) => [name, shareOf(share)] as const)
  return {
    margins: Object.fromEntries(margins),
    metrics: gate.metrics ?? null,
    expect: gate.expect ?? [],
    accept: (gate.accept ?? []).map(({ scenario, to, ...rest }) => ({
      ...rest,
      scenario: scenario ?? null,
      to: shareOf(to),
    })),
    alpha: gate.alpha ?? GATE_DEFAULTS.alpha,
    build: gate.build ?? null,
    install: gate.install ?? null,
  }
}

/** Keys and values of `compare.reference` that no scenario has, unless the command line made them stale. */
export function referenceFindings(sweep: Sweep, places: Places, { touched }: Overridden): Finding[] {
  return Object.entries(sweep.compare.reference ?? {}).flatMap(([key, value]): Finding[] => {
    if (touched.has(key)) return []
    const path: Path = ['compare', 'reference', key]
    if (!sweep.axes.includes(key)) {
      const what = `is no axis of this sweep${didYouMean(key, sweep.axes)}`
      const hint = `axes: ${sweep.axes.length === 0 ? 'none; add some under `grid`' : sweep.axes.join(', ')}`
      return [{ place: places.key(path), key: dotted(path), what, hint }]
    }
    if (sweep.scenarios.some((scenario) => scenario.point[key] === value)) return []
    const values = [...new Set(sweep.scenarios.map((scenario) => shown(scenario.point[key])))]
    const what = `got ${shown(value)}, which no scenario has`
    return [
      { place: places.value(path), key: dotted(path), what, hint: `values of ${key}: ${values.join(', ')}` },
    ]
  })
}
