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
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import type { WorkloadSource } from '../../workers/protocol/trial-spec.ts'
import { entryFile } from '../execute/local/entries.ts'
import { makeOwnedFolder, removeFolders } from '../ownership/leftovers.ts'
import { packageFolder } from '../package-folder.ts'
import { outsideHooks } from '../record/machine.ts'
import { BUILT_IN } from '../sweep/paths.ts'
import { GATE_DEFAULTS } from '../sweep/settings.ts'
import type { GateSettings } from '../sweep/types.ts'
import { UserError } from '../user-error.ts'
import { askGit, git, runCommand } from './git.ts'
import type { TimeLimit } from './time-limit.ts'

/** Name of the work tree in its temporary folder. */
const TREE = 'tree'

interface CheckoutOptions {
  /** As the user names the commit, in the repository of the sweep. */
  ref: string
  /** That named it. */
  option?: string
  /** Path of the sweep file. */
  sweep: string
  /** The candidate's. */
  workload: WorkloadSource
  settings: GateSettings
  /** Whether the working copy may be built too: it is where git does not keep the module, which the build then makes. Null: it is not played. */
  buildCandidate: boolean | null
  /** Builds and installs come on top of it. */
  limit: TimeLimit
  signal: AbortSignal
  onStep(text: string): void
}

export interface Checkout {
  /** `main (1a2b3c4)` */
  name: string
  /** The top of the work tree, which is gone when the message is read. */
  root: string
  /** The top of the working copy. */
  top: string
  /** Its whole hash. */
  commit: string
  /** Absolute path of the commit's own sweep file; null where it has none. */
  sweep: string | null
  /**
   * @param workload in the work tree or in the working copy
   * @returns what the commit has for it; `pipeline` where both versions run the pipeline of this Stint
   * @throws {UserError} where it has none
   */
  workloadOf(workload: WorkloadSource): Promise<WorkloadSource>
  remove(): void
}

/** How the other version is built where the sweep lies in the repository of the Stint that runs. */
const OWN_BUILD = 'npm run build'

/**
 * @throws {UserError} where the commit, the module in it or its build is not there; nothing is left behind then
 */
export async function checkOut(options: CheckoutOptions): Promise<Checkout> {
  const { ref, option = '--against', workload, settings, limit, signal, onStep } = options
  const run = (command: string, folder: string, what: string) =>
    limit.onTop(() => runCommand(command, folder, what, signal))
  const top = await repositoryOf(options.sweep, workload, signal)
  const isOwn =
    isWithin(top, packageFolder()) && !relative(top, packageFolder()).split(sep).includes(INSTALLED)
  // Else both versions run the pipeline that is installed.
  const module = workload !== BUILT_IN || isOwn ? insideOf(moduleFile(workload, options.sweep), top) : null
  const { commit, shown } = await commitOf(ref, option, top, signal)
  const name = `${shown} (${commit.slice(0, 7)})`

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
    await addSubmodules(top, tree, signal)
    const builtIn = workload === BUILT_IN
    const build = settings.build ?? (builtIn && isOwn ? OWN_BUILD : null)
    if (module !== null && !builtIn && options.buildCandidate !== null) {
      const made = (await askGit(top, ['ls-files', '--error-unmatch', '--', module], signal)) === null
      if (made && settings.build !== null && options.buildCandidate) {
        onStep(`building the working copy: ${settings.build}`)
        await run(settings.build, top, 'building the working copy')
      }
      if (!isFile(join(top, module))) {
        throw new UserError(
          `the working copy has no ${module}`,
          options.buildCandidate ? 'its build does not make it' : 'leave out --no-build, so that it is built',
        )
      }
    }
    if (module !== null) await giveDependencies({ top, tree, module }, settings, options)
    if (build !== null) {
      onStep(`building ${name}: ${build}`)
      await run(build, tree, `building ${name}`)
    }
    const then: Then = { top, tree, commit, name, isBuilt: build !== null, signal }
    const file = resolved(options.sweep)
    const sweep = isWithin(top, file) ? await pathThen(relative(top, file), then) : null
    const workloadOf = async (workload: WorkloadSource) => {
      if (workload === BUILT_IN && !isOwn) return BUILT_IN
      if (typeof workload === 'object') return { ...workload, folder: folderThen(workload.folder, then) }
      const file = moduleFile(workload, options.sweep)
      const inTree = isWithin(realpathSync(tree), file)
      const inside = inTree ? relative(realpathSync(tree), file) : insideOf(file, top)
      const found = await pathThen(inside, then)
      if (found === null) throw notThen(inside, then)
      return join(tree, found)
    }
    return {
      name,
      root: tree,
      top,
      commit,
      sweep: sweep === null ? null : join(tree, sweep),
      workloadOf,
      remove,
    }
  } catch (error) {
    remove()
    throw error
  }
}

/** The top of the sweep's repository; of the module's where the sweep lies in none. */
async function repositoryOf(sweep: string, workload: WorkloadSource, signal: AbortSignal): Promise<string> {
  const there = nearestExisting(dirname(resolve(sweep)))
  const top = await askGit(there, ['rev-parse', '--show-toplevel'], signal)
  if (top !== null) return realpathSync(top)
  return await topOf(workload === BUILT_IN ? there : dirname(moduleFile(workload, sweep)), signal)
}

/** The path within the repository. */
function insideOf(file: string, top: string): string {
  if (isWithin(top, file)) return relative(top, file)
  throw new UserError(
    `${file}: lies outside the repository of the sweep, ${top}, which keeps no other version of it`,
    'compare two files with --baseline-module FILE --candidate-module FILE',
  )
}

/** Absolute, without links. */
function resolved(path: string): string {
  const there = nearestExisting(resolve(path))
  return join(realpathSync(there), relative(there, resolve(path)))
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
export async function nameOfWorkingCopy(top: string, signal: AbortSignal): Promise<string> {
  const commit = await askGit(top, ['rev-parse', '--short=7', 'HEAD'], signal)
  const changes = await askGit(top, ['status', '--porcelain', '--untracked-files=no'], signal)
  if (commit === null) return 'the working copy'
  return `the working copy (${commit}${changes === '' ? '' : ' and changes'})`
}

/** Without links, also where a build is still to make it. A program runs beside its sweep. */
function moduleFile(workload: WorkloadSource, sweep: string): string {
  if (typeof workload === 'object') return resolved(sweep)
  return resolved(workload === BUILT_IN ? entryFile('pipeline/workload') : workload)
}

/** The folder of a program in the other version. */
function folderThen(folder: string, { top, tree }: Pick<Then, 'top' | 'tree'>): string {
  const here = resolved(folder)
  return isWithin(realpathSync(tree), here) ? here : join(tree, insideOf(here, top))
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

/** A branch of the remote counts as well, since a clone of one branch has no other of its own. */
async function commitOf(
  ref: string,
  option: string,
  top: string,
  signal: AbortSignal,
): Promise<{ commit: string; shown: string }> {
  const remotes = ((await askGit(top, ['remote'], signal)) ?? '').split('\n').filter(Boolean)
  const remote = remotes.includes('origin') ? 'origin' : remotes[0]
  const names = ref.startsWith('-') ? [] : [ref, ...(remote === undefined ? [] : [`${remote}/${ref}`])]
  for (const shown of names) {
    const commit = await askGit(top, ['rev-parse', '--verify', '--quiet', `${shown}^{commit}`], signal)
    if (commit) return { commit, shown }
  }
  throw new UserError(
    `${option} ${ref}: git knows no such commit in ${top}`,
    await fetching(ref, remote, top, signal),
  )
}

/** How to get a commit that is not there, in words that can be typed. */
async function fetching(
  ref: string,
  remote: string | undefined,
  top: string,
  signal: AbortSignal,
): Promise<string> {
  if ((await askGit(top, ['rev-list', '--all', '--max-count=1'], signal)) === '' && remote === undefined)
    return 'the repository has no commit yet: commit the sweep first, or compare two configurations by --set-candidate KEY=VALUE'
  if (remote === undefined) return '"git log --oneline --all" lists the commits that there are'
  const shallow = (await askGit(top, ['rev-parse', '--is-shallow-repository'], signal)) === 'true'
  // Of the ancestors, a shallow clone may lack what HEAD~1 or an abbreviated hash leads to.
  if (!/^[\w][\w./-]*$/.test(ref) || /^HEAD\b|^[0-9a-f]{4,39}$/.test(ref))
    return shallow
      ? `this clone is shallow: git -C ${top} fetch --unshallow`
      : `git -C ${top} fetch ${remote}`
  const depth = shallow ? '--depth=1 ' : ''
  const spec = /^[0-9a-f]{40}$/.test(ref) ? ref : `${ref}:refs/remotes/${remote}/${ref}`
  return `fetch it first, then try again: git -C ${top} fetch ${depth}${remote} ${spec}`
}

interface Then {
  top: string
  tree: string
  commit: string
  name: string
  isBuilt: boolean
  signal: AbortSignal
}

/** Where a file of the working copy lay in the other version; git knows of renamings. Null where it has none. */
async function pathThen(inside: string, then: Then): Promise<string | null> {
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
  return null
}

function notThen(inside: string, { name, isBuilt }: Then): UserError {
  return new UserError(
    `${name} has no ${inside}`,
    isBuilt
      ? 'its build does not make it, and git knows of no renaming'
      : 'if it is made by a build, say how: gate: { build: npm run build } in the sweep',
  )
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}

// ---------------------------------------------------------------- its submodules

/**
 * Gives the other version the submodules that the working copy has, each at the commit's own version. Out of the
 * working copy's, without a word to a server and without a change to them, where they have the commit.
 */
async function addSubmodules(top: string, tree: string, signal: AbortSignal): Promise<void> {
  const listed = await git(tree, ['ls-files', '--stage', '-z'], signal)
  for (const entry of listed.split('\0')) {
    const [, commit, path] = /^160000 ([0-9a-f]+) \d\t(.*)$/s.exec(entry) ?? []
    if (commit === undefined || path === undefined) continue
    const [from, to] = [join(top, path), join(tree, path)]
    // What the working copy does not have either is not needed.
    if (!existsSync(join(from, '.git'))) continue
    if ((await askGit(from, ['cat-file', '-e', `${commit}^{commit}`], signal)) !== null) {
      await git(tree, ['clone', '--quiet', '--shared', '--no-checkout', '--', from, to], signal)
      await git(to, ['checkout', '--quiet', '--detach', commit], signal)
    } else await git(tree, ['submodule', 'update', '--init', '--', path], signal)
    await addSubmodules(from, to, signal)
  }
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
  { limit, signal, onStep }: Pick<CheckoutOptions, 'limit' | 'signal' | 'onStep'>,
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
    const what = "installing the other version's dependencies"
    await limit.onTop(() => runCommand(command, join(tree, folder), what, signal))
    installed.push(folder)
  }
  for (const folder of folders) {
    if (installed.some((root) => isWithin(root, folder))) continue
    const [from, to] = [join(top, folder, INSTALLED), join(tree, folder, INSTALLED)]
    if (existsSync(from) && !existsSync(to)) linkPackages(realpathSync(from), to, trees)
  }
}

/** Where `inner` is `outer` or below it; both absolute or relative to the same folder, `.` for itself. */
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
