/** The other version of a workload: checked out of git into a temporary work tree, built, and taken away again. */
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative, sep } from 'node:path'
import { entryFile } from '../execute/local/entries.ts'
import { makeOwnedFolder, removeFolders } from '../ownership/leftovers.ts'
import { outsideHooks } from '../record/machine.ts'
import { GATE_DEFAULTS } from '../sweep/settings.ts'
import type { GateSettings } from '../sweep/types.ts'
import { UserError } from '../user-error.ts'
import { askGit, git, runCommand } from './git.ts'

/** Name of the work tree in its temporary folder. */
const TREE = 'tree'

interface CheckoutOptions {
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

// ---------------------------------------------------------------- its packages: links to the working copy's, or its own where the lock file differs

const LOCK_FILES = [
  'package-lock.json',
  'npm-shrinkwrap.json',
  'yarn.lock',
  'pnpm-lock.yaml',
  'bun.lock',
] as const

const INSTALLED = 'node_modules'

interface Trees {
  /** The working copy. */
  top: string
  /** The other version. */
  tree: string
  /** The workload's path in both. */
  module: string
}

/**
 * Every package of the other version gets the packages that the working copy's has, by links. Where a lock file above
 * the workload differs, its packages are installed instead.
 * @throws {UserError} where that fails, or nobody said how
 */
async function giveDependencies(
  trees: Trees,
  { install }: Pick<GateSettings, 'install'>,
  { signal, onStep }: { signal: AbortSignal; onStep(text: string): void },
): Promise<void> {
  const { top, tree, module } = trees
  const listed = await git(tree, ['ls-files', '-z', '--', ':(glob)**/package.json'], signal)
  const folders = listed.split('\0').filter(Boolean).map(dirname)
  const above = folders.filter((folder) => isWithin(folder, dirname(module)))
  const installed: string[] = []
  for (const folder of above) {
    const lock = differingLock(join(top, folder), join(tree, folder))
    if (lock === null) continue
    const command = install ?? (lock === 'package-lock.json' ? GATE_DEFAULTS.install : null)
    if (command === null) {
      throw new UserError(
        `${join(folder, lock)} is not what it was, so the other version needs dependencies of its own`,
        'say how to install them: gate: { install: COMMAND } in the sweep',
      )
    }
    onStep(`${join(folder, lock)} is not what it was; installing: ${command}`)
    await runCommand(command, join(tree, folder), "installing the other version's dependencies", signal)
    installed.push(folder)
  }
  for (const folder of folders) {
    if (installed.some((root) => isWithin(root, folder))) continue
    const [from, to] = [join(top, folder, INSTALLED), join(tree, folder, INSTALLED)]
    if (existsSync(from) && !existsSync(to)) linkPackages(realpathSync(from), to, trees)
  }
}

/** Where `inner` is `outer` or below it; both relative to the same folder, `.` for itself. */
function isWithin(outer: string, inner: string): boolean {
  return outer === '.' || inner === outer || inner.startsWith(outer + sep)
}

/** The other version's lock file, where it is not the working copy's. */
function differingLock(top: string, tree: string): string | null {
  const lock = LOCK_FILES.find((name) => existsSync(join(tree, name)))
  if (lock === undefined) return null
  const [mine, other] = [join(top, lock), join(tree, lock)]
  return existsSync(mine) && readFileSync(mine).equals(readFileSync(other)) ? null : lock
}

/** One link to all; but a workspace's own packages are the other version's, or the change would be on both sides. */
function linkPackages(from: string, to: string, trees: Trees): void {
  if (!holdsOwnPackages(from, trees)) {
    symlinkSync(from, to, 'dir')
    return
  }
  mkdirSync(to)
  for (const name of readdirSync(from)) {
    const [source, link] = [join(from, name), join(to, name)]
    if (name.startsWith('@') && !lstatSync(source).isSymbolicLink()) linkPackages(source, link, trees)
    else {
      const target = counterpart(source, trees)
      if (target !== null) symlinkSync(target, link)
    }
  }
}

function holdsOwnPackages(folder: string, trees: Trees): boolean {
  return readdirSync(folder).some((name) => {
    const path = join(folder, name)
    if (name.startsWith('@') && !lstatSync(path).isSymbolicLink()) return holdsOwnPackages(path, trees)
    return ownFolder(path, trees) !== null
  })
}

/** What the link in the other version leads to; null for a package that it does not have yet. */
function counterpart(path: string, trees: Trees): string | null {
  const own = ownFolder(path, trees)
  if (own === null) return path
  const other = join(trees.tree, own)
  return existsSync(other) ? other : null
}

/** The folder of the repository that an entry of `node_modules` is a link to, relative to its top. */
function ownFolder(path: string, { top }: Trees): string | null {
  if (!lstatSync(path).isSymbolicLink() || !existsSync(path)) return null
  const inside = relative(top, realpathSync(path))
  const parts = inside.split(sep)
  return parts[0] === '..' || parts.includes(INSTALLED) ? null : inside
}
