/**
 * The only writer of this process's two streams. stdout carries the answer; everything else goes to stderr.
 * A reader who goes away misses the rest, and nothing else changes: no run ends for it, no verdict and no exit code.
 */
import { writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import type { WriteStream } from 'node:tty'
import { FILE_ERRORS, printable } from '../index.ts'
import { EXIT } from './command.ts'

/** As `--color` and `--no-color` say. */
let chosenColour: boolean | undefined

/** @param chosen undefined: as the environment and the stream say */
export function chooseColour(chosen: boolean | undefined): void {
  chosenColour = chosen
}

export function wantsColour(stream: NodeJS.WriteStream): boolean {
  if (chosenColour !== undefined) return chosenColour
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '' && FORCE_COLOR !== '0') return true
  return stream.isTTY === true && TERM !== 'dumb'
}

const PIPE_WIDTH = 120

export function widthOf(stream: NodeJS.WriteStream): number {
  return (stream as Partial<WriteStream>).columns ?? PIPE_WIDTH
}

/** Prints a line or more of the answer to stdout, without what could steer a terminal. */
export function answer(text: string): void {
  write(process.stdout, `${printable(text)}\n`)
}

/** Writes the content of a file to stdout as it is: its renderer has made it safe. */
export function answerFile(text: string): void {
  write(process.stdout, `${text}\n`)
}

/** Prints a line or more to stderr, without what could steer a terminal. */
export function tell(text: string): void {
  write(process.stderr, `${printable(text)}\n`)
}

/** Passes on to stderr what a workload prints, without what could steer a terminal. */
export function pass(text: string): void {
  write(process.stderr, printable(text))
}

/** Draws a progress bar on stderr: it cleans the words in it itself. */
export function draw(text: string): void {
  write(process.stderr, text)
}

/** To be called before anything is written: without it, a stream that fails ends the process. */
export function surviveLostReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', (error) => close(stream, error))
  process.on('exit', () => {
    if (answerLost && !process.exitCode) process.exitCode = EXIT.failed
  })
}

type Output = typeof process.stdout | typeof process.stderr

/** Streams that take nothing any more. */
const closed = new Set<Output>()
/** Part of the answer could not be written, and somebody may still be waiting for it. */
let answerLost = false

function write(stream: Output, text: string): void {
  if (closed.has(stream)) return
  if ((stream as Writable) instanceof Socket) {
    stream.write(text)
    return
  }
  try {
    // Node's own stream for files drops what a full disk did not take of a write.
    writeFileSync(stream.fd, text)
  } catch (error) {
    close(stream, error as NodeJS.ErrnoException)
  }
}

function close(stream: Output, error: NodeJS.ErrnoException): void {
  if (closed.has(stream)) return
  closed.add(stream)
  if (stream === process.stderr || isReaderGone(stream, error)) return
  answerLost = true
  const reason = FILE_ERRORS[error.code ?? ''] ?? error.message
  tell(`stint: the answer could not be written to standard output: ${reason}`)
}

/** A pipe or connection that was closed at its other end, or a terminal that hung up. */
function isReaderGone(stream: Output, { code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE' || code === 'ECONNRESET' || (code === 'EIO' && stream.isTTY === true)
}
