/** Hardware profiles: those shipped in `configs/`, and a user's own files. */
import { existsSync, readdirSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { z } from 'zod'
import type { Watts } from '../../workers/protocol/trial-spec.ts'
import type { Scalar } from '../../workers/workload.ts'
import { didYouMean } from '../nearest.ts'
import { packageFolder } from '../package-folder.ts'
import { readYamlFile } from './document.ts'
import type { Folders } from './paths.ts'
import { occurrences, Places } from './places.ts'
import { dotted, type Finding, SweepError } from './problems.ts'
import { REALTIME_SETTINGS } from './realtime.ts'
import { PIPELINE_SETTINGS, SCENARIO_SETTINGS, type Setting, settings } from './settings.ts'
import type { RelativeTo } from './types.ts'
import { check } from './validate.ts'

export interface Profile {
  /** As a sweep names it. */
  name: string
  description: string
  /** Settings that it gives; the rest is as the sweep says. */
  settings: Record<string, Scalar>
  /** For an estimate of energy; null where the profile gives none. */
  watts: Watts | null
  /** Score of one core by the calibration kernel; null where it is not known. */
  kernel_ops_s: number | null
  /** Absolute path of its file. */
  path: string
}

/** A seed and a load are a matter of the sweep, not of the hardware. */
const PROFILE_SETTINGS = SCENARIO_SETTINGS.filter(
  (name) => name !== 'random_seed' && !REALTIME_SETTINGS.includes(name),
)

function configsFolder(): string {
  return join(packageFolder(), 'configs')
}

/** Names of the shipped profiles, sorted. */
function profileNames(): string[] {
  return readdirSync(configsFolder())
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .sort()
}

/**
 * The shipped profiles, sorted by name. Their compute shares are not held against this machine's cores.
 * @throws {SweepError} where a file is broken
 */
export function listProfiles(): Profile[] {
  return profileNames().map((name) => readProfile(name, join(configsFolder(), `${name}.yaml`), null))
}

/** Whether a sweep's word for a profile is a path and not a shipped profile's name. */
const isPath = (name: string): boolean => /[\\/]|\.ya?ml$/.test(name)

/**
 * The profile that a sweep calls `name`: a shipped one, or a path taken from `folder`.
 * @throws {SweepError} where its file is broken
 * @returns a text that says what is wrong with the name itself, where there is no such profile
 */
function findProfile(name: string, folder: string, cores: number | null): Profile | string {
  if (isPath(name)) {
    const path = resolve(folder, name)
    return existsSync(path) ? readProfile(name, path, cores) : `no such file: ${path}`
  }
  const names = profileNames()
  if (names.includes(name)) return readProfile(name, join(configsFolder(), `${name}.yaml`), cores)
  return `no such profile${didYouMean(name, names)}`
}

interface ReadOptions {
  places: Places
  folders: Folders
  cores: number
  /** Gets what is wrong. */
  findings: Finding[]
}

/** The profile that a sweep names in `relative_to`; null for none, and where a finding says what is wrong. */
export function readReference(name: unknown, options: ReadOptions): RelativeTo | null {
  if (typeof name !== 'string') return null
  const { places, folders, cores, findings } = options
  const place = places.value(['relative_to'])
  const found = findProfile(name, place.option === undefined ? folders.sweep : folders.current, cores)
  if (typeof found !== 'string' && found.kernel_ops_s !== null) {
    return { profile: found.name, kernel_ops_s: found.kernel_ops_s }
  }
  const what = typeof found === 'string' ? found : `profile ${name} has no kernel_ops_s`
  const hint = 'run "stint doctor" on that machine and write the score into a profile: kernel_ops_s: 1.2e9'
  findings.push({ place, key: 'relative_to', what, hint })
  return null
}

/**
 * The profile that an option of a command names, as a sweep would; a path is taken from the working folder.
 * @throws {SweepError} where there is none, or its file is broken
 */
export function profileOf(name: string, option: string, cores: number): Profile {
  const found = findProfile(name, process.cwd(), cores)
  if (typeof found !== 'string') return found
  throw new SweepError([{ place: { option }, key: null, what: found, hint: knownProfiles() }])
}

const knownProfiles = (): string =>
  `shipped profiles: ${profileNames().join(', ')}; a path to a file of your own ends in .yaml`

/** Every profile that a sweep names in `profiles` or an `include`, by the name that it uses. */
export function readProfiles(data: unknown, options: ReadOptions): Map<string, Profile> {
  const { places, folders, cores, findings } = options
  const profiles = new Map<string, Profile>()
  for (const { path, value } of occurrences(data, 'profile')) {
    if (typeof value !== 'string' || profiles.has(value)) continue
    const place = places.value(path)
    try {
      const found = findProfile(value, place.option === undefined ? folders.sweep : folders.current, cores)
      if (typeof found === 'string') {
        findings.push({ place, key: dotted(path), what: found, hint: knownProfiles() })
      } else profiles.set(value, found)
    } catch (error) {
      if (!(error instanceof SweepError)) throw error
      findings.push(...error.findings)
    }
  }
  return profiles
}

const opsWords = 'operations a second, as stint doctor prints them'
const wattWords = 'a power in W, 0 to 10000'
const watt = z.number({ error: wattWords }).min(0, { error: wattWords }).max(10_000, { error: wattWords })

/** The workload judges the values of its parameters. */
const scalarType = z.union([z.string(), z.number(), z.boolean(), z.null()], {
  error: 'a text, a number, true, false or null',
})

function readProfile(name: string, path: string, cores: number | null): Profile {
  const table: Record<string, Setting> = settings(cores)
  const file = readYamlFile(path)
  const schema = z.strictObject(
    {
      description: z.string({ error: 'a line that says what hardware this is' }),
      watts: z
        .strictObject({ idle: watt, per_core: watt }, { error: 'a mapping { idle: W, per_core: W }' })
        .optional(),
      kernel_ops_s: z.number({ error: opsWords }).positive({ error: opsWords }).optional(),
      ...Object.fromEntries(PROFILE_SETTINGS.map((key) => [key, table[key]!.type.optional()])),
      ...Object.fromEntries(PIPELINE_SETTINGS.map((key) => [key, scalarType.optional()])),
    },
    { error: 'a mapping of settings' },
  )
  const places = new Places(file.data, file.positions, path)
  const findings: Finding[] =
    file.findings.length > 0
      ? file.findings
      : check(schema, file.data, places, (at) =>
          at[0] === 'watts'
            ? ['idle', 'per_core']
            : ['description', 'watts', 'kernel_ops_s', ...PROFILE_SETTINGS, ...PIPELINE_SETTINGS],
        )
  if (findings.length > 0) throw new SweepError(findings)
  const { description, watts, kernel_ops_s, ...given } = file.data as Record<string, Scalar> & {
    watts?: Watts
    kernel_ops_s?: number
  }
  return {
    name,
    description: String(description),
    settings: given,
    watts: watts ?? null,
    kernel_ops_s: kernel_ops_s ?? null,
    path,
  }
}
