/** The package: its version, where it lies (from the sources, from build/ and from dist/ alike), and what the build puts into dist/. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** @throws where the installation has lost its package.json or configs/ */
export function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json')) || !existsSync(join(folder, 'configs'))) {
    const parent = dirname(folder)
    if (parent === folder) throw new Error('the package has lost its files; install stint again')
    folder = parent
  }
  return folder
}

/**
 * Absolute path of a file in dist/, such as `workers/worker.js`.
 * @throws where the project has not been built
 */
export function builtFile(name: string): string {
  const path = join(packageFolder(), 'dist', name)
  if (!existsSync(path)) throw new Error(`${path} is missing: run "npm run build" first`)
  return path
}

function readVersion(): string {
  const content = readFileSync(join(packageFolder(), 'package.json'), 'utf8')
  return (JSON.parse(content) as { version: string }).version
}

export const STINT_VERSION = readVersion()
