/** Where the package lies: from the sources, from dist/ and from what the build puts together alike. */
import { existsSync } from 'node:fs'
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
