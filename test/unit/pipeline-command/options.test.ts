import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { compareScenarios } from '../../../harness/analyse/compare.ts'
import {
  PIPELINE_DEFAULTS,
  type PipelineSettings,
  pipelineOptions,
} from '../../../harness/pipeline/options.ts'
import { pipelineSweep } from '../../../harness/pipeline/sweep.ts'
import { planTrials } from '../../../harness/plan/planner.ts'
import { profileOf } from '../../../harness/sweep/profiles.ts'
import type { Scenario } from '../../../harness/sweep/types.ts'
import { csvFile, temporaryFolder } from '../pipeline/support.ts'

const CONFIGS = join(import.meta.dirname, '../../../configs')
const CORES = 4

function template(text: string): string {
  const path = join(temporaryFolder(), 'mine.json')
  writeFileSync(path, text)
  return path
}

function profile(text: string): string {
  const path = join(temporaryFolder(), 'mine.yaml')
  writeFileSync(path, `description: a device of mine\n${text}\n`)
  return path
}

const options = (
  flags: Partial<PipelineSettings> = {},
  file: string | null = null,
  hardware: string | null = null,
) => pipelineOptions(flags, file, hardware === null ? null : profileOf(hardware, '--profile', CORES), CORES)

describe('where a setting comes from', () => {
  it('is the default where nothing else gives it', () => {
    const { settings, origins } = options()
    expect(settings).toEqual(PIPELINE_DEFAULTS)
    expect(settings.adaptive_chunk_resize).toBe(true)
    expect(new Set(Object.values(origins))).toEqual(new Set(['default']))
  })

  it('is the template, also where that says what a default says not', () => {
    const { settings, origins } = options({}, join(CONFIGS, 'pipeline.edge.template.json'))
    expect(settings).toMatchObject({
      random_seed: 42,
      chunk_size: 64,
      batch_size: 96,
      n_jobs: 1,
      max_memory_mb: 256,
      max_compute_units: 0.4,
      benchmark_runs: 3,
      adaptive_chunk_resize: true,
      max_chunk_retries: 3,
      spill_to_disk: true,
    })
    expect(origins).toMatchObject({ chunk_size: 'template', target_latency_ms: 'default' })
  })

  it('is a flag that was given, even one that says what the default says', () => {
    const file = template('{ "chunk_size": 64, "spill_to_disk": true, "adaptive_chunk_resize": true }')
    const flags = {
      chunk_size: PIPELINE_DEFAULTS.chunk_size,
      spill_to_disk: false,
      adaptive_chunk_resize: false,
    }
    const { settings, origins } = options(flags, file)
    expect(settings).toMatchObject(flags)
    expect(origins).toMatchObject({ chunk_size: 'flag', spill_to_disk: 'flag', batch_size: 'default' })
  })

  it('is the hardware profile where neither flag nor template gives it', () => {
    const hardware = profile(
      'mode: batch\nwarmup_chunks: 9\nchunk_size: 32\nbatch_size: 16\nmax_memory_mb: 99\nspill_to_disk: true\nwatts: { idle: 2, per_core: 3 }',
    )
    const made = options({ chunk_size: 48 }, template('{ "batch_size": 24 }'), hardware)
    expect(made.settings).toEqual({
      ...PIPELINE_DEFAULTS,
      chunk_size: 48,
      batch_size: 24,
      max_memory_mb: 99,
      spill_to_disk: true,
    })
    expect(made.origins).toMatchObject({
      chunk_size: 'flag',
      batch_size: 'template',
      max_memory_mb: 'profile',
      spill_to_disk: 'profile',
      n_jobs: 'default',
    })
    expect(made.profile).toEqual({ name: hardware, path: hardware, watts: { idle: 2, per_core: 3 } })
    expect(options({}, null, profile('chunk_size: 32')).profile!.watts).toBeNull()
    expect(options({}, null, 'edge').settings).toMatchObject({ chunk_size: 64, max_compute_units: 0.4 })
  })

  it('is the server template as shipped', () => {
    const { settings } = options({}, join(CONFIGS, 'pipeline.server.template.json'))
    expect(settings).toMatchObject({
      chunk_size: 256,
      batch_size: 512,
      n_jobs: 4,
      max_memory_mb: 4096,
      max_compute_units: 1,
      benchmark_runs: 5,
      spill_to_disk: false,
    })
  })
})

describe('what is refused', () => {
  it.each([
    ['{\n  "chunk_size": 0\n}', /mine\.json:2:17: key "chunk_size": got 0, expected a whole number, 1 to/],
    ['{ "chunksize": 4 }', /mine\.json:1:3: key "chunksize": unknown key; did you mean "chunk_size"\?/],
    ['{ "spill_to_disk": "yes" }', /key "spill_to_disk": got "yes", expected true or false/],
    [
      '{ "benchmark_runs": { "min": 3, "max": 9, "until": { "metric": "wall_s", "ci": 0.1 } } }',
      /key "benchmark_runs": got a mapping, expected a whole number, 1 to 999$/m,
    ],
    ['[1, 2]', /expected a JSON object of settings/],
    [
      '{ "output_dir": "/srv/www" }',
      /mine\.json:1:17: key "output_dir": got "\/srv\/www", which leads out of/,
    ],
    [
      '{ "output_dir": "a/../../b" }',
      /"output_dir": got "a\/\.\.\/\.\.\/b", which leads out[\s\S]*--output-dir FOLDER/,
    ],
    ['{ "chunk_size": 4, "chunk_size": 5 }', /this key is given twice/],
    ['{ "chunk_size": ', /mine\.json:1/],
  ])('the template %s', (text, message) => {
    expect(() => options({}, template(text))).toThrow(message)
  })

  it('flags, all at once and by name', () => {
    const flags = { chunk_size: Number.NaN, max_compute_units: 8, n_jobs: 0.5 }
    expect(() => options(flags)).toThrow(
      /--chunk-size: got NaN, expected a whole number[\s\S]*--n-jobs: got 0\.5[\s\S]*--max-compute-units: got 8, expected a share of one core from 0\.05 to 4/,
    )
  })

  it('a target latency that nothing would hold', () => {
    const flags = { target_latency_ms: 5, adaptive_chunk_resize: false }
    expect(() => options(flags)).toThrow(/--target-latency-ms: needs an adaptive chunk size/)
    expect(options({ target_latency_ms: 5 }).settings.target_latency_ms).toBe(5)
  })

  it.each([
    ['edg', /--profile: no such profile; did you mean "edge"\?\n {2}shipped profiles: edge, gateway, server/],
    ['none.yaml', /--profile: no such file: .*none\.yaml/],
  ])('the profile %s', (name, message) => {
    expect(() => options({}, null, name)).toThrow(message)
  })

  it('a profile that cannot be, at its place', () => {
    expect(() => options({}, null, profile('max_compute_units: 5'))).toThrow(
      /mine\.yaml:2:.*max_compute_units/,
    )
  })

  it('a template that is not there', () => {
    expect(() => options({}, '/nowhere/t.json')).toThrow(/t\.json:1:1: no such file/)
  })
})

describe('the trials', () => {
  const sweepOf = (flags: Partial<PipelineSettings>, hardware: string | null = null) =>
    pipelineSweep(
      options(flags, null, hardware),
      { path: csvFile('a,b\n1,2\n'), preset: null, target: 'b', learner: null },
      'strict',
    ).sweep

  it('are both modes as often as asked, each other point of the grid once, and each size once', () => {
    const sweep = sweepOf({ chunk_size: 128, max_memory_mb: 512, max_compute_units: 0.25, benchmark_runs: 4 })
    const once = sweep.scenarios.filter(({ runs }) => runs === 1)
    const often = sweep.scenarios.filter(({ runs }) => runs === null)
    expect(often.map(({ settings }) => settings.mode)).toEqual(['batch', 'streaming'])
    const grid = once.filter(({ point }) => point['dataset.rows'] === undefined)
    expect(
      grid.map(({ settings: s }) => [s.chunk_size, s.max_memory_mb, s.max_compute_units]).sort(),
    ).toEqual(
      [64, 128]
        .flatMap((chunk) => [256, 512].flatMap((mb) => [0.5, 0.25].map((units) => [chunk, mb, units])))
        .filter((point) => point.join() !== '128,512,0.25')
        .sort(),
    )
    const sizes = once.filter(({ point }) => point['dataset.rows'] !== undefined)
    expect(sizes.map(({ dataset }) => dataset!.rows)).toEqual([64, 128, 256])

    for (const { label } of [...often, ...grid]) expect(label).not.toContain('rows')
    const plan = planTrials(sweep)
    expect(plan).toHaveLength(2 * 4 + 7 + 3)
    expect(plan.filter(({ round }) => round === 1)).toHaveLength(12)
    for (const { id } of often) expect(plan.filter(({ scenario }) => scenario === id)).toHaveLength(4)
  })

  it('are only the benchmark and the sizes where the grid is what is given', () => {
    const given = { chunk_size: 64, max_memory_mb: 256, max_compute_units: 0.5, benchmark_runs: 2 }
    expect(planTrials(sweepOf(given))).toHaveLength(2 * 2 + 3)
  })

  it('have the watts of the profile, which is no part of what a scenario is', () => {
    const plain = sweepOf({})
    expect(plain.scenarios.map(({ watts }) => watts ?? null)).toEqual(plain.scenarios.map(() => null))
    const { scenarios } = sweepOf({}, profile('watts: { idle: 2, per_core: 3 }'))
    for (const { watts } of scenarios) expect(watts).toEqual({ idle: 2, per_core: 3 })
    // Each has a file of its own.
    const values = ({ point }: Scenario) => ({ ...point, 'dataset.source': '' })
    expect(scenarios.map(values)).toEqual(plain.scenarios.map(values))
  })

  it('are compared between the modes, and no note asks for partners that no flag could add', () => {
    const { scenarios, compare } = sweepOf({})
    const note = (settings: typeof compare) =>
      compareScenarios({ trials: [], scenarios, metrics: new Map(), settings }).notes.map(({ kind }) => kind)
    expect(note({ ...compare, metrics: [] })).toEqual([])
    expect(note({ ...compare, metrics: [], unpaired_expected: false })).toEqual(['reference_unmatched'])
  })
})
