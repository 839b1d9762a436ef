import { cpSync, mkdirSync, realpathSync, renameSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { concludePipeline } from '../../../harness/cli/pipeline.ts'
import { pipelineOptions } from '../../../harness/pipeline/options.ts'
import { outputOf } from '../../../harness/pipeline/run.ts'
import { writeRun } from '../../fixtures/write-run.ts'
import { temporaryFolder } from '../pipeline/support.ts'
import { syntheticRun } from '../report/synthetic.ts'

vi.mock('../../../harness/report/pipeline/data.ts', () => ({ readPipelineData: () => ({}) }))
vi.mock('../../../harness/report/sections/pipeline.ts', () => ({ pipelineReport: () => ({}) }))
vi.mock('../../../harness/report/pipeline/write.ts', () => ({
  writePipelineFiles: async (
    _1: unknown,
    _2: unknown,
    _3: unknown,
    _4: unknown,
    { folder }: { folder: string },
  ) => ({
    written: [`${folder}/a.csv`, `${folder}/b.png`],
    skipped: [{ file: 'c.png', reason: 'no data' }],
    problems: [],
  }),
}))

const NAME = '20260101T000000Z-abcdef'

/** An output folder with a run in it. */
function made(): { output: string; folder: string } {
  const output = join(realpathSync(temporaryFolder()), 'out')
  const folder = join(output, 'runs', 'pipeline', NAME)
  mkdirSync(folder, { recursive: true })
  return { output, folder }
}

describe('the output folder of a run that is taken up again', () => {
  it('is the one asked for, as it was named', () => {
    const { output, folder } = made()
    expect(outputOf(folder, output)).toBe(output)
    const link = `${output}-link`
    symlinkSync(output, link)
    expect(outputOf(folder, link)).toBe(link)
  })

  it('is where it was moved or copied to, and not what it was copied from', () => {
    const { output, folder } = made()
    const copy = `${output}-copy`
    cpSync(output, copy, { recursive: true })
    expect(outputOf(folder.replace(output, copy), output)).toBe(copy)
    const elsewhere = `${output}-elsewhere`
    renameSync(output, elsewhere)
    expect(outputOf(folder.replace(output, elsewhere), output)).toBe(elsewhere)
  })

  it('is the one asked for where the run alone was moved', () => {
    const { output, folder } = made()
    const alone = `${output}-alone`
    renameSync(folder, alone)
    expect(outputOf(alone, output)).toBe(output)
  })
})

describe('the end of stint pipeline', () => {
  const request = { options: pipelineOptions({}, null, null, 4), output: '/out' }
  afterEach(() => {
    vi.restoreAllMocks()
    process.exitCode = undefined
  })

  async function said(done: 'finished' | 'interrupted', json: boolean) {
    const { output, folder } = made()
    writeRun(folder, { ...syntheticRun().manifest, pipeline: request }, [])
    const written = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      vi.spyOn(process[name], 'write').mockImplementation((text) => {
        written[name] += text
        return true
      })
    }
    await concludePipeline(
      { done, folder, output: '/out' },
      { json, quiet: true, overwrite: false, exports: [] },
    )
    return { ...written, output, folder, code: process.exitCode }
  }

  it('is the folder, or one JSON object', async () => {
    const inWords = await said('finished', false)
    expect(inWords).toMatchObject({ stdout: `${inWords.output}\n`, stderr: 'no c.png: no data\n' })
    const { stdout, output, folder } = await said('finished', true)
    expect(JSON.parse(stdout)).toEqual({
      output_folder: output,
      run_folder: folder,
      files: ['a.csv', 'b.png'],
    })
  })

  it('is the command that goes on where it was interrupted', async () => {
    const { stdout, stderr, folder, code } = await said('interrupted', false)
    expect([stdout, code]).toEqual(['', 130])
    expect(stderr).toContain(
      `"stint resume ${folder}" runs the trials that are missing and writes the files to /out`,
    )
  })
})
