/** Where the entry files of the workers lie: processes and threads start from compiled files only. */

import { OWNER_VARIABLE } from '../../ownership/leftovers.ts'
import { ownerToken, thisProcess } from '../../ownership/owner.ts'
import { builtFile } from '../../package-folder.ts'

export type Entry = 'trial-process' | 'duet-process' | 'prepare' | 'supervisor' | 'probe' | 'publisher'

/**
 * Absolute path of an entry file of `workers/`.
 * @throws where the project has not been built
 */
export function entryFile(entry: Entry | 'pipeline/workload'): string {
  return builtFile(`workers/${entry}.js`)
}

/** Variables that would change a trial: V8 flags (`--max-old-space-size` defeats a worker's limits) and coverage. */
const NOT_INHERITED = ['NODE_OPTIONS', 'NODE_V8_COVERAGE']

/** The coordinator's environment as its processes see it. */
export function workerEnvironment(extra: Record<string, string>): Record<string, string> {
  const environment: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !NOT_INHERITED.includes(name)) environment[name] = value
  }
  return { ...environment, [OWNER_VARIABLE]: ownerToken(thisProcess()), ...extra }
}
