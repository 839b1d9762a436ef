/** A limit on processes and threads ends a run with a message that names it, wherever it is met. */
import { spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MAIN, Sandbox } from '../fixtures/cli.ts'

/** A user who has no other processes, since the limit counts all of a user's. */
const USER = 54_321
const AS_USER = ['--reuid', String(USER), '--regid', String(USER), '--clear-groups']
/** Leaves a moment for a run that would hang, and for a busy machine. */
const LONGEST_MS = 60_000

const possible =
  process.getuid?.() === 0 &&
  spawnSync('setpriv', [...AS_USER, 'prlimit', '--nproc=100', process.execPath, MAIN, '--version']).status ===
    0

let box: Sandbox
beforeEach(() => {
  box = new Sandbox()
  for (const folder of [box.folder, box.temporary, box.memory]) chmodSync(folder, 0o777)
})
afterEach(() => box.remove())

// Needs root, to have a user without processes, and util-linux.
describe.skipIf(!possible)('a limit on processes', () => {
  // Where the supervisor starts no thread and the next process none at all; where V8 starts no thread; and, in the long
  // form, where the supervisor gets some of its threads and waits for the others.
  it.each(process.env['STINT_FULL'] === '1' ? [12, 26, 13, 15, 28] : [12, 26])('of %i', (most) => {
    const words = ['run', box.sweep({}), '--out', box.results, '--quiet']
    const { status, signal, stderr } = spawnSync(
      'setpriv',
      [...AS_USER, 'prlimit', `--nproc=${most}`, process.execPath, MAIN, ...words],
      { encoding: 'utf8', timeout: LONGEST_MS, env: { PATH: process.env['PATH'], TMPDIR: box.temporary } },
    )
    expect([status, signal, stderr]).toEqual([2, null, expect.any(String)])
    expect(stderr).toContain('the system starts no more processes or threads: a limit on them is met')
    expect(stderr).toContain(`ulimit -u is ${most}`)
    expect(stderr).not.toMatch(/^ {4}at /m)
  })
})
