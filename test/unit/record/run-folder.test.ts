import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { writeAtomically } from '../../../harness/record/atomic.ts'
import { readManifest } from '../../../harness/record/manifest.ts'
import { openRun, resolveRunFolder } from '../../../harness/record/open-run.ts'
import { checkWritable, createRunFolder, planRunFolder } from '../../../harness/record/run-folder.ts'
import { syntheticRun } from '../report/synthetic.ts'

const { manifest } = syntheticRun()
const root = mkdtempSync(join(tmpdir(), 'stint-folder-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('run folder', () => {
  it('is named by time and id, and latest points to the newest', () => {
    const first = planRunFolder(root, 'sweep', new Date('2026-01-02T03:04:05.678Z'), 'aaa')
    const second = planRunFolder(root, 'sweep', new Date('2026-01-02T03:04:06Z'), 'bbb')
    for (const folder of [first, second]) createRunFolder(folder, manifest).release()
    expect(basename(first.path)).toBe('20260102T030405Z-aaa')
    expect(readlinkSync(join(root, 'sweep', 'latest'))).toBe(basename(second.path))
    expect(resolveRunFolder(join(root, 'sweep', 'latest'))).toBe(resolveRunFolder(second.path))
    expect(readdirSync(first.path).sort()).toEqual([
      'benchmarks',
      'chunks',
      'reports',
      'run.json',
      'trials.jsonl',
    ])
    expect(readManifest(first.path)).toEqual(manifest)
    expect(readdirSync(dirname(first.path)).sort()).toEqual([
      basename(first.path),
      basename(second.path),
      'latest',
    ])
  })

  it('refuses a file as root and a folder without a manifest as a run', () => {
    const file = join(root, 'file')
    writeFileSync(file, '')
    expect(() => checkWritable(join(file, 'below'))).toThrow('is a file')
    expect(() => readManifest(root)).toThrow('not a run folder')
    expect(() => openRun(join(root, 'absent'))).toThrow('no such run folder')
    expect(() => openRun(join(root, 'sweep'))).toThrow(`its newest run is ${join(root, 'sweep', 'latest')}`)
    checkWritable(join(root, 'new', 'deep'))
    expect(existsSync(join(root, 'new'))).toBe(false)
  })

  it('replaces a file whole and leaves nothing behind when it cannot', () => {
    const path = join(root, 'whole')
    writeAtomically(path, 'one')
    writeAtomically(path, 'two')
    expect(() => writeAtomically(join(root, 'sweep'), 'over a folder')).toThrow()
    expect(readdirSync(root).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })
})
