/** Trials' temporary files go, whatever a workload did to them. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { removeTemporary } from '../../../workers/protocol/temporary.ts'

it('are removed from folders that are closed to their owner, and links lead nowhere', () => {
  const folder = mkdtempSync(join(tmpdir(), 'temporary-'))
  const kept = join(folder, 'kept')
  const inner = join(folder, 'trials', '1')
  mkdirSync(kept)
  writeFileSync(join(kept, 'file'), '')
  chmodSync(kept, 0o500)
  mkdirSync(inner, { recursive: true })
  writeFileSync(join(inner, 'file'), '')
  symlinkSync(kept, join(inner, 'link'))
  // Root passes in any case.
  chmodSync(inner, 0)
  removeTemporary(join(folder, 'trials'))
  expect([existsSync(join(folder, 'trials')), existsSync(join(kept, 'file'))]).toEqual([false, true])
  removeTemporary(join(folder, 'trials'))
  chmodSync(kept, 0o700)
  rmSync(folder, { recursive: true })
})
