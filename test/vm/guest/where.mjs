/** Works for a while and tells the cgroup that it works in; starts other programs where asked to. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

const KEEP = 'const kept = []; for (let i = 0; i < 400; i++) kept.push(Buffer.alloc(1 << 20, i));'
const PROGRAMS = {
  none: null,
  burns: 'for (;;);',
  // Takes more memory than the trial may.
  eats: `${KEEP} setInterval(() => {}, 1000)`,
  // Shared memory is no part of a process's own, so that the kernel's count is the only one of it.
  shares: `const fs = require('node:fs'); const path = '/dev/shm/stint-' + process.pid; const file = fs.openSync(path, 'w'); fs.unlinkSync(path); const mb = Buffer.alloc(1 << 20, 1); for (let i = 0; i < 400; i++) fs.writeSync(file, mb); setInterval(() => {}, 1000)`,
  // Nobody is the parent of what it starts.
  orphan: `require('node:child_process').spawn(process.execPath, ['-e', 'for (;;);//stint-child'], { stdio: 'ignore', detached: true, env: {} }).unref()`,
}

export default {
  describe: () => ({
    name: 'where',
    dataset: 'none',
    params: {
      work_ms: { type: 'number', default: 3000, description: 'time to work for' },
      starts: {
        type: 'string',
        values: Object.keys(PROGRAMS),
        default: 'none',
        description: 'another program',
      },
      keep_mb: { type: 'number', default: 0, description: 'memory to take' },
    },
    metrics: {},
  }),
  open({ params: { work_ms, starts, keep_mb }, warmup }) {
    let until = null
    const kept = []
    let steps = 0
    return {
      async step() {
        // A slow machine takes a while from here to the first step.
        until ??= performance.now() + work_ms
        const filled = warmup || kept.length >= keep_mb
        if (steps > 0 && filled && performance.now() > until) return null
        if (steps++ === 0 && PROGRAMS[starts] !== null && !warmup)
          spawn(process.execPath, ['-e', `${PROGRAMS[starts]}//stint-child`], {
            stdio: 'ignore',
            detached: true,
            env: {},
          }).unref()
        if (kept.length < keep_mb && !warmup) {
          // All of it, however slow the machine is.
          kept.push(Buffer.alloc(1 << 20, 1))
          return { rows: 1 }
        }
        for (const end = performance.now() + 20; performance.now() < end; );
        await new Promise((resolve) => setTimeout(resolve, 0))
        return { rows: 1 }
      },
      finish: () => ({ metrics: {}, info: { cgroup: readFileSync('/proc/self/cgroup', 'latin1').trim() } }),
    }
  },
}
