/** Where larger fixtures lie that are not part of the project; tests that need them skip when they are absent. */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Path of a shared fixture, which may not exist: below STINT_EXTRA_DATA, by default a folder `shared` beside the project. */
export function shared(name: string): string {
  return resolve(root, process.env['STINT_EXTRA_DATA'] ?? resolve(root, '..', 'shared'), name)
}
