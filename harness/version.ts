import { readFileSync } from 'node:fs'

/** Works from the sources and from dist/, which lies one folder deeper. */
function readVersion(): string {
  for (const place of ['../package.json', '../../package.json']) {
    try {
      return (JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8')) as { version: string })
        .version
    } catch {
      // Not here: try the next place.
    }
  }
  throw new Error('package.json is missing from the installation; install stint again')
}

export const STINT_VERSION = readVersion()
