/** The session of docs/guides/fleet.md, as it stands: server, three agents, a sweep over them, a gate on one. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openRun } from '../../harness/record/open-run.ts'
import { freePort, isInstalled } from '../fixtures/brokers.ts'
import { MAIN } from '../fixtures/cli.ts'
import { blocksOf } from '../unit/docs/pages.ts'

const FULL = process.env['STINT_FULL'] === '1'
const missing = !FULL
  ? ': takes a minute, with STINT_FULL=1'
  : isInstalled('nats-server')
    ? ''
    : ': no nats-server'
/** Networks and names of its own, so that nothing of this machine is touched. */
const APART =
  'mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns && ip link set lo up && exec bash session.sh'

function session(kind: 'namespaces' | 'processes'): string {
  const blocks = blocksOf('docs/guides/fleet.md').filter(({ language }) => language === 'text')
  const wanted = blocks.filter(({ info }) => info === 'session' || info === `session ${kind}`)
  expect(wanted.length).toBeGreaterThan(3)
  return wanted.map(({ text }) => text).join('')
}

/** Why there are no namespaces for this user; nothing where there are. */
function noNamespaces(): string {
  if (!isInstalled('ip') || !isInstalled('unshare')) return ': no iproute2'
  const tried = spawnSync('unshare', ['-n', '-m', 'sh', '-c', 'ip link add probe0 type bridge'])
  return tried.status === 0 ? '' : ': not permitted here'
}

describe.skipIf(missing !== '')(`the session of the guide${missing}`, { timeout: 600_000 }, () => {
  const without = FULL ? noNamespaces() : ''
  it.skipIf(without !== '')(`goes through in namespaces${without}`, async () => {
    await play(session('namespaces'), ['unshare', ['-n', '-m', 'sh', '-c', APART]])
  })

  it('goes through as plain processes', async () => {
    const port = await freePort()
    await play(session('processes').replaceAll('4222', String(port)), ['bash', ['session.sh']])
  })
})

async function play(text: string, [program, words]: [string, string[]]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'fleet-guide-'))
  try {
    mkdirSync(join(folder, 'bin'))
    const stint = join(folder, 'bin', 'stint')
    writeFileSync(stint, `#!/bin/sh\nexec ${process.execPath} ${MAIN} "$@"\n`)
    chmodSync(stint, 0o755)
    writeFileSync(
      join(folder, 'session.sh'),
      `set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n${text}`,
    )
    const PATH = [join(folder, 'bin'), process.env['PATH'], '/usr/sbin'].join(delimiter)
    const env = { ...process.env, PATH, NO_COLOR: '1' }
    const { stdout, stderr, status } = spawnSync(program, words, { cwd: folder, env, encoding: 'utf8' })
    // As wide as it may be.
    const said = `${stdout}\n${stderr}`.replace(/\s+/g, ' ')
    expect(status, said).toBe(0)
    for (const machine of ['pi', 'gateway', 'server'])
      expect(stdout).toMatch(new RegExp(`^the-${machine} {2}`, 'm'))
    expect(said).toMatch(/pi takes [\d.]+× the .* of server, the geometric mean over 2 scenarios/)
    expect(said).toMatch(/gateway takes [\d.]+× the .* of server/)
    expect(said).toContain('Trials may have at most 0.250 cores, 128 MB, against 0.500 cores, 256 MB')
    expect(said).toContain('REGRESSION: params.learner=sgd against the sweep as it is')
    expect(said).toContain('exit code 1')
    const { trials } = openRun(join(folder, 'results/fleet/latest'))
    expect(trials).toHaveLength(18)
    const cores = new Map(trials.map(({ machine, caps }) => [machine, caps.compute.asked]))
    expect(Object.fromEntries(cores)).toEqual({ 'the-pi': 0.25, 'the-gateway': 0.5, 'the-server': 1 })
    expect(readFileSync(join(folder, 'pi.log'), 'utf8')).toContain('waits for work for pi, the-pi')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
