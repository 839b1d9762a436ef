import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { listProfiles } from '../../../harness/sweep/profiles.ts'
import { sweepJsonSchema } from '../../../harness/sweep/schema.ts'
import { infoFor } from '../../../workers/pipeline/describe.ts'

const scenarios = join(import.meta.dirname, '../../../scenarios')

describe('the JSON Schema of a sweep', () => {
  // Lines without indents: every installation carries it.
  it('is the one that ships (vitest -u writes it anew)', async () => {
    const text = `${JSON.stringify(sweepJsonSchema(infoFor([]).params!), null, 1).replace(/^ +/gm, '')}\n`
    await expect(text).toMatchFileSnapshot(join(scenarios, 'sweep.schema.json'))
  })

  it('knows axes of params, refuses unknown keys, describes every setting', () => {
    const schema = sweepJsonSchema(infoFor([]).params!) as {
      additionalProperties: unknown
      properties: Record<
        string,
        { description?: string; patternProperties?: object; additionalProperties?: unknown }
      >
    }
    expect(schema.additionalProperties).toBe(false)
    expect(schema.properties['grid']).toMatchObject({ additionalProperties: false })
    expect(Object.keys(schema.properties['grid']!.patternProperties!)).toEqual([
      '^params\\..+$',
      '^dataset\\.columns\\..+$',
    ])
    for (const [name, property] of Object.entries(schema.properties))
      expect(property.description, name).toBeTruthy()
  })
})

describe('params in the JSON Schema of a sweep', () => {
  type Schema = { [key: string]: Schema } & { enum?: unknown[] }
  const schema = sweepJsonSchema(infoFor([]).params!) as Schema

  it('are known by name, value and range where the sweep names no workload of its own', () => {
    expect(schema['if']).toEqual({ properties: { workload: { const: 'pipeline' } } })
    const { params, grid } = schema['then']!['properties']!
    expect(params!['properties']!['learner']!.enum).toEqual(expect.arrayContaining(['ridge', 'sgd', null]))
    expect(params!['properties']!['label_delay']).toMatchObject({ type: 'integer', minimum: 0, default: 0 })
    expect(params!['properties']!['eta0']).toMatchObject({ type: ['number', 'null'], exclusiveMinimum: 0 })
    expect(params!['additionalProperties']).toBe(false)
    expect(grid!['properties']!['params.learner']!['items']).toEqual(params!['properties']!['learner'])
  })

  it('are any of a workload of the user', () => {
    expect(schema['properties']!['params']!['properties']).toBeUndefined()
    expect(schema['properties']!['params']!['additionalProperties']).not.toBe(false)
  })
})

describe('what ships', () => {
  it('names the schema in the first line of every scenario', () => {
    const files = readdirSync(scenarios).filter((file) => file.endsWith('.yaml'))
    expect(files.length).toBeGreaterThanOrEqual(5)
    for (const file of files) {
      const [first] = readFileSync(join(scenarios, file), 'utf8').split('\n')
      expect(first, file).toBe('# yaml-language-server: $schema=./sweep.schema.json')
    }
  })

  it('lists the hardware profiles with what they set', () => {
    const byName = Object.fromEntries(listProfiles().map((profile) => [profile.name, profile.settings]))
    expect(byName['edge']).toEqual({
      chunk_size: 64,
      batch_size: 96,
      max_memory_mb: 256,
      max_compute_units: 0.4,
    })
    expect(byName['server']).toEqual({
      chunk_size: 256,
      batch_size: 512,
      max_memory_mb: 4096,
      max_compute_units: 1,
    })
  })
})
