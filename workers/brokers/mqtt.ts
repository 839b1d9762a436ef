/** A connection to an MQTT broker. Load this module only where a broker is named: the client takes its time. */
import { randomBytes } from 'node:crypto'
import mqtt, { ErrorWithReasonCode, type IClientOptions, type MqttClient } from 'mqtt'
import {
  BROKER_VARIABLES,
  type BrokerAccess,
  BrokerError,
  brokerAccess,
  brokerAddress,
  credentialsHint,
  readAccessFile,
} from './address.ts'

export interface MqttOptions {
  /** Default: as the environment says. */
  access?: BrokerAccess
  /** For the first connection, ms. */
  timeoutMs?: number
  /** How long the broker keeps what it has for this client after the connection broke, s; 0: not at all. */
  keptS?: number
}

const TIMEOUT_MS = 5_000
const RECONNECT_WAIT_MS = 250
/** "Bad user name or password" and "not authorized", by MQTT 3.1.1 and 5. */
const REFUSED = new Set([4, 5, 134, 135])

export interface MqttConnection {
  client: MqttClient
  /** Messages of QoS 1 that the broker takes before it has acknowledged one of them. */
  receiveMaximum: number
}

/** What MQTT 5 says where a broker says nothing. */
const RECEIVE_MAXIMUM = 65_535

/**
 * Connects by MQTT 5. A connection that breaks later is made again until the client is ended.
 * @param server such as `mqtt://localhost:1883`; what follows the port is left out
 * @throws {BrokerError} where it does not answer, refuses the credentials, or a file cannot be read
 */
export async function connectMqtt(server: string, options: MqttOptions = {}): Promise<MqttConnection> {
  const { protocol, tls, host, port, server: shown } = brokerAddress(server)
  if (protocol !== 'mqtt') throw new BrokerError(`${server}: no MQTT broker`, 'expected mqtt://HOST:PORT')
  const { access = brokerAccess('mqtt'), timeoutMs = TIMEOUT_MS, keptS = 0 } = options
  const { user, password, ca } = access
  const settings: IClientOptions = {
    ...{ protocol: tls || ca !== null ? 'mqtts' : 'mqtt', host: host.replace(/^\[|\]$/g, ''), port },
    protocolVersion: 5,
    clientId: `stint-${randomBytes(8).toString('hex')}`,
    clean: keptS === 0,
    connectTimeout: timeoutMs,
    reconnectPeriod: RECONNECT_WAIT_MS,
    ...(keptS > 0 && { properties: { sessionExpiryInterval: keptS } }),
    ...(user !== null && { username: user }),
    ...(password !== null && { password }),
    ...(ca !== null && { ca: readAccessFile(ca, BROKER_VARIABLES.mqtt.ca) }),
  }
  const client = mqtt.connect(settings)
  return await new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      client.end(true)
      reject(mqttError(error, shown))
    }
    const timer = setTimeout(() => fail(new Error(`not within ${timeoutMs / 1000} s`)), timeoutMs)
    client.once('error', fail)
    client.once('connect', ({ properties }) => {
      clearTimeout(timer)
      client.off('error', fail)
      // Later ones end in a new try to connect, and in what the caller makes of the silence.
      client.on('error', () => {})
      resolve({ client, receiveMaximum: properties?.receiveMaximum ?? RECEIVE_MAXIMUM })
    })
  })
}

/** What the client says as a message for a person. */
export function mqttError(error: unknown, server: string): BrokerError {
  if (error instanceof BrokerError) return error
  const { message, code } = error as Error & { code?: unknown }
  const options = { cause: error }
  if (error instanceof ErrorWithReasonCode && REFUSED.has(Number(code)))
    return new BrokerError(`${server} refuses the credentials: ${message}`, credentialsHint('mqtt'), options)
  if (/certificate|self.signed|tls|ssl/i.test(message))
    return new BrokerError(
      `${server}: no encrypted connection: ${message}`,
      'name the file with its certificate authority by STINT_MQTT_CA',
      options,
    )
  const reason = message === '' ? String(code ?? 'no reason given') : message
  return new BrokerError(
    `${server} does not answer: ${reason}`,
    'start the broker, or check host and port',
    options,
  )
}
