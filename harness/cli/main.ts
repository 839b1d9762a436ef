#!/usr/bin/env node
/** Answers `--version` itself, for which nothing need be loaded, and leaves all other words to the command line. */
import { STINT_VERSION } from '../index.ts'
import { answer, surviveLostReaders } from './console.ts'

surviveLostReaders()

const words = process.argv.slice(2)
if (words.length === 1 && words[0] === '--version') answer(STINT_VERSION)
else await (await import('./command-line.ts')).commandLine(words)
