/** Which workload a sweep means. */
import { existsSync } from 'node:fs'
import { absolute, type Folders, missingFile } from './paths.ts'
import type { Places } from './places.ts'
import type { Finding } from './problems.ts'

export const BUILT_IN = 'pipeline'
const MODULE = /\.(?:js|mjs|cjs|ts|mts)$/
/** From this version on Node strips types by itself. */
const NODE_THAT_READS_TYPESCRIPT = [22, 18] as const

function readsTypeScript(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [needMajor, needMinor] = NODE_THAT_READS_TYPESCRIPT
  return major > needMajor || (major === needMajor && minor >= needMinor)
}

/**
 * `pipeline`, or the absolute path of the user's module; a finding where that cannot be one.
 * @param toBuild the module need not be there yet
 */
export function resolveWorkload(
  workload: unknown,
  places: Places,
  folders: Folders,
  toBuild: boolean,
): string | Finding {
  // What is not a text has been refused by the schema.
  if (workload === BUILT_IN || typeof workload !== 'string') return BUILT_IN
  const located = places.locate('workload', workload)
  if (!MODULE.test(workload)) {
    const hint = 'write `pipeline` for the built-in one, or a path such as ./my-workload.mjs'
    return { ...located, what: `no workload called "${workload}"`, hint }
  }
  if (/ts$/.test(workload) && !readsTypeScript(process.versions.node)) {
    const hint = 'compile it to .mjs, or use Node 22.18 or later'
    return { ...located, what: `Node ${process.versions.node} cannot load TypeScript`, hint }
  }
  const path = absolute(workload, located.place, folders)
  if (toBuild && !existsSync(path)) return path
  return missingFile(path, 'workload', workload, places.locate) ?? path
}
