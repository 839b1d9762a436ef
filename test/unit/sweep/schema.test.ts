import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { listProfiles } from '../../../harness/sweep/profiles.ts'
import { sweepJsonSchema } from '../../../harness/sweep/schema.ts'

const scenarios = join(import.meta.dirname, '../../../scenarios')

describe('the JSON Schema of a sweep', () => {
  it('is the one that ships (vitest -u writes it anew)', async () => {
    const text = `${JSON.stringify(sweepJsonSchema(), null, 2)}\n`
    await expect(text).toMatchFileSnapshot(join(scenarios, 'sweep.schema.json'))
  })

  it('knows axes of params, refuses unknown keys, describes every setting', () => {
    const schema = sweepJsonSchema() as {
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
