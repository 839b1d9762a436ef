import { join } from 'node:path'
import { expect, it } from 'vitest'
import { jsonText, reportJson } from '../../../harness/report/render/json.ts'
import { reportJsonSchema, reportSchema } from '../../../harness/report/schema.ts'
import { ordinaryReport } from './ordinary.ts'

// Lines without indents: every installation carries it.
it('is the one that ships (vitest -u writes it anew)', async () => {
  const text = `${JSON.stringify(reportJsonSchema(), null, 1).replace(/^ +/gm, '')}\n`
  await expect(text).toMatchFileSnapshot(join(import.meta.dirname, '../../../docs/report.schema.json'))
})

it('names every key of a run, and refuses one that lacks any', () => {
  const data = JSON.parse(jsonText(ordinaryReport))
  expect(reportSchema.safeParse(data).error).toBeUndefined()
  const schema = JSON.parse(JSON.stringify(reportJsonSchema()))
  const run = schema.oneOf.find(
    ({ properties }: { properties: { kind: { const: string } } }) => properties.kind.const === 'run',
  )
  for (const key of Object.keys(data)) {
    expect(Object.keys(run.properties)).toContain(key)
    const { [key]: _, ...rest } = data
    expect(reportSchema.safeParse(rest).success, key).toBe(false)
  }
  const keysOf = (name: string) => Object.keys(run.properties[name].items.properties)
  expect(keysOf('scenarios')).toEqual(expect.arrayContaining(Object.keys(data.scenarios[0])))
  expect(keysOf('comparisons')).toEqual(expect.arrayContaining(Object.keys(data.comparisons[0])))
  expect(keysOf('operating_points')).toEqual(expect.arrayContaining(Object.keys(data.operating_points[0])))
})

it('holds all that a page shows in the file, of which the page of a run lacks nothing', () => {
  const data = JSON.parse(reportJson(ordinaryReport))
  expect(reportSchema.safeParse(data).error).toBeUndefined()
  const { page } = JSON.parse(JSON.stringify(reportJsonSchema())).definitions
  expect(Object.keys(page.properties).sort()).toEqual(Object.keys(data.page).sort())
  for (const key of Object.keys(data.page)) {
    const { [key]: _, ...rest } = data.page
    expect(reportSchema.safeParse({ ...data, page: rest }).success, key).toBe(false)
  }
})
