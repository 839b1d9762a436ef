/** Restores any detector from its state. */
import { Adwin } from './adwin.ts'
import { CategoricalDrift } from './categorical.ts'
import type { DetectorState, DriftDetector } from './detector.ts'
import { KolmogorovSmirnov } from './kolmogorov-smirnov.ts'
import { PageHinkley } from './page-hinkley.ts'

const RESTORE: Record<string, (state: DetectorState) => DriftDetector> = {
  adwin: Adwin.fromJSON,
  page_hinkley: PageHinkley.fromJSON,
  kolmogorov_smirnov: KolmogorovSmirnov.fromJSON,
  categorical: CategoricalDrift.fromJSON,
}

/** @throws {TypeError} where no detector wrote the state */
export function detectorFromJSON(state: DetectorState): DriftDetector {
  const restore = Object.hasOwn(RESTORE, state.detector) ? RESTORE[state.detector] : undefined
  if (restore === undefined) throw new TypeError(`state of an unknown drift detector "${state.detector}"`)
  return restore(state)
}
