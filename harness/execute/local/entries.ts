/** Where the entry files of the workers lie: processes and threads start from compiled files only. */

import { builtFile } from '../../package-folder.ts'

export type Entry = 'trial-process' | 'duet-process' | 'prepare' | 'supervisor' | 'probe' | 'publisher'

/**
 * Absolute path of an entry file of `workers/`.
 * @throws where the project has not been built
 */
export function entryFile(entry: Entry | 'pipeline/workload'): string {
  return builtFile(`workers/${entry}.js`)
}
