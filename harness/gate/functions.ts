/** Which functions take longer in the candidate, from a CPU profile of each version. */
import { basename, dirname, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FunctionGrowth } from './types.ts'

/** What is read of a `.cpuprofile`. */
interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  samples: number[]
  /** Since the sample before, us. */
  timeDeltas: number[]
}

interface SelfTime {
  name: string
  file: string
  /** From 1; 0 where it has none. */
  line: number
  ms: number
}

const MOST = 10
/** Not functions of anybody's: time when nothing ran, and the sampler's own. */
const NOT_RUN = new Set(['(idle)', '(program)', '(root)'])

/**
 * The functions whose self time grew most, largest growth first. Functions of both versions are the same where name and
 * file are, whatever line they moved to.
 * @param text of both profiles, as JSON, and the module of each version, next to which its files are named
 */
export function functionGrowth(
  baseline: { text: string; module: string },
  candidate: { text: string; module: string },
): FunctionGrowth[] {
  const before = selfTimes(baseline)
  const growths = [...selfTimes(candidate)].map(([key, { name, file, line, ms }]): FunctionGrowth => {
    return { name, file, line, baseline_ms: before.get(key)?.ms ?? 0, candidate_ms: ms }
  })
  const growth = ({ baseline_ms, candidate_ms }: FunctionGrowth) => candidate_ms - baseline_ms
  return growths
    .filter((one) => growth(one) > 0)
    .sort((a, b) => growth(b) - growth(a))
    .slice(0, MOST)
}

function selfTimes({ text, module }: { text: string; module: string }): Map<string, SelfTime> {
  const { nodes, samples, timeDeltas } = JSON.parse(text) as CpuProfile
  const perNode = new Map<number, number>()
  for (const [i, id] of samples.entries())
    perNode.set(id, (perNode.get(id) ?? 0) + Math.max(0, timeDeltas[i] ?? 0) / 1000)
  const times = new Map<string, SelfTime>()
  for (const { id, callFrame } of nodes) {
    const ms = perNode.get(id) ?? 0
    if (ms === 0 || NOT_RUN.has(callFrame.functionName)) continue
    const name = callFrame.functionName || '(anonymous)'
    const file = fileOf(callFrame.url, module)
    const key = JSON.stringify([name, file])
    const known = times.get(key)
    times.set(key, { name, file, line: known?.line ?? callFrame.lineNumber + 1, ms: (known?.ms ?? 0) + ms })
  }
  return times
}

/** Next to the module, whose own name may be another in either version. */
function fileOf(url: string, module: string): string {
  if (url === '') return 'native code'
  if (!url.startsWith('file:')) return url
  const path = fileURLToPath(url)
  if (path === module) return 'the workload'
  const inside = relative(dirname(module), path)
  return inside.startsWith('..') ? `…/${basename(path)}` : inside
}
