/** Colours are as the words of the command line say, or else as the environment and the terminal do. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { commandLine } from '../../../harness/cli/command-line.ts'
import { type Heard, heard } from '../../fixtures/heard.ts'

let said: Heard
beforeEach(() => {
  said = heard()
})
afterEach(async () => {
  // What one command chose is not kept for the next.
  await commandLine(['profiles'])
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  process.exitCode = undefined
})

it.each([
  { words: [], env: {}, coloured: false },
  { words: [], env: { FORCE_COLOR: '1' }, coloured: true },
  { words: [], env: { FORCE_COLOR: '1', NO_COLOR: '1' }, coloured: false },
  { words: ['--no-color'], env: { FORCE_COLOR: '1' }, coloured: false },
  { words: ['--color'], env: { NO_COLOR: '1' }, coloured: true },
  { words: ['--color=always'], env: {}, coloured: true },
  { words: ['--color=never'], env: { FORCE_COLOR: '1' }, coloured: false },
  { words: ['--color=auto'], env: { FORCE_COLOR: '1' }, coloured: true },
  { words: ['--color', '--no-color'], env: {}, coloured: false },
])('profiles $words with $env: colours $coloured', async ({ words, env, coloured }) => {
  const all: Record<string, string> = { NO_COLOR: '', FORCE_COLOR: '', ...env }
  for (const [name, value] of Object.entries(all)) vi.stubEnv(name, value)
  await commandLine(['profiles', ...words])
  expect(said.err).toBe('')
  expect(said.out).toContain('edge')
  expect(said.out.includes('\u001b[')).toBe(coloured)
})

it('before the command too, and never as a word of it', async () => {
  await commandLine(['--color', 'profiles'])
  expect(said.out).toContain('\u001b[')
})
