/** A program that answers one JSON object per line on standard output to one per line on its standard input. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import { PROGRAM_ENDED } from '../protocol/trial-spec.ts'
import { WorkloadError } from '../untrusted.ts'

/** What a program may be asked. */
export type Op = 'describe' | 'open' | 'step' | 'skip' | 'finish' | 'close'
export type Reply = Record<string, unknown>

/** Longer replies are refused: a program that never ends its line must not fill the trial's memory. */
const LONGEST_REPLY = 16 * 1024 * 1024
/** What a message shows of a reply, and of the last lines on standard error. */
const SHOWN = 200
/** Of standard error, bytes that the log takes: the rest is read and dropped. */
const LONGEST_LOG = 1024 * 1024
/** The end of a program and that of its output are this close; one that it left behind may hold its pipes. */
const LAST_OUTPUT_MS = 100
/** A program that was told to end, and whose input has ended, is killed after this. */
const END_MS = 1000
const LINE_END = 10

/** The program ended by itself. */
class ProgramEnded extends Error {
  override name = PROGRAM_ENDED
  readonly exit: string
  constructor(message: string, exit: string) {
    super(message)
    this.exit = exit
  }
}

interface Pending {
  op: Op
  resolve(reply: Reply): void
  reject(error: Error): void
}

export class Program {
  private readonly name: string
  private readonly child: ChildProcessWithoutNullStreams
  private readonly log: number | null
  private logged = 0
  private lastErrors = ''
  private parts: Buffer[] = []
  private length = 0
  private pending: Pending | null = null
  private fault: Error | null = null

  /**
   * @param command the program and its words
   * @param folder that it runs in
   * @param log path of the file that takes its standard error; null: only its last lines are kept, for messages
   */
  constructor(command: readonly string[], folder: string, log: string | null) {
    const [program = '', ...words] = command
    this.name = command.join(' ')
    this.log = log === null ? null : openSync(log, 'w')
    // Not a group of its own: it ends with its trial, as all that it starts.
    this.child = spawn(program, words, { cwd: folder, stdio: 'pipe' })
    const { stdin, stdout, stderr } = this.child
    this.child.on('error', (error) => this.fail(new WorkloadError(`${this.name}: ${error.message}`)))
    this.child.on('exit', (code, signal) => this.exited(code, signal))
    // A program that has ended reads no more, which its exit tells.
    stdin.on('error', () => {})
    stdout.on('data', (part: Buffer) => this.read(part))
    stdout.on('end', () => setTimeout(() => this.deaf(), LAST_OUTPUT_MS).unref())
    stderr.on('data', (part: Buffer) => this.keep(part))
  }

  /**
   * Sends one line and waits for the one that answers it.
   * @throws {WorkloadError} where the answer is no JSON object, or tells of an error; ProgramEnded where there is none
   */
  ask(op: Op, fields: object = {}): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.fault !== null) return reject(this.fault)
      this.pending = { op, resolve, reject }
      this.child.stdin.write(`${JSON.stringify({ op, ...fields })}\n`)
    })
  }

  /** Ends its input, which tells it to end, and kills it where it does not. */
  async end(): Promise<void> {
    this.fault ??= new Error(`${this.name} was told to end`)
    const { child } = this
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      const late = setTimeout(() => child.kill('SIGKILL'), END_MS)
      child.stdin.end()
      await ended
      clearTimeout(late)
    }
    child.stdout.destroy()
    child.stderr.destroy()
    if (this.log !== null) closeSync(this.log)
  }

  private read(part: Buffer): void {
    let from = 0
    for (let at = part.indexOf(LINE_END); at !== -1; at = part.indexOf(LINE_END, from)) {
      this.parts.push(part.subarray(from, at))
      const line = Buffer.concat(this.parts).toString('utf8')
      this.parts = []
      this.length = 0
      from = at + 1
      this.answer(line)
    }
    if (from === part.length) return
    const rest = part.subarray(from)
    this.length += rest.length
    if (this.length <= LONGEST_REPLY) this.parts.push(rest)
    else {
      const begins = quoted(Buffer.concat(this.parts).toString('utf8', 0, SHOWN * 4))
      this.refuse(`wrote a line of more than ${LONGEST_REPLY / 1024 / 1024} MB, which begins with ${begins}`)
      this.parts = []
    }
  }

  private answer(line: string): void {
    const { pending } = this
    if (this.fault !== null) return
    if (pending === null)
      this.refuse(`wrote a line that answers no request: ${quoted(line)}`, PRINT_ELSEWHERE)
    else {
      const reply = parsed(line)
      if (reply === undefined)
        this.refuse(`answered "${pending.op}" with what is not JSON: ${quoted(line)}`, PRINT_ELSEWHERE)
      else if (typeof reply !== 'object' || reply === null || Array.isArray(reply))
        this.refuse(`answered "${pending.op}" with ${quoted(line)}; expected a JSON object`)
      else {
        this.pending = null
        const { error } = reply as Reply
        if (error === undefined || error === null) pending.resolve(reply as Reply)
        else pending.reject(toldError(error))
      }
    }
  }

  /** The program breaks the protocol: it is asked no more. */
  private refuse(what: string, hint = ''): void {
    this.fail(new WorkloadError(`${this.name} ${what}${hint}${this.errorsInWords()}`))
    this.child.kill('SIGKILL')
  }

  private fail(error: Error): void {
    this.fault ??= error
    this.pending?.reject(this.fault)
    this.pending = null
  }

  /** Its output has ended: where the program has not, nothing will ever be answered. */
  private deaf(): void {
    const { exitCode, signalCode } = this.child
    if (this.fault === null && exitCode === null && signalCode === null)
      this.refuse('closed its standard output')
  }

  private exited(code: number | null, signal: NodeJS.Signals | null): void {
    const exit = signal ?? `code ${code}`
    const tell = () => {
      clearTimeout(grace)
      const before = this.pending === null ? '' : ` before it answered "${this.pending.op}"`
      this.fail(new ProgramEnded(`${this.name} ended (${exit})${before}${this.errorsInWords()}`, exit))
    }
    const grace = setTimeout(tell, LAST_OUTPUT_MS)
    this.child.once('close', tell)
  }

  private keep(part: Buffer): void {
    this.lastErrors = (this.lastErrors + part.toString('utf8')).slice(-SHOWN)
    if (this.log === null || this.logged >= LONGEST_LOG) return
    const taken = part.subarray(0, LONGEST_LOG - this.logged)
    this.logged += taken.length
    try {
      writeSync(this.log, taken)
      if (this.logged >= LONGEST_LOG) writeSync(this.log, '\n(what followed was left out)\n')
    } catch {
      // A full disk: what it says is no part of what is measured.
      this.logged = LONGEST_LOG
    }
  }

  private errorsInWords(): string {
    const last = this.lastErrors.trim().split('\n').at(-1) ?? ''
    return last === '' ? '' : `; the last line on its standard error: ${last}`
  }
}

const PRINT_ELSEWHERE = ' (standard output is for replies only: print to standard error)'

/** What the program says went wrong: a text, or a name and a message. */
function toldError(error: unknown): Error {
  const { name, message } = (typeof error === 'object' ? error : { message: error }) as Reply
  const told = new Error(typeof message === 'string' ? message : JSON.stringify(error))
  told.name = typeof name === 'string' ? name : 'Error'
  // Where it was read says nothing of where it happened.
  told.stack = `${told.name}: ${told.message}`
  return told
}

/** Undefined where it is not JSON. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function quoted(text: string): string {
  return JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text)
}
