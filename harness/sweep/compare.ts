/** Which scenarios are compared with which, and what a gate holds a new version to. */
import { didYouMean } from '../nearest.ts'
import type { Overridden } from './overrides.ts'
import type { Places } from './places.ts'
import { dotted, type Finding, type Path, shown } from './problems.ts'
import type { SweepInput } from './schema.ts'
import { COMPARE_DEFAULTS, GATE_DEFAULTS } from './settings.ts'
import { shareOf } from './share.ts'
import type { CompareSettings, GateSettings, Sweep } from './types.ts'

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
    if (sweep.scenarios.some((scenario) => scenario.flat[key] === value)) return []
    const values = [...new Set(sweep.scenarios.map((scenario) => shown(scenario.flat[key])))]
    const what = `got ${shown(value)}, which no scenario has`
    return [
      { place: places.value(path), key: dotted(path), what, hint: `values of ${key}: ${values.join(', ')}` },
    ]
  })
}
