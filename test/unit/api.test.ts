/** The library as a program calls it, where nothing is run. */
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { resumeCommand } from '../../harness/cli/resume.ts'
import { pipelineReport, renderReport, resume, run, sweepFromData } from '../../harness/index.ts'
import { FakeExecutor } from '../fixtures/fake-executor.ts'
import { workloadFile } from '../fixtures/trial.ts'
import { temporaryFolder } from './pipeline/support.ts'

const RECORDED = fileURLToPath(new URL('../fixtures/run-folders/format-1', import.meta.url))

/**
 * @param below where the copy is, in a folder of its own
 * @returns the path of a copy of a recorded run
 */
function copyOf(name: string, below = ''): string {
  const path = join(temporaryFolder(), below, name)
  cpSync(join(RECORDED, name), path, { recursive: true })
  return path
}

const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8'))

describe('what is aborted before its first trial', () => {
  const reason = new Error('the user changed their mind')

  it.each(['before', 'while the data is read'])('throws the reason and writes nothing: %s', async (when) => {
    const out = temporaryFolder()
    const control = new AbortController()
    if (when === 'before') control.abort(reason)
    const executor = new FakeExecutor({
      prepare: () => {
        control.abort(reason)
        return {
          ok: true,
          workload: { name: 'fake', params: {}, metrics: {}, dataset: 'none' },
          datasets: [],
          notes: [],
        }
      },
    })
    const sweep = await sweepFromData({ name: 'x', workload: workloadFile('tiny') }, join(out, 'x.yaml'))
    await expect(run(sweep, { out, executor, signal: control.signal })).rejects.toBe(reason)
    expect(executor.calls.filter((call) => call.startsWith('run '))).toEqual([])
    expect(readdirSync(out)).toEqual([])
  })

  it('leaves a run that is to be resumed as it was', async () => {
    const folder = copyOf('interrupted')
    const before = filesIn(folder)
    const executor = new FakeExecutor()
    const options = { executor, force: true, signal: AbortSignal.abort(reason) }
    await expect(resume(folder, options)).rejects.toBe(reason)
    expect(executor.calls.filter((call) => call.startsWith('run '))).toEqual([])
    expect(filesIn(folder)).toEqual(before)
  })
})

describe('stint resume', () => {
  it('refuses an export that cannot be written before it runs a trial', async () => {
    const folder = copyOf('interrupted')
    const before = filesIn(folder)
    const here = { on: undefined, server: undefined, creds: undefined, 'tls-ca': undefined }
    const words = {
      ...here,
      run: folder,
      force: true,
      json: false,
      quiet: true,
      overwrite: false,
      'include-forced': false,
      export: ['pdf'],
    }
    await expect(resumeCommand.handler(words)).rejects.toThrow(/--export pdf: no such format[\s\S]*formats:/)
    expect(filesIn(folder)).toEqual(before)
  })
})

describe('the files of stint pipeline', () => {
  it('are refused for a run that is none of it, and nothing is written', async () => {
    const folder = copyOf('sweep')
    const before = filesIn(folder)
    await expect(pipelineReport(folder)).rejects.toThrow(/is no run of "stint pipeline"[\s\S]*"stint report"/)
    expect(filesIn(folder)).toEqual(before)
  })

  it('are written without a damaged line of a chunk log, which the report names', async () => {
    // The whole of its output folder was moved here.
    const folder = copyOf('pipeline', 'runs/pipeline')
    const chunks = join(folder, 'chunks')
    const logs = readdirSync(chunks)
    for (const log of logs) {
      const path = join(chunks, log)
      writeFileSync(path, readFileSync(path, 'utf8').split('\n').with(1, '{"chunk": 1,').join('\n'))
    }
    const { output, report, files } = await pipelineReport(folder)
    expect(files.problems).toEqual([])
    expect(existsSync(join(output, 'reports/streaming_chunks.jsonl'))).toBe(true)
    const text = (await renderReport(report, 'markdown')).replaceAll('\\', '')
    const named = logs.filter((log) => text.includes(`chunks/${log}, line 2: not a JSON line; left out`))
    expect(named.length).toBeGreaterThan(0)
  })
})
