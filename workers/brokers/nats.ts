/** A connection to a NATS server. Load this module only where a server is named: the client takes its time. */
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import {
  type Authenticator,
  AuthorizationError,
  connect,
  credsAuthenticator,
  type NatsConnection,
  nkeyAuthenticator,
  type TlsOptions,
  tokenAuthenticator,
  UserAuthenticationExpiredError,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node'
import {
  BROKER_VARIABLES,
  type BrokerAccess,
  type BrokerAddress,
  BrokerError,
  brokerAccess,
  brokerAddress,
  credentialsHint,
  readAccessFile,
} from './address.ts'

export interface NatsOptions {
  /** Default: as the environment says. */
  access?: BrokerAccess
  /** Shown by the server's own tools. */
  name?: string
  /** For the first connection, ms. */
  timeoutMs?: number
  /** How long to try to connect again after the connection broke, ms; 0: not at all, infinite: for ever. */
  reconnectMs?: number
  /** A link that says nothing for so long, twice, is taken for dead, ms; the client's own where none is given. */
  pingMs?: number
  /** Before the subjects of answers, so that a server can keep those of one role from another. */
  inboxPrefix?: string
}

const TIMEOUT_MS = 5_000
const RECONNECT_MS = 10_000
const RECONNECT_WAIT_MS = 250

/**
 * @param server such as `nats://localhost:4222`; what follows the port is left out
 * @throws {BrokerError} where it does not answer, refuses the credentials, or a file of credentials cannot be read
 */
export async function connectNats(server: string, options: NatsOptions = {}): Promise<NatsConnection> {
  const address = brokerAddress(server)
  if (address.protocol !== 'nats')
    throw new BrokerError(`${server}: no NATS server`, 'expected nats://HOST:PORT')
  const { access = brokerAccess('nats'), timeoutMs = TIMEOUT_MS, reconnectMs = RECONNECT_MS } = options
  const tls = tlsOf(access, address)
  const authenticator = authenticatorOf(access)
  try {
    return await connect({
      servers: `${address.host}:${address.port}`,
      timeout: timeoutMs,
      reconnect: reconnectMs > 0,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      reconnectJitter: 0,
      reconnectJitterTLS: 0,
      maxReconnectAttempts: Number.isFinite(reconnectMs) ? Math.ceil(reconnectMs / RECONNECT_WAIT_MS) : -1,
      // A server that was just restarted may refuse what it knows a moment later.
      ignoreAuthErrorAbort: !Number.isFinite(reconnectMs),
      // What a cluster says of its other servers may not be reachable from here.
      ignoreClusterUpdates: true,
      ...(options.name !== undefined && { name: options.name }),
      ...(options.pingMs !== undefined && { pingInterval: options.pingMs, maxPingOut: 2 }),
      ...(options.inboxPrefix !== undefined && { inboxPrefix: options.inboxPrefix }),
      ...(authenticator !== null && { authenticator }),
      ...(tls !== null && { tls }),
    })
  } catch (error) {
    throw natsError(error, address.server)
  }
}

/** What the client says as a message for a person. */
export function natsError(error: unknown, server: string): BrokerError {
  if (error instanceof BrokerError) return error
  const { message } = error as Error
  const options = { cause: error }
  if (error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError)
    return new BrokerError(`${server} refuses the credentials: ${message}`, credentialsHint('nats'), options)
  if (/server does not support 'tls'/i.test(message))
    return new BrokerError(
      `${server}: the server does not encrypt, and tls:// or a certificate authority asks for it`,
      'give the server a certificate, or say nats://HOST:PORT and no authority',
      options,
    )
  if (/certificate|self.signed|tls|ssl/i.test(message))
    return new BrokerError(
      `${server}: no encrypted connection: ${message}`,
      'name the file with its certificate authority by STINT_NATS_CA',
      options,
    )
  return new BrokerError(
    `${server} does not answer: ${message}`,
    'start the server, or check host and port',
    options,
  )
}

/** What the client hands on to Node as it is. */
interface CheckedTls extends TlsOptions {
  checkServerIdentity(host: string, certificate: PeerCertificate): Error | undefined
}

function tlsOf({ ca }: BrokerAccess, { tls, host }: BrokerAddress): TlsOptions | null {
  if (ca === null && !tls) return null
  const name = host.replace(/^\[|\]$/g, '')
  const checked: CheckedTls = {
    // Of a server that is named by its address Node knows no name, and would look for localhost in its certificate.
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    ...(ca !== null && { ca: readAccessFile(ca, BROKER_VARIABLES.nats.ca) }),
  }
  return checked
}

const NKEY_SEED = /^\s*S[A-Z2-7]{57}\s*$/

function authenticatorOf({ creds, user, password, token }: BrokerAccess): Authenticator | null {
  if (creds !== null) {
    const content = readAccessFile(creds, BROKER_VARIABLES.nats.creds)
    // A server whose configuration lists the keys itself needs no token.
    if (NKEY_SEED.test(content)) return nkeyAuthenticator(Buffer.from(content.trim()))
    return credsAuthenticator(Buffer.from(content))
  }
  if (token !== null) return tokenAuthenticator(token)
  return user === null ? null : usernamePasswordAuthenticator(user, password ?? undefined)
}
