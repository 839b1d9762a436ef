/** Energy of the processor packages, from the kernel's RAPL counters. */

import { join } from 'node:path'
import { canTell, list, textOf } from './clock.ts'

const POWERCAP_ROOT = '/sys/class/powercap'
/** The kernel brings the counters up to date so often. */
const RESOLUTION_MS = 1
/** Only top-level domains: `intel-rapl:0:0` lies within `intel-rapl:0`, and the MMIO interface counts it again. */
const TOP_LEVEL = /^intel-rapl:\d+$/

interface Package {
  counter: string
  /** The counter starts again from 0 above this, uJ. */
  range: number
  startedAt: number
}

export interface Energy {
  joules: number | null
  source: 'rapl' | null
}

/**
 * Joules between construction and `stop()`, over all packages. Null where there is no RAPL or where any package
 * cannot be read (often only root may): part of the machine's energy would pass for the whole.
 * A counter that wraps once within the interval is corrected. Null as well where the interval is too short to tell.
 * @param root another powercap folder; by default `STINT_POWERCAP_ROOT` or the kernel's own
 */
export class EnergyMeter {
  private readonly packages: Package[] | null

  constructor(root: string = process.env['STINT_POWERCAP_ROOT'] ?? POWERCAP_ROOT) {
    this.packages = openPackages(root)
  }

  /** Whether the counters can be read. */
  get works(): boolean {
    return this.packages !== null
  }

  /** @param windowMs time since construction */
  stop(windowMs: number): Energy {
    if (this.packages === null) return { joules: null, source: null }
    if (!canTell(windowMs, RESOLUTION_MS)) return { joules: null, source: 'rapl' }
    try {
      let microjoules = 0
      for (const { counter, range, startedAt } of this.packages) {
        const used = readNumber(counter) - startedAt
        microjoules += used < 0 ? used + range : used
      }
      return { joules: microjoules / 1e6, source: 'rapl' }
    } catch {
      return { joules: null, source: null }
    }
  }
}

function openPackages(root: string): Package[] | null {
  try {
    const packages: Package[] = []
    for (const domain of list(root)) {
      if (!TOP_LEVEL.test(domain)) continue
      // `psys` is a top-level domain that contains the packages.
      if (!textOf(join(root, domain, 'name'))?.startsWith('package')) continue
      const counter = join(root, domain, 'energy_uj')
      const range = readNumber(join(root, domain, 'max_energy_range_uj'))
      packages.push({ counter, range, startedAt: readNumber(counter) })
    }
    return packages.length > 0 ? packages : null
  } catch {
    return null
  }
}

/** @throws where the file cannot be read or holds no number */
function readNumber(path: string): number {
  const text = textOf(path)?.trim() ?? ''
  const value = Number(text)
  // Number('') is 0.
  if (text === '' || !Number.isFinite(value)) throw new Error(`${path} holds no number`)
  return value
}
