/** What an agent keeps on its disk: data and code by hash, and results until the server has them. */
import { createHash, randomBytes } from 'node:crypto'
import {
  createReadStream,
  createWriteStream,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { WorkloadSource } from '../../../workers/protocol/trial-spec.ts'
import { unfinishedName } from '../../record/atomic.ts'
import { userCache } from '../../record/written.ts'
import { UserError } from '../../user-error.ts'
import { hashWorkload } from '../workload-code.ts'
import { unpackBundle, unpackedIn } from './bundle.ts'
import type { Outcome } from './messages.ts'

/** Marks a job of which the server has everything. */
const DONE = 'done'
/** Jobs that stay after that. */
const KEPT = 8
const DAY_MS = 86_400_000
/** Data and code that nothing used for so long is removed. */
const UNUSED_MS = 14 * DAY_MS

/** @throws {UserError} where this user has no home */
export function defaultAgentFolder(): string {
  const cache = userCache()
  if (cache !== null) return join(cache, 'agent')
  throw new UserError(
    'this user has no home folder in which the agent could keep data, code and results',
    'name a folder of its own by --cache or XDG_CACHE_HOME',
  )
}

export class AgentDisk {
  readonly folder: string
  /** Of this machine with this folder: the same as long as both last, and another where the folder was copied. */
  readonly id: string
  /** Whether the folder was made on another machine, or with other hardware. */
  readonly isCopy: boolean
  private readonly outbox: string
  /** The folder that was made last. */
  private made = ''
  /** Folders of jobs that are done, the oldest first. */
  private readonly finished: string[] = []
  /** States of files in which they were found whole. */
  private readonly known = new Map<string, string>()
  /** Data and code that come now: slots that need the same wait for one. */
  private readonly coming = new Map<string, Promise<unknown>>()

  /**
   * @param name of the agent: one with the same name takes up what another left
   * @param hardware of this machine, as `hardwareMark` has it
   */
  constructor(folder: string, name: string, hardware: string | null) {
    this.folder = folder
    this.outbox = join(folder, 'results', name)
    for (const part of ['data', 'code']) mkdirSync(join(folder, part), { recursive: true })
    mkdirSync(this.outbox, { recursive: true })
    this.id = idOf(folder, hardware)
    this.isCopy = hardware !== null && writtenOnce(join(folder, 'made-on'), () => hardware) !== hardware
    for (const part of ['data', 'code']) removeOlder(join(folder, part), UNUSED_MS)
    // Results that were not handed in stay, however old: by the clock of a board without a battery they may be of 1970.
    for (const run of entries(this.outbox)) {
      const done = entries(join(this.outbox, run)).map((key) => join(this.outbox, run, key))
      this.finished.push(...done.filter(isDone))
    }
  }

  // ---------------------------------------------------------------- data and code

  /**
   * @param fetch called where the file is not there yet
   * @throws where what was fetched is not of this hash
   */
  data(sha256: string, ending: string, fetch: () => Promise<AsyncIterable<Uint8Array>>): Promise<string> {
    const path = join(this.folder, 'data', sha256 + ending)
    return this.once(path, () => this.dataIn(path, sha256, fetch))
  }

  private once<Found>(path: string, get: () => Promise<Found>): Promise<Found> {
    const there = this.coming.get(path) as Promise<Found> | undefined
    if (there !== undefined) return there
    const coming = get().finally(() => this.coming.delete(path))
    this.coming.set(path, coming)
    return coming
  }

  private async dataIn(
    path: string,
    sha256: string,
    fetch: () => Promise<AsyncIterable<Uint8Array>>,
  ): Promise<string> {
    if (await this.isWhole(path, sha256)) return path
    const unfinished = unfinishedName(path)
    try {
      const hash = createHash('sha256')
      await pipeline(
        await fetch(),
        async function* hashed(parts: AsyncIterable<Uint8Array>) {
          for await (const part of parts) {
            hash.update(part)
            yield part
          }
        },
        createWriteStream(unfinished, { flush: true } as object),
      )
      const found = hash.digest('hex')
      if (found !== sha256) throw new Error(`data that was to have the hash ${sha256} came with ${found}`)
      renameSync(unfinished, path)
      return path
    } finally {
      rmSync(unfinished, { force: true })
    }
  }

  /** Read again where its time or size is another: what ran here may have touched it. */
  private async isWhole(path: string, sha256: string): Promise<boolean> {
    if (!existsSync(path)) return false
    const known = this.known.get(path)
    const { size, mtimeMs, ctimeMs } = statSync(path)
    const stamp = `${size} ${mtimeMs} ${ctimeMs}`
    if (known !== stamp) {
      const hash = createHash('sha256')
      for await (const part of createReadStream(path)) hash.update(part as Buffer)
      if (hash.digest('hex') !== sha256) return false
    }
    touch(path)
    const now = statSync(path)
    this.known.set(path, `${now.size} ${now.mtimeMs} ${now.ctimeMs}`)
    return true
  }

  /** The workload of a bundle, kept under its hash. */
  code(sha256: string, fetch: () => Promise<unknown>): Promise<WorkloadSource> {
    const folder = join(this.folder, 'code', sha256)
    return this.once(folder, () => this.codeIn(folder, sha256, fetch))
  }

  private async codeIn(
    folder: string,
    sha256: string,
    fetch: () => Promise<unknown>,
  ): Promise<WorkloadSource> {
    const there = codeOf(folder, sha256)
    if (there !== null) return there
    const sent = await fetch()
    // Another process of this folder may run it by now.
    const meanwhile = codeOf(folder, sha256)
    if (meanwhile !== null) return meanwhile
    const unfinished = unfinishedName(folder)
    rmSync(unfinished, { recursive: true, force: true })
    unpackBundle(sent, unfinished, sha256)
    rmSync(folder, { recursive: true, force: true })
    renameSync(unfinished, folder)
    return unpackedIn(folder)!
  }

  // ---------------------------------------------------------------- results

  /**
   * @param text the outcome as JSON
   * @returns when it is on disk
   */
  save({ run, key, id }: Outcome, text: string): void {
    const path = join(this.outbox, run, key, `${id}.json`)
    const folder = dirname(path)
    if (folder !== this.made) {
      mkdirSync(folder, { recursive: true })
      rmSync(join(folder, DONE), { force: true })
    }
    this.made = ''
    const unfinished = unfinishedName(path)
    writeFileSync(unfinished, text, { flush: true })
    renameSync(unfinished, path)
    this.made = folder
  }

  /** What was measured for a job, by this agent or one of its name. */
  saved(run: string, key: string): Generator<Outcome> {
    return outcomesIn(join(this.outbox, run, key))
  }

  /**
   * The server has all of the job. A few stay: a job comes again where the word that it is done was lost, and is then
   * answered with what there is.
   */
  finish(run: string, key: string): void {
    const folder = join(this.outbox, run, key)
    if (!existsSync(folder)) return
    if (folder === this.made) this.made = ''
    writeFileSync(join(folder, DONE), '')
    this.finished.push(folder)
    for (const old of this.finished.splice(0, this.finished.length - KEPT)) {
      rmSync(old, { recursive: true, force: true })
      if (entries(dirname(old)).length === 0) rmSync(dirname(old), { recursive: true, force: true })
    }
  }

  /** Whether nobody works on a job any more, as far as the clock tells; another process of this agent's name counts as well. */
  isOld({ run, key }: { run: string; key: string }): boolean {
    const stat = statSync(join(this.outbox, run, key), { throwIfNoEntry: false })
    return stat !== undefined && Math.abs(Date.now() - stat.mtimeMs) > DAY_MS
  }

  /** Jobs of which something is there that the server may not have. */
  *left(): Generator<{ run: string; key: string }> {
    for (const run of entries(this.outbox))
      for (const key of entries(join(this.outbox, run)))
        if (!isDone(join(this.outbox, run, key))) yield { run, key }
  }
}

function idOf(folder: string, hardware: string | null): string {
  const made = writtenOnce(join(folder, 'id'), () => randomBytes(8).toString('hex'))
  if (hardware === null) return made
  return createHash('sha256').update(`${made} ${hardware}`).digest('hex').slice(0, 16)
}

/** What the file holds; what was made where there was none, by whichever process came first. */
function writtenOnce(path: string, make: () => string): string {
  if (!existsSync(path)) {
    const unfinished = unfinishedName(path)
    writeFileSync(unfinished, make(), { flush: true })
    try {
      linkSync(unfinished, path)
    } catch {
      // Another process came first, or the file system has no links.
      if (!existsSync(path)) renameSync(unfinished, path)
    }
    rmSync(unfinished, { force: true })
  }
  return readFileSync(path, 'utf8')
}

function* outcomesIn(folder: string): Generator<Outcome> {
  for (const file of entries(folder)) {
    const outcome = file.endsWith('.json') ? readOutcome(join(folder, file)) : null
    if (outcome !== null) yield outcome
  }
}

/** Hashed again: what ran here may have touched it. */
function codeOf(folder: string, sha256: string): WorkloadSource | null {
  const there = unpackedIn(folder)
  if (there === null || !isOf(there, sha256)) return null
  touch(folder)
  return there
}

function isOf(workload: WorkloadSource, sha256: string): boolean {
  try {
    return hashWorkload(workload) === sha256
  } catch {
    return false
  }
}

function isDone(folder: string): boolean {
  return existsSync(join(folder, DONE))
}

function readOutcome(path: string): Outcome | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Outcome
  } catch {
    return null
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function touch(path: string): void {
  const now = new Date()
  utimesSync(path, now, now)
}

function removeOlder(folder: string, ms: number): void {
  for (const name of entries(folder)) {
    const path = join(folder, name)
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat !== undefined && Date.now() - stat.mtimeMs > ms) rmSync(path, { recursive: true, force: true })
  }
}
