/**
 * Runs git, and the user's own commands, so that an interrupt ends them and all that they started. execa and tinyexec end
 * only the child itself, and tinyexec looks for git in the repository's node_modules first.
 */
import { spawn } from 'node:child_process'
import { OWNER_VARIABLE } from '../ownership/leftovers.ts'
import { ownerToken, thisProcess } from '../ownership/owner.ts'
import { outsideHooks } from '../record/machine.ts'
import { plain } from '../report/words.ts'
import { UserError } from '../user-error.ts'

/** The end of what a command said is what says why it failed. */
const KEPT = 4000
/** For ending by itself when interrupted. */
const PATIENCE_MS = 2000

interface Done {
  code: number | null
  stdout: string
  /** What it said on stderr, and on stdout too, as it came. */
  output: string
}

/** @returns what git wrote to stdout, without the last line end */
export async function git(folder: string, words: readonly string[], signal: AbortSignal): Promise<string> {
  const { code, stdout, output } = await finished(['git', '-C', folder, ...words], folder, signal)
  if (code === 0) return stdout.trim()
  throw new UserError(`git ${words.join(' ')} failed in ${folder}: ${plain(output.trim())}`)
}

/** As `git`, but null where git says no. */
export async function askGit(
  folder: string,
  words: readonly string[],
  signal: AbortSignal,
): Promise<string | null> {
  const { code, stdout } = await finished(['git', '-C', folder, ...words], folder, signal)
  return code === 0 ? stdout.trim() : null
}

/** @throws {UserError} with the end of the output where the command fails */
export async function runCommand(
  command: string,
  folder: string,
  what: string,
  signal: AbortSignal,
): Promise<void> {
  const { code, output } = await finished(['sh', '-c', command], folder, signal)
  if (code === 0) return
  const last = output.trim().split('\n').slice(-12).map(plain).join('\n  ')
  throw new UserError(`${what} failed: "${command}" ended with exit code ${code} in ${folder}\n  ${last}`)
}

function finished(words: readonly string[], folder: string, signal: AbortSignal): Promise<Done> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const [program = '', ...rest] = words
    const child = spawn(program, rest, {
      cwd: folder,
      env: { ...outsideHooks(), [OWNER_VARIABLE]: ownerToken(thisProcess()) },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that all of it can be ended.
      detached: true,
    })
    let stdout = ''
    let output = ''
    const take = (text: string) => {
      output = (output + text).slice(-KEPT)
    }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      take(text)
    })
    child.stderr.setEncoding('utf8').on('data', take)
    let forced: NodeJS.Timeout | undefined
    const stop = () => {
      // Asked first: git takes back what it has half done.
      endGroup(child.pid, 'SIGTERM')
      forced = setTimeout(() => endGroup(child.pid, 'SIGKILL'), PATIENCE_MS)
    }
    signal.addEventListener('abort', stop, { once: true })
    child.once('error', (error) => {
      signal.removeEventListener('abort', stop)
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
      reject(missing ? new UserError(`${program} is not installed, and this needs it`) : error)
    })
    child.once('close', (code) => {
      signal.removeEventListener('abort', stop)
      clearTimeout(forced)
      if (signal.aborted) reject(signal.reason)
      else resolve({ code, stdout, output })
    })
  })
}

function endGroup(pid: number | undefined, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, name)
  } catch {
    // It has just ended.
  }
}
