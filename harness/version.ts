import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageFolder } from './package-folder.ts'

function readVersion(): string {
  const content = readFileSync(join(packageFolder(), 'package.json'), 'utf8')
  return (JSON.parse(content) as { version: string }).version
}

export const STINT_VERSION = readVersion()
