/** Which detectors watch a stream, and how: the parameters of `drift`. */
import type { ParamInfo } from '../../workload.ts'

export const DETECTORS = ['adwin', 'page_hinkley', 'kolmogorov_smirnov', 'categorical'] as const

export type DetectorName = (typeof DETECTORS)[number]

export interface DriftOptions {
  detectors: readonly DetectorName[]
  /** ADWIN: bound on the chance of a false alarm at a test. */
  delta: number
  /** Page-Hinkley: the shift of a mean that does not matter, and the sum of deviations beyond it that does, in standard deviations. */
  shift: number
  threshold: number
  /** Kolmogorov-Smirnov and categories: values per window, and the chance of a false alarm at a test. */
  window: number
  alpha: number
  /** Rows of which one enters the windows of Kolmogorov-Smirnov, after the first 4,096. */
  stride: number
}

/**
 * A shift of half a standard deviation is found soon where half of it is allowed (Page 1954: the best allowance is half
 * the shift to be found), and a steady stream of a normal variate then alarms once in 10^7 rows.
 */
export const DRIFT_DEFAULTS: DriftOptions = {
  detectors: DETECTORS,
  delta: 0.002,
  shift: 0.25,
  threshold: 30,
  window: 256,
  alpha: 1e-5,
  stride: 16,
}

/**
 * Detectors by name from a list such as `adwin, kolmogorov_smirnov`.
 * @throws {Error} with `param`, where one is unknown or none is left
 */
export function detectorsOf(text: string): DetectorName[] {
  const names = text.split(',').map((name) => name.trim())
  const known = names.filter((name): name is DetectorName => (DETECTORS as readonly string[]).includes(name))
  if (known.length === names.length) return known
  const unknown = names.find((name) => !(DETECTORS as readonly string[]).includes(name))!
  const what = unknown === '' ? 'names no detector' : `names "${unknown}", which is no detector`
  throw Object.assign(
    new Error(`${what}: expected one or more of ${DETECTORS.join(', ')}, with commas between`),
    {
      param: 'drift_detectors',
    },
  )
}

export interface DriftParams {
  drift_detectors: string
  drift_delta: number
  drift_shift: number
  drift_threshold: number
  drift_window: number
  drift_alpha: number
  drift_stride: number
}

export const DRIFT_PARAMS: Record<keyof DriftParams, ParamInfo> = {
  drift_detectors: {
    type: 'string',
    default: DETECTORS.join(', '),
    description:
      'detectors that watch, with commas between: adwin (mean of target, error and features), page_hinkley (mean of target and error), kolmogorov_smirnov (distribution of target, error and features), categorical (mix of labels and categories)',
  },
  drift_delta: {
    type: 'number',
    default: DRIFT_DEFAULTS.delta,
    minimum: Number.MIN_VALUE,
    maximum: 0.5,
    description: 'adwin: bound on the chance of a false alarm at a test, of which there is one in 128 rows',
  },
  drift_shift: {
    type: 'number',
    default: DRIFT_DEFAULTS.shift,
    minimum: 0,
    description:
      'page_hinkley: shift of a mean that does not matter, in standard deviations of the stream; twice as much is found soonest',
  },
  drift_threshold: {
    type: 'number',
    default: DRIFT_DEFAULTS.threshold,
    minimum: Number.MIN_VALUE,
    description:
      'page_hinkley: sum of deviations beyond drift_shift that raises the alarm, in standard deviations',
  },
  drift_window: {
    type: 'integer',
    default: DRIFT_DEFAULTS.window,
    minimum: 2,
    maximum: 1_000_000,
    description:
      'kolmogorov_smirnov and categorical: values in the reference and in each window compared with it',
  },
  drift_alpha: {
    type: 'number',
    default: DRIFT_DEFAULTS.alpha,
    minimum: Number.MIN_VALUE,
    maximum: 0.5,
    description:
      'kolmogorov_smirnov and categorical: chance of a false alarm at a test, of which there is one a window',
  },
  drift_stride: {
    type: 'integer',
    default: DRIFT_DEFAULTS.stride,
    minimum: 1,
    description: 'kolmogorov_smirnov: after the first 4096 rows one row in so many enters its windows',
  },
}

/** @throws {Error} as `detectorsOf` */
export function driftOptions(params: DriftParams): DriftOptions {
  return {
    detectors: detectorsOf(params.drift_detectors),
    delta: params.drift_delta,
    shift: params.drift_shift,
    threshold: params.drift_threshold,
    window: params.drift_window,
    alpha: params.drift_alpha,
    stride: params.drift_stride,
  }
}
