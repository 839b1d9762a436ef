/** What trials may write: below the run folder, or where the user typed it. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { fitToWorkload } from '../../../harness/sweep/params.ts'
import type { Locate } from '../../../harness/sweep/places.ts'
import type { Sweep } from '../../../harness/sweep/types.ts'
import { paramsOfTrial } from '../../../harness/sweep/written-files.ts'
import type { WorkloadInfo } from '../../../workers/workload.ts'

const run = mkdtempSync(join(tmpdir(), 'stint-written-'))
const files = join(run, 'files')
afterAll(() => rmSync(run, { recursive: true }))

const info: WorkloadInfo = {
  name: 'w',
  dataset: 'none',
  metrics: {},
  params: {
    to: { type: 'string', default: null, description: 'a file', writes: true },
    from: { type: 'string', default: null, description: 'a file' },
  },
}
const sweepWith = (params: Record<string, string>) =>
  ({
    name: 's',
    workload: './w.mjs',
    scenarios: [{ id: 'a', params, point: {}, dataset: null, runs: null }],
    benchmark_runs: 1,
    axes: [],
    goal: null,
    until: null,
    gate: { margins: {} },
    compare: { metrics: [] },
    source: { path: 's.yaml', document: {} },
  }) as unknown as Sweep
const inFile: Locate = (key) => ({ place: { file: 's.yaml', line: 3, column: 7 }, key })
const typed: Locate = (key) => ({ place: { option: `--set ${key}=` }, key })
const fitted = (to: string, locate: Locate) => fitToWorkload(sweepWith({ to, from: to }), info, locate)

describe('a file that a sweep file names', () => {
  it.each(['/etc/motd', '../x', 'a/../../x', '..', '.', 'rows/', '', ' ', 'a\0b', './..', 'a/..'])(
    'is refused outside the run folder: %j',
    (to) => {
      expect(() => fitted(to, inFile)).toThrow(
        /^s\.yaml:3:7: key "params\.to": got .*, which is no file below the run folder/,
      )
      expect(() => paramsOfTrial({ to: to.startsWith('/') ? '../x' : to }, info, 't', files)).toThrow()
    },
  )

  it('lies below it otherwise, and what only is read stays as it is', () => {
    const [scenario] = fitted('a/{trial}.csv', inFile).scenarios
    expect(paramsOfTrial(scenario!.params, info, 't-1', files)).toEqual({
      to: join(files, 'a/t-1.csv'),
      from: 'a/{trial}.csv',
    })
    expect(existsSync(join(files, 'a'))).toBe(true)
  })

  it('follows no link out of it', () => {
    mkdirSync(files, { recursive: true })
    symlinkSync(tmpdir(), join(files, 'out'))
    symlinkSync(join(tmpdir(), 'elsewhere'), join(files, 'link.csv'))
    for (const to of ['out/rows.csv', 'link.csv'])
      expect(() => paramsOfTrial({ to }, info, 't', files)).toThrow(
        /a link there leads out of the run folder/,
      )
    const linked = mkdtempSync(join(tmpdir(), 'stint-linked-'))
    symlinkSync(run, join(linked, 'files'))
    expect(() => paramsOfTrial({ to: 'x.csv' }, info, 't', join(linked, 'files'))).toThrow(/a link there/)
    rmSync(linked, { recursive: true })
    // A results folder that is itself reached by a link is the user's own arrangement.
    symlinkSync(run, `${run}-link`)
    const there = paramsOfTrial({ to: 'x.csv' }, info, 't', join(`${run}-link`, 'files'))
    expect(there['to']).toBe(join(`${run}-link`, 'files/x.csv'))
    rmSync(`${run}-link`)
    writeFileSync(join(files, 'kept.csv'), '')
  })

  it('is refused or below, whatever it is called', () => {
    const part = fc.constantFrom('..', '.', '', 'a', '{trial}', '\0', '~', 'é', ' ', '/')
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const to = parts.join('/')
        try {
          fitted(to, inFile)
        } catch {
          return true
        }
        const path = paramsOfTrial({ to }, info, 't', files)['to'] as string
        return resolve(path).startsWith(`${files}/`)
      }),
    )
  })
})

it('a file that the user typed lies where it was typed', () => {
  const [scenario] = fitted('../x.csv', typed).scenarios
  expect(scenario!.params).toEqual({ to: resolve('../x.csv'), from: '../x.csv' })
  expect(paramsOfTrial(scenario!.params, info, 't', files)['to']).toBe(resolve('../x.csv'))
})
