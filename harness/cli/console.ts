/** How to write to this terminal. stdout carries the answer; everything else goes to stderr. */
import type { WriteStream } from 'node:tty'

export function wantsColour(stream: NodeJS.WriteStream): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '' && FORCE_COLOR !== '0') return true
  return stream.isTTY === true && TERM !== 'dumb'
}

const PIPE_WIDTH = 120

export function widthOf(stream: NodeJS.WriteStream): number {
  return (stream as Partial<WriteStream>).columns ?? PIPE_WIDTH
}

export function answer(text: string): void {
  process.stdout.write(`${text}\n`)
}

export function tell(text: string): void {
  process.stderr.write(`${text}\n`)
}
