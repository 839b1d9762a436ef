/** A disk that fills up stops a run cleanly; what was measured is kept, and the run is completed once there is space. */
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, rmSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Journal } from '../../harness/record/journal.ts'
import { checksumsOf, journalOf, Sandbox, trialsOf } from '../fixtures/cli.ts'
import { errorOf } from '../fixtures/trials.ts'

let box: Sandbox
let disk: string
let mounted = false
beforeEach(() => {
  box = new Sandbox()
  disk = join(box.folder, 'disk')
  mkdirSync(disk)
})
afterEach(() => {
  if (mounted) spawnSync('umount', ['-l', disk])
  mounted = false
  box.remove()
})

function mount(options: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk]).status === 0
}

/** Takes what is left of the disk. */
function fill(): string {
  const path = join(disk, 'ballast')
  const file = openSync(path, 'w')
  const block = Buffer.alloc(4096)
  try {
    for (;;) writeSync(file, block)
  } catch {
    // Full.
  }
  closeSync(file)
  return path
}

const canMount = (() => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  const probe = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'])
  return probe.status === 0
})()

describe.skipIf(!canMount)('a disk that fills up', () => {
  it('in the middle of a run: exit 4, whole lines, a message, and resume completes', async () => {
    mounted = mount('size=1m')
    const sweep = box.sweep({
      workload: 'held',
      params: { folder: box.folder },
      grid: { 'params.salt': [1, 2, 3] },
      ...{ benchmark_runs: 1, warmup_chunks: 0, n_jobs: 1, chunk_log: 'none' },
    })
    const root = join(disk, 'results')
    const started = box.start(['run', sweep, '--out', root, '--quiet'])
    await box.held()
    box.write('go', '')
    await box.held()
    const ballast = fill()
    box.write('free', '')
    const { code, stdout, stderr } = await started.end
    expect([code, stdout]).toEqual([4, ''])
    const folder = /stint resume ([^"]+)"/.exec(stderr)?.[1]
    expect(stderr).toMatch(/trials\.jsonl: the disk is full; free some space\n/)
    expect(folder?.startsWith(root)).toBe(true)
    expect(stderr.trim().split('\n').length).toBe(2)
    expect(journalOf(folder!)).toMatch(/^$|\n$/)
    const before = trialsOf(folder!)
    expect(before.length).toBeOneOf([1, 2])
    expect(box.processes()).toEqual([])
    expect(box.temporaryFiles()).toEqual([])

    unlinkSync(ballast)
    spawnSync('mount', ['-o', 'remount,size=30m', disk])
    expect(await box.stint('resume', folder!, '--quiet')).toMatchObject({ code: 0, stderr: '' })
    expect(trialsOf(folder!).slice(0, before.length)).toEqual(before)
    const sums = Object.values(checksumsOf(folder!))
    expect([sums.length, new Set(sums).size]).toEqual([3, 3])
  })

  it('while the report is written: the run is kept, and stint report renders it later', async () => {
    mounted = mount('size=200k')
    const sweep = box.sweep({ benchmark_runs: 1 })
    const { code, stderr } = await box.stint(
      ...['run', sweep, '--out', join(disk, 'results'), '--quiet', '--export', 'html'],
    )
    expect(code).toBe(4)
    const folder = /stint report ([^"]+)"/.exec(stderr)?.[1]
    expect(stderr).toContain('reports/report.html could not be written: ')
    expect(stderr).toContain('the measurements are whole')
    expect(trialsOf(folder!).length).toBe(1)
    spawnSync('mount', ['-o', 'remount,size=30m', disk])
    expect(await box.stint('report', folder!, '--quiet', '--export', 'html')).toMatchObject({
      code: 0,
      stderr: '',
    })
    expect(existsSync(join(folder!, 'reports', 'report.html'))).toBe(true)
  })

  it('by a chunk log: the run stops instead of recording trials that failed for it', async () => {
    mounted = mount('size=64k')
    const own = box.write(
      'own.mjs',
      `export default { open: () => { let left = 3000; return { step: () => (left-- > 0 ? { rows: 1 } : null), finish: () => ({ metrics: {} }) } } }\n`,
    )
    const sweep = box.sweep({ benchmark_runs: 1, workload: 'tiny' })
    const { code, stderr } = await box.stint(
      'run',
      sweep,
      '--set',
      `workload=${own}`,
      '--out',
      disk,
      '--quiet',
    )
    expect(code).toBe(4)
    expect(stderr).toMatch(/cannot write the chunk log .*ENOSPC/)
    const folder = /stint resume ([^"]+)"/.exec(stderr)?.[1]
    expect(trialsOf(folder!)).toEqual([])
  })
})

it.skipIf(!existsSync('/dev/full'))('an append that fails names the file', () => {
  const journal = new Journal('/dev/full')
  expect(() => journal.append({} as never)).toThrow(
    expect.objectContaining({ code: 'ENOSPC', path: '/dev/full' }),
  )
  journal.close()
})

it('a data file that is deleted fails its trials with its name, and the sweep goes on', async () => {
  const data = box.write(
    'data.csv',
    `a,target\n${Array.from({ length: 50 }, (_, i) => `${(i * 7) % 13},${i * 2}\n`).join('')}`,
  )
  const sweep = box.write(
    'sweep.yaml',
    'name: swept\ndataset: { source: data.csv, target: target }\nparams: { learner: sgd }\nbenchmark_runs: 3\n',
  )
  const { end } = box.start(['run', sweep, '--out', box.results, '--quiet'])
  await box.until(() => box.runs().length === 1, 'a run folder')
  rmSync(data)
  const { code, stdout, stderr } = await end
  const trials = trialsOf(box.runs()[0]!)
  expect([code, stdout.trim(), stderr]).toEqual([4, box.runs()[0], ''])
  expect(trials.length).toBe(3)
  const failed = trials.filter(({ outcome }) => outcome !== 'ok')
  expect(failed.length).toBeGreaterThan(1)
  for (const trial of failed) {
    expect(trial.outcome).toBe('failed')
    expect(errorOf(trial)!.message).toContain(data)
    expect(errorOf(trial)!.message).toContain('no such file')
  }
})
