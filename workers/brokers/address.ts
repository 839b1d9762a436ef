/** Where a broker is, as a sweep or a command names it: never with credentials, which come from files or the environment. */
import { readFileSync } from 'node:fs'

const BROKER_PROTOCOLS = ['nats', 'mqtt'] as const
export type BrokerProtocol = (typeof BROKER_PROTOCOLS)[number]

export interface BrokerAddress {
  protocol: BrokerProtocol
  /** Whether the connection must be encrypted: `tls://` and `mqtts://`. */
  tls: boolean
  /** With scheme, host and port, and nothing else. */
  server: string
  host: string
  port: number
  /** What follows the host: a stream and subject, or a topic; empty where nothing does. */
  path: string
}

/** A broker cannot be used as asked: it is not there, refuses, or lacks what was named. */
export class BrokerError extends Error {
  override name = 'BrokerError'
  /** What to do next; undefined where the message says all there is. */
  readonly hint: string | undefined
  constructor(message: string, hint?: string, options?: ErrorOptions) {
    super(message, options)
    this.hint = hint
  }
}

const SCHEMES: Readonly<Record<string, { protocol: BrokerProtocol; tls: boolean; port: number }>> = {
  nats: { protocol: 'nats', tls: false, port: 4222 },
  tls: { protocol: 'nats', tls: true, port: 4222 },
  mqtt: { protocol: 'mqtt', tls: false, port: 1883 },
  mqtts: { protocol: 'mqtt', tls: true, port: 8883 },
}
const SCHEME = /^(nats|tls|mqtts?):\/\//i
/** Not `URL`, which cuts a topic at `#` and `?`. */
const PARTS = /^([a-z]+):\/\/([^/]*)(?:\/(.*))?$/is
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/i
const MAX_PORT = 65_535

/** Whether the text names a broker, and no file. */
export function isBrokerUrl(text: string): boolean {
  return SCHEME.test(text)
}

/** @throws {BrokerError} where the text is no such URL, or has credentials in it, which the message does not repeat */
export function brokerAddress(url: string): BrokerAddress {
  const [, scheme, authority, path = ''] = PARTS.exec(url) ?? []
  const { protocol, tls, port: usual } = SCHEMES[scheme?.toLowerCase() ?? ''] ?? {}
  if (authority === undefined || protocol === undefined || tls === undefined) {
    throw new BrokerError(
      `${url}: no URL of a broker`,
      'expected nats://HOST[:PORT], tls://HOST[:PORT], mqtt://HOST[:PORT] or mqtts://HOST[:PORT]',
    )
  }
  if (authority.includes('@')) {
    throw new BrokerError(
      `${withoutCredentials(url)}: the URL has credentials in it, which would end up in files and logs`,
      `name only host and port, and give them by ${credentialVariables(protocol)}`,
    )
  }
  const [, host, digits] = HOST.exec(authority) ?? []
  const port = digits === undefined ? usual! : Number(digits)
  if (host === undefined || port < 1 || port > MAX_PORT) {
    throw new BrokerError(
      `${url}: "${authority}" is no host and port`,
      `expected ${scheme}://HOST:PORT, such as ${scheme}://localhost:${usual}`,
    )
  }
  return { protocol, tls, server: `${scheme!.toLowerCase()}://${host}:${port}`, host, port, path }
}

/** A text as it may be shown: URLs in it without their credentials. */
export function withoutCredentials(text: string): string {
  return text.replace(/\b([a-z]+:\/\/)[^/\s"']*@/gi, '$1')
}

/** What to do where a broker refuses who asks. */
export function credentialsHint(protocol: BrokerProtocol): string {
  return `give credentials that it accepts by ${credentialVariables(protocol)}`
}

function credentialVariables(protocol: BrokerProtocol): string {
  const { user, password, creds, token } = BROKER_VARIABLES[protocol]
  const pair = `${user} and ${password}`
  return creds === null ? pair : `${creds} (a file), ${pair}, or ${token}`
}

// ---------------------------------------------------------------- who asks

/** Who connects to a broker, and whom it trusts; all null: anybody, and the certificates that Node trusts. */
export interface BrokerAccess {
  /** Path of a file with credentials; NATS only. */
  creds: string | null
  user: string | null
  password: string | null
  /** NATS only. */
  token: string | null
  /** Path of a file with the certificates (PEM) that the server's must be signed by; the connection is then encrypted. */
  ca: string | null
}

/** The environment variables that give each part of it; null: none does. */
export const BROKER_VARIABLES: Record<BrokerProtocol, Record<keyof BrokerAccess, string | null>> = {
  nats: {
    creds: 'STINT_NATS_CREDS',
    user: 'STINT_NATS_USER',
    password: 'STINT_NATS_PASSWORD',
    token: 'STINT_NATS_TOKEN',
    ca: 'STINT_NATS_CA',
  },
  mqtt: {
    creds: null,
    user: 'STINT_MQTT_USER',
    password: 'STINT_MQTT_PASSWORD',
    token: null,
    ca: 'STINT_MQTT_CA',
  },
}

/** As the environment says. */
export function brokerAccess(
  protocol: BrokerProtocol,
  env: Readonly<Record<string, string | undefined>> = process.env,
): BrokerAccess {
  const names = BROKER_VARIABLES[protocol]
  const read = (name: string | null): string | null => (name === null ? null : env[name] || null)
  return {
    creds: read(names.creds),
    user: read(names.user),
    password: read(names.password),
    token: read(names.token),
    ca: read(names.ca),
  }
}

/** @throws {BrokerError} naming the variable that names the file */
export function readAccessFile(path: string, variable: string | null): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new BrokerError(
      `${variable}: cannot read ${path}: ${(error as Error).message}`,
      'name a file that this user may read, by its absolute path',
      { cause: error },
    )
  }
}
