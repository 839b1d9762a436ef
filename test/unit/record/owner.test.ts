import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { makeOwnedFolder, OWNER_VARIABLE, removeLeftovers } from '../../../harness/ownership/leftovers.ts'
import {
  machineName,
  type Owner,
  ownerToken,
  parseOwner,
  stateOf,
  thisProcess,
} from '../../../harness/ownership/owner.ts'
import { lockFolder } from '../../../harness/record/run-folder.ts'

const folder = mkdtempSync(join(tmpdir(), 'owner-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let folders = 0
const newFolder = () => {
  const path = join(folder, String(folders++))
  mkdirSync(path)
  return path
}

const me = thisProcess()
/** No process has this id: it is above the kernel's largest. */
const dead: Owner = { ...me, pid: 99_999_999 }
/** This process's id, as another had it before. */
const recycled: Owner = { ...me, started: '1' }
const beforeReboot: Owner = { ...me, boot: '0123abcd' }
const elsewhere: Owner = { ...me, namespace: '1' }

describe.skipIf(process.platform !== 'linux')('an owner', () => {
  it('goes into a name and back', () => {
    expect(parseOwner(ownerToken(me))).toEqual(me)
    expect(parseOwner('12-x-1-1')).toBeNull()
    expect(parseOwner('')).toBeNull()
  })

  it('lives while the same process does, in the same boot, as far as can be seen', () => {
    expect(stateOf(me)).toBe('alive')
    expect([dead, recycled, beforeReboot].map(stateOf)).toEqual(['dead', 'dead', 'dead'])
    expect(stateOf(elsewhere)).toBe('unknown')
  })
})

describe.skipIf(process.platform !== 'linux')('what cannot be read of an owner', () => {
  it('leaves it unknown, not dead: without descriptors, or without an id of the boot', async () => {
    const module = fileURLToPath(new URL('../../../build/harness/ownership/owner.js', import.meta.url))
    const script = `
      const { openSync } = await import('node:fs')
      const { stateOf, parseOwner } = await import(process.argv[1])
      const owner = parseOwner(process.argv[2])
      try { for (;;) openSync('/dev/null') } catch {}
      process.stdout.write(stateOf(owner))`
    const limited = [
      '-c',
      'ulimit -n 64 && exec "$0" "$@"',
      process.execPath,
      '--input-type=module',
      '-e',
      script,
    ]
    const child = spawn('sh', [...limited, module, ownerToken(me)], { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    await new Promise((resolve) => child.once('close', resolve))
    expect(said).toBe('unknown')
    expect(stateOf({ ...dead, boot: '0' })).toBe('unknown')
  })
})

describe.skipIf(process.platform !== 'linux')('leftovers', () => {
  it('of dead owners are removed, and nothing else', () => {
    const root = newFolder()
    const mine = makeOwnedFolder(root)
    const kept = [`stint-${ownerToken(elsewhere)}-abc`, 'stint-data-abc', 'stint-1-2-abc']
    const stale = [dead, recycled, beforeReboot].map((owner) => `stint-${ownerToken(owner)}-abc`)
    for (const name of [...kept, ...stale]) mkdirSync(join(root, name, 'deep'), { recursive: true })
    expect(removeLeftovers(root).folders).toBe(3)
    expect(
      readdirSync(root)
        .map((name) => join(root, name))
        .sort(),
    ).toEqual([mine, ...kept.map((name) => join(root, name))].sort())
  })

  it.skipIf(process.platform !== 'linux')(
    'end a stray process of a dead owner, stopped or not, and no other',
    async () => {
      const start = (owner: Owner) => {
        const child = spawn('sleep', ['60'], {
          env: { [OWNER_VARIABLE]: ownerToken(owner) },
          stdio: 'ignore',
        })
        return { child, ended: new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal))) }
      }
      const stray = start(dead)
      const stopped = start(recycled)
      const others = [start(me), start(elsewhere)]
      stopped.child.kill('SIGSTOP')
      // Another test of this machine may clear up first.
      removeLeftovers(newFolder())
      expect(await Promise.all([stray.ended, stopped.ended])).toEqual(['SIGKILL', 'SIGKILL'])
      for (const { child, ended } of others) {
        expect(child.exitCode ?? child.signalCode).toBeNull()
        child.kill()
        await ended
      }
    },
  )
})

describe.skipIf(process.platform !== 'linux')('the lock of a run folder', () => {
  const lockName = (owner: Owner, machine = machineName()) => `.lock-${ownerToken(owner)}@${machine}`

  it('is held once and can be taken again after its release', () => {
    const path = newFolder()
    const lock = lockFolder(path)
    expect(() => lockFolder(path)).toThrow(
      `another stint works on this run (process ${process.pid} on this machine)`,
    )
    lock.release()
    expect(readdirSync(path)).toEqual([])
    lockFolder(path).release()
  })

  it('is taken over from the dead', () => {
    const path = newFolder()
    for (const owner of [dead, recycled, beforeReboot]) writeFileSync(join(path, lockName(owner)), '')
    const lock = lockFolder(path)
    expect(readdirSync(path)).toEqual([lockName(me)])
    lock.release()
  })

  it.each([
    ['of another namespace', lockName(elsewhere), /on this machine/],
    [
      'of another machine, alive or not',
      lockName(beforeReboot, 'other-host'),
      /on other-host\)[\s\S]*remove /,
    ],
  ])('is left to a holder %s', (_name, name, message) => {
    const path = newFolder()
    writeFileSync(join(path, name), '')
    expect(() => lockFolder(path)).toThrow(message)
    expect(existsSync(join(path, name))).toBe(true)
    expect(readdirSync(path)).toEqual([name])
  })
})
