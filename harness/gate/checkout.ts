/** The other version of a workload: checked out of git into a temporary work tree, built, and taken away again. */
import { spawnSync } from 'node:child_process'
import { existsSync, realpathSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative, sep } from 'node:path'
import { entryFile } from '../execute/local/entries.ts'
import { makeOwnedFolder, removeFolders } from '../ownership/leftovers.ts'
import { outsideHooks } from '../record/git.ts'
import type { GateSettings } from '../sweep/types.ts'
import { UserError } from '../user-error.ts'
import { giveDependencies } from './dependencies.ts'
import { askGit, git, runCommand } from './git.ts'

/** Name of the work tree in its temporary folder. */
const TREE = 'tree'

export interface CheckoutOptions {
  /** As the user names the commit. */
  ref: string
  /** `pipeline` or the absolute path of the candidate's module. */
  workload: string
  settings: GateSettings
  /** Whether the working copy is built too. */
  buildCandidate: boolean
  signal: AbortSignal
  onStep(text: string): void
}

export interface Checkout {
  /** Absolute path of the other version's module. */
  workload: string
  /** `main (1a2b3c4)` */
  name: string
  /** The top of the work tree, which is gone when the message is read. */
  root: string
  remove(): void
}

/**
 * @throws {UserError} where the commit, the module in it or its build is not there; nothing is left behind then
 */
export async function checkOut(options: CheckoutOptions): Promise<Checkout> {
  const { ref, settings, signal, onStep } = options
  const module = moduleFile(options.workload)
  const top = await topOf(dirname(module), signal)
  const inside = relative(top, module)
  if (inside.split(sep).includes('node_modules')) {
    throw new UserError(
      `${module}: is an installed package, of which git keeps no versions`,
      'gate a module of your own, or two installed copies with --baseline-module FILE --candidate-module FILE',
    )
  }
  const commit = await commitOf(ref, top, signal)
  const name = `${ref} (${commit.slice(0, 7)})`

  // What an earlier gate left that was killed.
  removeFolders(tmpdir())
  await forgetLostTrees(top, signal)
  const parent = makeOwnedFolder()
  const tree = join(parent, TREE)
  const remove = () => {
    process.off('exit', remove)
    // Forced twice: one that git was interrupted at is locked.
    const words = ['-C', top, 'worktree', 'remove', '--force', '--force', tree]
    const quietly = { stdio: 'ignore', env: outsideHooks() } as const
    spawnSync('git', words, quietly)
    rmSync(parent, { recursive: true, force: true })
  }
  // A second Ctrl-C leaves without a word to anyone else.
  process.on('exit', remove)
  try {
    onStep(`checking out ${name}`)
    await git(top, ['worktree', 'add', '--detach', '--quiet', tree, commit], signal)
    if (settings.build !== null && options.buildCandidate) {
      onStep(`building the working copy: ${settings.build}`)
      await runCommand(settings.build, top, 'building the working copy', signal)
    }
    if (!isFile(module)) {
      throw new UserError(
        `the working copy has no ${inside}`,
        options.buildCandidate ? 'its build does not make it' : 'leave out --no-build, so that it is built',
      )
    }
    await giveDependencies({ top, tree, module: inside }, settings, options)
    if (settings.build !== null) {
      onStep(`building ${name}: ${settings.build}`)
      await runCommand(settings.build, tree, `building ${name}`, signal)
    }
    const workload = join(tree, await pathThen(inside, { top, tree, commit, name, settings, signal }))
    return { workload, name, root: tree, remove }
  } catch (error) {
    remove()
    throw error
  }
}

/** Git remembers work trees whose folder is gone: those of killed gates, and none that lies on a drive of the user's. */
async function forgetLostTrees(top: string, signal: AbortSignal): Promise<void> {
  const listed = (await askGit(top, ['worktree', 'list', '--porcelain'], signal)) ?? ''
  const trees = listed.split('\n').flatMap((line) => /^worktree (.*)$/.exec(line)?.[1] ?? [])
  for (const tree of trees) {
    const ours = basename(tree) === TREE && basename(dirname(tree)).startsWith('stint-')
    if (ours && !existsSync(tree))
      await askGit(top, ['worktree', 'remove', '--force', '--force', tree], signal)
  }
}

/** What the working copy is called, with its commit where it is one. */
export async function nameOfWorkingCopy(workload: string, signal: AbortSignal): Promise<string> {
  const top = await topOf(dirname(moduleFile(workload)), signal)
  const commit = await askGit(top, ['rev-parse', '--short=7', 'HEAD'], signal)
  const changes = await askGit(top, ['status', '--porcelain', '--untracked-files=no'], signal)
  if (commit === null) return 'the working copy'
  return `the working copy (${commit}${changes === '' ? '' : ' and changes'})`
}

/** Without links, also where a build is still to make it. */
function moduleFile(workload: string): string {
  const path = workload === 'pipeline' ? entryFile('pipeline/workload') : workload
  const there = nearestExisting(path)
  return join(realpathSync(there), relative(there, path))
}

function nearestExisting(path: string): string {
  return existsSync(path) ? path : nearestExisting(dirname(path))
}

async function topOf(folder: string, signal: AbortSignal): Promise<string> {
  const there = nearestExisting(folder)
  const top = await askGit(there, ['rev-parse', '--show-toplevel'], signal)
  if (top !== null) return realpathSync(top)
  // Git's own words: it also refuses a repository that another user owns.
  const reason = await git(there, ['rev-parse', '--show-toplevel'], signal).catch(
    (error: Error) => error.message,
  )
  throw new UserError(
    `${there}: there is no other version to check out: ${reason}`,
    'compare two files with --baseline-module FILE --candidate-module FILE',
  )
}

async function commitOf(ref: string, top: string, signal: AbortSignal): Promise<string> {
  const commit = ref.startsWith('-')
    ? null
    : await askGit(top, ['rev-parse', '--verify', '--quiet', `${ref}^{commit}`], signal)
  if (commit !== null && commit !== '') return commit
  throw new UserError(
    `--against ${ref}: git knows no such commit in ${top}`,
    'a shallow clone has one commit alone: fetch the other first, such as "git fetch origin main", or clone with fetch-depth: 0',
  )
}

interface Then {
  top: string
  tree: string
  commit: string
  name: string
  settings: GateSettings
  signal: AbortSignal
}

/** Where the module lay in the other version; git knows of renamings. */
async function pathThen(inside: string, then: Then): Promise<string> {
  if (isFile(join(then.tree, inside))) return inside
  const listed = await askGit(
    then.top,
    ['diff', '--name-status', '--find-renames', '--diff-filter=R', '-z', then.commit],
    then.signal,
  )
  const fields = (listed ?? '').split('\0')
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const [before, after] = [fields[at + 1]!, fields[at + 2]!]
    if (after === inside.replaceAll(sep, '/') && isFile(join(then.tree, before))) return before
  }
  throw new UserError(
    `${then.name} has no ${inside}`,
    then.settings.build === null
      ? 'if it is made by a build, say how: gate: { build: npm run build } in the sweep'
      : 'its build does not make it, and git knows of no renaming',
  )
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}
