/**
 * Whether an agent may run what came over the net: everything in a job is untrusted. What a trial gets is checked here
 * and then built anew from the parts that passed.
 */
import { z } from 'zod'
import type { DuetSpec } from '../../../workers/protocol/duet.ts'
import {
  MEMORY_SCOPES,
  MINIMUM_MEMORY_MB,
  type TrialSpec,
  type WorkloadRef,
} from '../../../workers/protocol/trial-spec.ts'
import { STINT_VERSION } from '../../package-folder.ts'
import type { FleetMachine } from '../../record/types.ts'
import { MOST_VARIABLES, VARIABLE_NAME, WITHHELD } from '../../sweep/env.ts'
import { HASH, type Job, KEY, LABEL } from './messages.ts'

/** The job is not run, and the coordinator is told why. */
export class Refused extends Error {
  override name = 'Refused'
}

const ID = /^[a-z0-9][A-Za-z0-9-]{0,79}$/
const ENDING = /^(?:\.[A-Za-z0-9]{1,10}){0,2}$/
const MOST_SPECS = 200_000
const DAY_S = 86_400

const id = z.string().regex(ID)
const hash = z.string().regex(HASH)
const number = z.number()
const positive = z.number().positive()
const count = z.int().nonnegative()
const scalar = z.union([z.string().max(100_000), number, z.boolean(), z.null()])

const workload = z.strictObject({
  kind: z.enum(['builtin', 'module', 'command']),
  name: z.string().max(200),
  sha256: z.union([hash, z.literal('builtin')]),
})

/** What of a data set says how it is read is checked by what reads it. */
const data = z.looseObject({
  rows: count,
  fingerprint: z.looseObject({ sha256: hash, bytes: count, rows: count }),
})

const spec = z.strictObject({
  trial: id,
  scenario: id,
  round: z.int().positive(),
  workload,
  params: z.record(z.string().max(200), scalar),
  settings: z.looseObject({ chunk_size: positive, batch_size: positive, random_seed: count }),
  data: data.nullable(),
  caps: z.strictObject({
    max_memory_mb: z.number().min(MINIMUM_MEMORY_MB).nullable(),
    memory_scope: z.enum(MEMORY_SCOPES),
    max_compute_units: z.number().min(0.01).max(4096).nullable(),
    pin_core: count.nullable(),
    policy: z.enum(['strict', 'best_effort']),
  }),
  driver: z.looseObject({ kind: z.string() }),
  warmup_chunks: count,
  deadline_s: positive.max(DAY_S),
  log_chunks: z.boolean(),
  // Stays off here: a profile does not travel.
  profiled: z.literal(false),
  watts: z.strictObject({ idle: number, per_core: number }).nullable(),
  env: z.array(z.string().regex(VARIABLE_NAME)).max(MOST_VARIABLES),
})

const job = z.strictObject({
  format: z.literal(1),
  stint: z.string().max(100),
  run: z.string().regex(LABEL),
  key: z.string().regex(KEY),
  again: count.default(0),
  relative_to: z.strictObject({ profile: z.string().max(4096), kernel_ops_s: positive }).nullable(),
  endings: z.record(hash, z.string().regex(ENDING)),
  work: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('round'), specs: z.array(spec).min(1).max(MOST_SPECS) }),
    z.strictObject({
      kind: z.literal('duet'),
      spec: z.strictObject({
        duet: id,
        sides: z.strictObject({ baseline: spec, candidate: spec }),
        first: z.enum(['baseline', 'candidate']),
      }),
    }),
  ]),
})

/**
 * @param sent what `unpack` made of a message: anything
 * @throws {Refused} saying what is wrong with it
 */
export function checkedJob(sent: unknown): Job {
  const version = (sent as { stint?: unknown } | null)?.stint
  if (typeof version === 'string' && version !== STINT_VERSION)
    throw new Refused(
      `it comes from Stint ${version.slice(0, 40)}, and this agent runs ${STINT_VERSION}: give both the same version`,
    )
  const checked = job.safeParse(sent)
  if (!checked.success) {
    const [issue] = checked.error.issues
    throw new Refused(`it is no job: ${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? ''}`)
  }
  const found = checked.data as unknown as Job
  for (const one of specsOf(found)) {
    const path = pathIn(one)
    if (path !== null) throw new Refused(`trial ${one.trial} names a file by ${path}, and no path travels`)
  }
  return found
}

export function specsOf({ work }: Pick<Job, 'work'>): TrialSpec[] {
  return work.kind === 'round' ? work.specs : [work.spec.sides.baseline, work.spec.sides.candidate]
}

const NAMES_A_FILE = /(?:^|_)(?:path|file|folder|dir|to|from)$/

/**
 * Which key of a spec names a file; null for none. A module of one's own may mean anything by its params, and runs only
 * where the agent allows it.
 */
export function pathIn({ workload, params, settings, data, driver }: TrialSpec): string | null {
  if (workload.kind === 'builtin')
    for (const [name, value] of Object.entries(params))
      if (typeof value === 'string' && (NAMES_A_FILE.test(name) || /^[~/\\]|\.\.[/\\]/.test(value)))
        return `params.${name}`
  for (const [part, values] of Object.entries({ settings, data, driver })) {
    const found = namedFile(values, part)
    if (found !== null) return found
  }
  return null
}

function namedFile(value: unknown, where: string): string | null {
  if (typeof value !== 'object' || value === null) return null
  for (const [name, inside] of Object.entries(value)) {
    if (typeof inside === 'string' && NAMES_A_FILE.test(name)) return `${where}.${name}`
    // Columns have names of their own.
    const found = name === 'columns' || name === 'schema' ? null : namedFile(inside, `${where}.${name}`)
    if (found !== null) return found
  }
  return null
}

/** Which workloads other than the built-in ones an agent runs: none, any, or these by hash. */
export type Allowed = 'none' | 'any' | ReadonlySet<string>

/** @throws {Refused} where this agent does not run the workload */
export function checkWorkload({ kind, name, sha256 }: WorkloadRef, allowed: Allowed, build: string): void {
  if (kind === 'builtin') {
    if (name === 'probe' && sha256 === 'builtin') return
    if (name !== 'pipeline') throw new Refused(`it has no built-in workload ${name}`)
    if (sha256 === build) return
    throw new Refused(
      `its Stint ${STINT_VERSION} is another build (${build.slice(0, 12)}) than the coordinator's (${sha256.slice(0, 12)}): install the same on both`,
    )
  }
  if (allowed === 'any' || (allowed !== 'none' && allowed.has(sha256))) return
  throw new Refused(
    `it does not run the workload ${name} (sha256 ${sha256}): its --allow-workloads names ${allowed === 'none' ? 'none' : 'other hashes'}`,
  )
}

/**
 * @param allowed names of variables that any sweep may have
 * @throws {Refused} where a trial asks for a variable of this machine that it may not see, or that is not set
 */
export function checkEnvironment(
  { env, trial }: TrialSpec,
  allowed: ReadonlySet<string>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): void {
  const withheld = env.filter((name) => !allowed.has(name) || WITHHELD.has(name))
  if (withheld.length > 0)
    throw new Refused(
      `trial ${trial} asks for the environment variable ${withheld.join(', ')}, which this agent does not hand over: start it with --allow-env ${withheld.join(',')}, or leave "env" out`,
    )
  const unset = env.filter((name) => environment[name] === undefined)
  if (unset.length > 0)
    throw new Refused(
      `trial ${trial} asks for the environment variable ${unset.join(', ')}, which is not set where this agent runs`,
    )
}

/**
 * The spec under the agent's own limits: what asks for none gets them.
 * @param scale cores of this machine for one compute unit
 * @throws {Refused} for a cap beyond them
 */
export function withinLimits(
  spec: TrialSpec,
  limits: FleetMachine['limits'],
  scale: number,
  cores: number,
): TrialSpec {
  const { caps } = spec
  const { max_memory_mb, max_cores } = limits
  if (max_memory_mb !== null && (caps.max_memory_mb ?? 0) > max_memory_mb)
    throw new Refused(`max_memory_mb ${caps.max_memory_mb} is more than this agent's ${max_memory_mb}`)
  const asked = (caps.max_compute_units ?? 0) * scale
  const most = Math.min(max_cores ?? cores, cores)
  if (asked > most + 1e-9 && caps.policy === 'strict')
    throw new Refused(
      `max_compute_units ${caps.max_compute_units} would be ${asked.toFixed(2)} cores, more than this agent's ${most}`,
    )
  if (caps.pin_core !== null && caps.pin_core >= cores)
    throw new Refused(`pin_core ${caps.pin_core}: this agent has ${cores} cores`)
  return {
    ...spec,
    caps: {
      ...caps,
      max_memory_mb: caps.max_memory_mb ?? max_memory_mb,
      max_compute_units:
        max_cores === null
          ? caps.max_compute_units
          : Math.min(caps.max_compute_units ?? Infinity, max_cores / scale),
    },
  }
}

/** A duet's sides run without a compute cap, on one core that is theirs. */
export function duetWithinLimits(spec: DuetSpec, limits: FleetMachine['limits'], cores: number): DuetSpec {
  if (limits.max_cores !== null && limits.max_cores < 1)
    throw new Refused(`a duet has a whole core to itself, and this agent gives ${limits.max_cores}`)
  if (limits.max_memory_mb !== null)
    throw new Refused(
      'the two sides of a duet share one process, whose memory cannot be capped for either, and this agent has --max-memory-mb',
    )
  const { baseline, candidate } = spec.sides
  for (const side of [baseline, candidate]) withinLimits(side, limits, 1, cores)
  return spec
}
