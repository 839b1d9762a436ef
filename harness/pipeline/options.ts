/** What `stint pipeline` runs with: flags before template before hardware profile before defaults. */
import { isAbsolute, normalize, sep } from 'node:path'
import { z } from 'zod'
import type { Watts } from '../../workers/protocol/trial-spec.ts'
import type { Scalar } from '../../workers/workload.ts'
import { didYouMean, namesHint } from '../nearest.ts'
import { isMapping, pathKey, readYamlFile } from '../sweep/document.ts'
import { wholeNumber } from '../sweep/numbers.ts'
import { type Finding, type Place, refuse, shown } from '../sweep/problems.ts'
import type { Profile } from '../sweep/profiles.ts'
import { trialCount } from '../sweep/rounds.ts'
import { type Setting, settings } from '../sweep/settings.ts'

export type Origin = 'flag' | 'template' | 'profile' | 'default'

/** Settings by the names that templates use. */
export interface PipelineSettings {
  random_seed: number
  chunk_size: number
  batch_size: number
  n_jobs: number
  max_memory_mb: number | null
  max_compute_units: number | null
  benchmark_runs: number
  adaptive_chunk_resize: boolean
  max_chunk_retries: number
  target_latency_ms: number | null
  adaptive_batch_resize: boolean
  spill_to_disk: boolean
  output_dir: string
}

export type PipelineKey = keyof PipelineSettings

export interface PipelineOptions {
  settings: PipelineSettings
  /** Where each setting comes from. */
  origins: Record<PipelineKey, Origin>
  /** As given; null for none. */
  template: string | null
  /** Its watts make an estimate of energy where no counter can be read; null for no profile. */
  profile: { name: string; path: string; watts: Watts | null } | null
}

export const PIPELINE_DEFAULTS: PipelineSettings = {
  random_seed: 42,
  chunk_size: 128,
  batch_size: 256,
  n_jobs: 1,
  max_memory_mb: 1024,
  max_compute_units: 1,
  benchmark_runs: 5,
  adaptive_chunk_resize: true,
  max_chunk_retries: 3,
  target_latency_ms: null,
  adaptive_batch_resize: false,
  spill_to_disk: false,
  output_dir: 'artifacts',
}

const flag = z.boolean({ error: 'true or false' })
/** A chunk that is halved so often has one row. */
const MAX_RETRIES = 30

const KEYS = Object.keys(PIPELINE_DEFAULTS) as PipelineKey[]

interface Given {
  value: Scalar
  origin: Origin
  place: Place
}

/**
 * @param flags only those that were given, by setting
 * @param profile of which the settings that this command has are taken; mode and warm-up are the command's own
 * @param cores of this machine, which bound `max_compute_units`
 * @throws {SweepError} with all that is wrong with flags and template
 */
export function pipelineOptions(
  flags: Partial<PipelineSettings>,
  template: string | null,
  profile: Profile | null,
  cores: number,
): PipelineOptions {
  const findings: Finding[] = []
  const fromTemplate = template === null ? new Map<PipelineKey, Given>() : readTemplate(template, findings)
  const types = typesFor(cores)
  const merged: Record<string, Scalar> = Object.create(null)
  const origins: Record<string, Origin> = Object.create(null)
  for (const key of KEYS) {
    const flag = flags[key]
    const given: Given =
      flag !== undefined
        ? { value: flag, origin: 'flag', place: { option: flagName(key) } }
        : (fromTemplate.get(key) ?? withoutTemplate(key, profile))
    merged[key] = given.value
    origins[key] = given.origin
    // A profile was validated when it was read.
    if (given.origin === 'flag' || given.origin === 'template')
      findings.push(...problemsOf(key, given, types[key]))
  }
  if (merged['target_latency_ms'] !== null && merged['adaptive_chunk_resize'] === false) {
    const hint = 'leave --disable-adaptive-chunk-resize out, or the target'
    const what = 'needs an adaptive chunk size: nothing else holds a latency'
    findings.push({ place: { option: flagName('target_latency_ms') }, key: null, what, hint })
  }
  refuse(findings)
  return {
    // Every value was held against its type.
    settings: merged as unknown as PipelineSettings,
    origins: origins as Record<PipelineKey, Origin>,
    template,
    profile: profile && { name: profile.name, path: profile.path, watts: profile.watts },
  }
}

function withoutTemplate(key: PipelineKey, profile: Profile | null): Given {
  const place = { option: flagName(key) }
  return profile !== null && Object.hasOwn(profile.settings, key)
    ? { value: profile.settings[key]!, origin: 'profile', place }
    : { value: PIPELINE_DEFAULTS[key], origin: 'default', place }
}

/** `chunk_size` -> `--chunk-size`. */
function flagName(key: PipelineKey): string {
  return key === 'adaptive_chunk_resize' ? '--disable-adaptive-chunk-resize' : `--${key.replaceAll('_', '-')}`
}

function typesFor(cores: number): Record<PipelineKey, z.ZodType> {
  const table: Record<string, Setting> = settings(cores)
  const own: Partial<Record<PipelineKey, z.ZodType>> = {
    output_dir: z.string({ error: 'a path to a folder' }).min(1, { error: 'a path to a folder' }),
    benchmark_runs: trialCount(),
    adaptive_chunk_resize: flag,
    max_chunk_retries: wholeNumber(0, MAX_RETRIES),
    target_latency_ms: z.union([z.number().gt(0), z.null()], {
      error: 'a number of ms above 0, or null for none',
    }),
    adaptive_batch_resize: flag,
    spill_to_disk: flag,
  }
  return Object.fromEntries(KEYS.map((key) => [key, own[key] ?? table[key]!.type])) as Record<
    PipelineKey,
    z.ZodType
  >
}

/** A template may come from anyone. */
function leadsOut(folder: string): boolean {
  return isAbsolute(folder) || normalize(folder).split(sep)[0] === '..'
}

function problemsOf(key: PipelineKey, { value, place }: Given, type: z.ZodType): Finding[] {
  const result = type.safeParse(value)
  if (result.success && key === 'output_dir' && place.option === undefined && leadsOut(String(value))) {
    const what = `got ${shown(value)}, which leads out of the working folder, and a template may write nowhere else`
    return [{ place, key, what, hint: 'give a relative path without "..", or type it: --output-dir FOLDER' }]
  }
  if (result.success) return []
  const expected = result.error.issues[0]?.message ?? 'another value'
  const inFile = place.option === undefined
  return [{ place, key: inFile ? key : null, what: `got ${shown(value)}, expected ${expected}` }]
}

/** JSON is YAML, whose reader tells where each key stands. */
function readTemplate(path: string, findings: Finding[]): Map<PipelineKey, Given> {
  const { data, positions, findings: unreadable } = readYamlFile(path)
  refuse(unreadable)
  if (!isMapping(data)) {
    const place = { file: path, line: 1, column: 1 }
    const what = 'expected a JSON object of settings, such as { "chunk_size": 64 }'
    refuse([{ place, key: null, what, hint: 'configs/pipeline.edge.template.json is one' }])
    return new Map()
  }
  const given = new Map<PipelineKey, Given>()
  for (const [key, value] of Object.entries(data)) {
    const at = positions.get(pathKey([key]))
    const start = { file: path, line: 1, column: 1 }
    if (!KEYS.includes(key as PipelineKey)) {
      const what = `unknown key${didYouMean(key, KEYS)}`
      findings.push({
        place: at?.key ?? start,
        key,
        what,
        hint: namesHint('keys of a template', key, KEYS, '"stint pipeline --help" describes all'),
      })
    } else {
      given.set(key as PipelineKey, {
        value: value as Scalar,
        origin: 'template',
        place: at?.value ?? start,
      })
    }
  }
  return given
}
