/** Where the entry files of the workers lie: processes and threads start from compiled files alone. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export type Entry = 'host' | 'duet' | 'prepare' | 'governor' | 'probe'

/**
 * Absolute path of an entry file of `workers/`. From TypeScript sources (tests) it is the one in `dist/`.
 * @throws where the project has not been built
 */
export function entryFile(entry: Entry): string {
  const workers = import.meta.url.endsWith('.ts') ? '../../dist/workers/' : '../../workers/'
  const path = fileURLToPath(new URL(`${workers}${entry}.js`, import.meta.url))
  if (!existsSync(path)) throw new Error(`${path} is missing: run "npm run build" first`)
  return path
}
