/**
 * What becomes of workloads that take memory without end under a 64 MB cap, with the kernel's backstop and without:
 * outcome, what ended them, and the largest resident size above an empty cell. Rewrites docs/evidence/memory-caps.md's table.
 *
 *   npm run build && node test/bench/memory-caps.mjs [rounds=3]
 */
import { availableParallelism, cpus, loadavg, release } from 'node:os'
import { fileURLToPath } from 'node:url'
import { LocalExecutor } from '../../build/harness/execute/local/executor.js'
import { rewriteBetween } from './markers.mjs'
import { trialOf } from './spec.mjs'

const CAP_MB = 64
const TIMEOUT_S = 4
const WAYS = {
  allocate: 'objects strings arrays doubling awaits map huge_array buffers typed_arrays',
  adversary:
    'slow_growth wasm_memory string_flattening shared_buffers zlib_streams zlib_bomb nested_workers timers message_to_parent message_without_touching functions rejections rejection regex_blowup deep_recursion loop exit abort abort_by_signal',
}
const [rounds = 3] = process.argv.slice(2).map(Number)
const document = fileURLToPath(new URL('../../docs/evidence/memory-caps.md', import.meta.url))

async function executorWith(backstop) {
  if (!backstop) process.env.STINT_MEMORY_BACKSTOP = 'none'
  const executor = new LocalExecutor({ onOutput() {} })
  delete process.env.STINT_MEMORY_BACKSTOP
  const { memory } = await executor.capabilities()
  return { executor, group: memory.find((mechanism) => mechanism.startsWith('cgroup')) ?? null }
}

const settings = [await executorWith(true), await executorWith(false)].filter(
  ({ group }, index) => index === 1 || group !== null,
)
const lines = Object.entries(WAYS).flatMap(([file, names]) =>
  names
    .split(' ')
    .map((how) => ({ file, how, outcomes: new Set(), enders: new Set(), peaks: settings.map(() => []) })),
)
const loads = []
for (let round = 0; round < rounds; round++) {
  for (const line of [...lines].sort(() => Math.random() - 0.5)) {
    for (const [index, { executor }] of settings.entries()) {
      loads.push(loadavg()[0])
      const { spec, resources } = trialOf(
        line.file,
        { how: line.how, steps: 5000 },
        { memory: CAP_MB, timeoutS: TIMEOUT_S },
      )
      executor.provide(resources)
      const { outcome, error, caps } = await executor.run(spec)
      line.outcomes.add(outcome)
      line.enders.add(`${error?.name ?? 'nothing'}${error?.exit ? ` (${error.exit})` : ''}`)
      const peak = caps.memory.peak_above_idle_mb
      if (peak !== null) line.peaks[index].push(peak)
      process.stderr.write(`round ${round + 1}: ${line.how} ${outcome} ${peak?.toFixed(1)} MB\n`)
    }
  }
}
for (const { executor } of settings) await executor.close()

const heads = settings.map(({ group }) => (group === null ? 'without cgroups' : `with ${group}`))
const most = (peaks) => (peaks.length === 0 ? 'not read' : Math.max(...peaks).toFixed(1))
const rows = lines.map(({ how, outcomes, enders, peaks }) => {
  const cells = [how, [...outcomes].join(', '), [...enders].join(', '), ...peaks.map(most)]
  return `| ${cells.join(' | ')} |`
})
const over = settings.map((_, index) => Math.max(...lines.flatMap(({ peaks }) => peaks[index])) - CAP_MB)
const text = `Measured ${new Date().toISOString().slice(0, 10)} on ${availableParallelism()} cores (${cpus()[0].model.trim()}), Linux ${release()}, Node ${process.versions.node}: ${rounds} trials a line and column under a cap of ${CAP_MB} MB, one-minute load ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}. Largest peak beyond the cap: ${over.map((mb, index) => `${mb.toFixed(1)} MB ${heads[index]}`).join(', ')}.

| what it does | outcome | ended by | ${heads.map((head) => `peak above empty, MB, ${head}`).join(' | ')} |
|---|---|---|${heads.map(() => '---|').join('')}
${rows.join('\n')}`
rewriteBetween(document, 'memory-caps', text)
process.stdout.write(`${text}\n`)
