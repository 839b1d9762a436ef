/** The connection of a coordinator, an agent or a watcher: it comes back by itself after the server or the network was away. */
import { setTimeout as pause } from 'node:timers/promises'
import type { NatsConnection } from '@nats-io/transport-node'
import {
  BrokerError,
  brokerAccess,
  brokerAddress,
  readAccessFile,
  withoutCredentials,
} from '../../../workers/brokers/address.ts'
import { connectNats } from '../../../workers/brokers/nats.ts'
import { UserError } from '../../user-error.ts'
import type { ServerOptions } from './options.ts'

/** A link that says nothing for so long, twice, is taken for dead. */
const PING_MS = 5000

/** @throws {UserError} where the server does not answer or refuses, or a file cannot be read */
export async function connectTo(
  { server, creds, tlsCa }: ServerOptions,
  inbox: string,
  name: string,
): Promise<NatsConnection> {
  checkServer(server)
  const env = brokerAccess('nats')
  try {
    for (const [option, path] of Object.entries({ '--creds': creds, '--tls-ca': tlsCa }))
      if (path !== undefined) readAccessFile(path, option)
    return await connectNats(server, {
      access: { ...env, ...(creds !== undefined && { creds }), ...(tlsCa !== undefined && { ca: tlsCa }) },
      name,
      reconnectMs: Number.POSITIVE_INFINITY,
      pingMs: PING_MS,
      inboxPrefix: inbox,
    })
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    throw new UserError(error.message, error.hint ?? 'docs/guides/fleet.md shows how to set a server up')
  }
}

/** How long what was said last may take to be out, ms: for ever where the server is away. */
const LAST_WORDS_MS = 2000

/** Waits until what was said is out, or the link is known to be down. */
export async function lastWords(said: Promise<void>): Promise<void> {
  await Promise.race([said.catch(() => {}), pause(LAST_WORDS_MS, undefined, { ref: false })])
}

export async function endConnection(nc: NatsConnection): Promise<void> {
  await lastWords(nc.drain())
  await nc.close().catch(() => {})
}

/** @throws {UserError} where it is no address of a server */
export function checkServer(server: string): string {
  const expected = 'expected nats://HOST[:PORT] or tls://HOST[:PORT]'
  if (!/^(?:nats|tls):\/\//i.test(server))
    throw new UserError(`--server ${withoutCredentials(server)}: no URL of a NATS server`, expected)
  try {
    return brokerAddress(server).server
  } catch (error) {
    const { message, hint } = error as BrokerError
    throw new UserError(`--server ${message}`, hint)
  }
}

/** What stands before the answers to one's own questions: a server can keep each from reading those of others. */
export const inboxes = {
  coordinator: '_INBOX_coordinator',
  watcher: '_INBOX_watcher',
  agent: (name: string) => `_INBOX_agent.${name}`,
} as const
