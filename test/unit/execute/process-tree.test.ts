/** What a tree of processes counts of those that ended between two looks. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { ProcessTree } from '../../../workers/caps/process-tree.ts'

const TEMPORARY = join(tmpdir(), `stint-tree-${process.pid}`)
/** Works, says so, and waits for a word to end. */
const WORKS = `while (process.cpuUsage().user + process.cpuUsage().system < 200000);
  console.log('done'); process.stdin.once('data', () => process.exit())`

const started: ChildProcess[] = []
function start(code: string, env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, ['-e', code], { env, stdio: ['pipe', 'pipe', 'ignore'] })
  started.push(child)
  return child
}
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
})

// Its parent is this process, which waits for it at once and is none of the tree.
it.skipIf(process.platform !== 'linux')(
  'keeps what a process without a parent in it used until the last look',
  async () => {
    const root = start('setInterval(() => {}, 1000)', {})
    await once(root, 'spawn')
    const tree = new ProcessTree(root.pid!, TEMPORARY)
    tree.begin()
    const alone = start(WORKS, { TMPDIR: TEMPORARY })
    await once(alone, 'spawn')
    tree.look()
    await once(alone.stdout!, 'data')
    tree.note()
    const ended = once(alone, 'close')
    alone.stdin!.write('end')
    await ended
    expect(tree.pids()).toEqual([])
    expect(tree.usage().cpuMs).toBeGreaterThanOrEqual(180)
    expect(tree.count).toBe(1)
    tree.close()
  },
)
