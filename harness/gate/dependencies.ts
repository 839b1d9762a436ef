/** What the other version imports: the working copy's installed packages by links, or its own where the lock file differs. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
} from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { GATE_DEFAULTS } from '../sweep/settings.ts'
import type { GateSettings } from '../sweep/types.ts'
import { UserError } from '../user-error.ts'
import { git, runCommand } from './git.ts'

const LOCK_FILES = [
  'package-lock.json',
  'npm-shrinkwrap.json',
  'yarn.lock',
  'pnpm-lock.yaml',
  'bun.lock',
] as const

const INSTALLED = 'node_modules'

export interface Trees {
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
export async function giveDependencies(
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
