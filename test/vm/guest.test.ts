/**
 * What holds on a machine with systemd and cgroup version 2. All checks run in one guest, one after the
 * other and none needing another. Its clock is that of a busy host, or it is emulated, so that mechanisms, places, outcomes,
 * shares within 15% and leftovers are looked at, and never times.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CHECKS, type Check, type Found, type Job } from './checks.ts'
import { commitOfGuest, type Judged, record } from './evidence.ts'

const root = join(import.meta.dirname, '../..')
const TOOLS = ['mmdebstrap', 'mke2fs', 'debugfs']
/** Either boots it. */
const MACHINES = ['linux.uml', 'qemu-system-x86_64']
const SLOWEST_MS = 6 * 3_600_000
/** Whether systemd itself switches on what its slice, scope or container needs, above Stint's own groups. */
function systemdSwitches({ as, with: words = [] }: Check): boolean {
  return !as.startsWith('service') && as !== 'bare user'
    ? true
    : words.some((word) => word.startsWith('Slice='))
}

/** Names of checks, or how they begin; all where none is given. */
const asked = (process.env['STINT_VM_ONLY'] ?? '').split(' ').filter(Boolean)
const checks = CHECKS.filter(
  ({ name }) => asked.length === 0 || asked.some((word) => name === word || name.startsWith(`${word}-`)),
)
if (checks.length === 0)
  throw new Error(`no check is named ${asked.join(' or ')}: ${CHECKS.map(({ name }) => name).join(', ')}`)

/** Null where a guest can be booted here. */
function whyNot(): string | null {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'needs Linux on x86-64'
  if (process.getuid?.() !== 0) return 'needs root, to build the image of the guest'
  const path = `${process.env['PATH']}:/usr/sbin`
  const isThere = (tool: string) => path.split(':').some((folder) => existsSync(join(folder, tool)))
  const missing = TOOLS.filter((tool) => !isThere(tool))
  if (!MACHINES.some(isThere)) missing.push(MACHINES.join(' or '))
  return missing.length === 0
    ? null
    : `needs ${missing.join(', ')}: apt-get install user-mode-linux mmdebstrap e2fsprogs`
}

const reason = whyNot()
if (reason !== null) process.stderr.write(`skipped: ${reason}\n`)

describe.skipIf(reason !== null)('in a guest with systemd and cgroup version 2', () => {
  let found: Map<string, Found>
  const judged: Judged[] = []
  const isRecorded = process.env['STINT_VM_RECORD'] === '1'
  let commit = ''
  beforeAll(() => {
    if (isRecorded) commit = commitOfGuest()
    // What an earlier guest told is looked at again, for work on the checks themselves.
    const earlier = process.env['STINT_VM_RESULTS']
    found = earlier === undefined ? boot() : read(earlier)
  }, SLOWEST_MS)
  afterAll(() => {
    if (isRecorded) record(join(root, 'docs/evidence/guest.md'), judged, commit)
  })

  it.each(checks)('$name: $holds', (check) => {
    const one = found.get(check.name) ?? expect.fail('the guest did not come to it')
    try {
      check.judge(one)
      expect(one.left).toEqual({ groups: [], processes: [], folders: [] })
      if (!systemdSwitches(check)) expect(one.switched).toEqual([])
      judged.push({ check, found: one, held: true })
    } catch (error) {
      judged.push({ check, found: one, held: false })
      throw error
    }
  })
})

function boot(): Map<string, Found> {
  const folder = mkdtempSync(join(tmpdir(), 'stint-vm-'))
  try {
    const checkout = join(folder, 'stint')
    copyCheckout(checkout)
    const jobs = checks.map(({ name, as, with: words, before, script }): Job => {
      return { name, as, script, ...(words && { with: words }), ...(before !== undefined && { before }) }
    })
    writeFileSync(join(checkout, '.vm-checks.json'), JSON.stringify(jobs))
    writeFileSync(join(folder, 'command'), 'node test/vm/guest/checks.mjs\n')
    const words = [checkout, join(folder, 'command'), join(folder, 'results.jsonl')]
    const { status } = spawnSync(join(import.meta.dirname, 'boot.sh'), words, {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    const results = read(join(folder, 'results.jsonl'))
    if (results.size === 0) throw new Error(`the guest ended with ${status} and told nothing`)
    return results
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A guest that was stopped may have left half a line. */
function read(path: string): Map<string, Found> {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return new Map(lines.map((line): Found => JSON.parse(line)).map((one) => [one.name, one]))
}

/** What a user has who installed it, and the checks. */
function copyCheckout(to: string): void {
  const list = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], {
    cwd: root,
    encoding: 'utf8',
  })
  const packages = list.split('\n').filter((path) => path.includes('node_modules'))
  for (const from of [
    'dist',
    'scenarios',
    'configs',
    'package.json',
    'test/vm',
    'test/fixtures/workloads',
    ...packages.map((path) => relative(root, path)),
  ]) {
    mkdirSync(dirname(join(to, from)), { recursive: true })
    cpSync(join(root, from), join(to, from), { recursive: true })
  }
}
