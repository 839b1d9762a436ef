/** Sends a data set to a broker as events on an arrival clock. */
import { fork } from 'node:child_process'
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { BrokerError, brokerAddress } from '../workers/brokers/address.ts'
import type { PublisherReply, PublishReport, PublishSpec } from '../workers/protocol/publish.ts'
import type { ArrivalSpec } from '../workers/protocol/trial-spec.ts'
import { entryFile } from './execute/local/entries.ts'
import { workerEnvironment } from './execute/local/environment.ts'
import { STDIN } from './sweep/dataset.ts'
import { UserError, userErrorFrom } from './user-error.ts'

export interface PublishOptions {
  /** `nats://HOST:PORT/STREAM.SUBJECT` or `mqtt://HOST:PORT/TOPIC`. */
  to: string
  arrival: ArrivalSpec
  /** Of the arrivals; 42 where none is given. */
  seed?: number
  /** Only the first so many rows. */
  rows?: number
  /** MQTT: 1 where none is given. */
  qos?: 0 | 1
  signal?: AbortSignal
}

/**
 * @param source path of a CSV or NDJSON file, packed or not, or `-` for standard input
 * @throws {UserError} where the data or the broker cannot be used
 */
export async function publishData(source: string, options: PublishOptions): Promise<PublishReport> {
  const { to, arrival, seed = 42, rows = null, qos = 1, signal } = options
  checkAddress(to)
  if (source !== STDIN && statSync(source, { throwIfNoEntry: false })?.isFile() !== true)
    throw new UserError(`${source}: no such file`, 'name a data file, or - for standard input')
  if (source === STDIN && arrival.pattern === 'trace')
    throw new UserError(
      'standard input: its times are not known before its rows',
      'name a data file to publish as a trace',
    )
  const path = source === STDIN ? STDIN : resolve(source)
  return await publisher({ data: { path }, to, arrival, seed, rows, qos }, signal)
}

function checkAddress(to: string): void {
  try {
    const { path, server, protocol } = brokerAddress(to)
    if (path !== '') return
    const named = protocol === 'nats' ? 'STREAM.SUBJECT' : 'TOPIC'
    throw new UserError(`${to}: names nothing to publish to`, `write ${server}/${named}`)
  } catch (error) {
    throw error instanceof BrokerError ? new UserError(error.message, error.hint) : error
  }
}

function publisher(spec: PublishSpec, signal?: AbortSignal): Promise<PublishReport> {
  const child = fork(entryFile('publisher'), [], {
    execArgv: [],
    env: workerEnvironment({}),
    // Standard input may be the data.
    stdio: [spec.data.path === STDIN ? 'inherit' : 'ignore', 'ignore', 'inherit', 'ipc'],
  })
  const end = () => void child.kill('SIGKILL')
  signal?.addEventListener('abort', end, { once: true })
  return new Promise<PublishReport>((resolve, reject) => {
    child.once('message', (reply: PublisherReply) =>
      reply.ok ? resolve(reply.report) : reject(userErrorFrom(reply.error)),
    )
    child.once('error', reject)
    child.once('exit', (code, killed) =>
      reject(signal?.aborted ? signal.reason : new Error(`the publisher ended by ${killed ?? code}`)),
    )
    child.send(spec)
  }).finally(() => signal?.removeEventListener('abort', end))
}
