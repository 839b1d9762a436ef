import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  BrokerError,
  brokerAccess,
  brokerAddress,
  isBrokerUrl,
  readAccessFile,
} from '../../../workers/brokers/address.ts'

describe('a broker URL', () => {
  it.each([
    ['nats://host/stream.subject', 'nats', false, 'nats://host:4222', 'stream.subject'],
    ['tls://host:5000', 'nats', true, 'tls://host:5000', ''],
    ['mqtt://127.0.0.1:1884/a/+/b?c#', 'mqtt', false, 'mqtt://127.0.0.1:1884', 'a/+/b?c#'],
    ['mqtts://[::1]/t', 'mqtt', true, 'mqtts://[::1]:8883', 't'],
  ])('%s is taken apart', (url, protocol, tls, server, path) => {
    expect(isBrokerUrl(url)).toBe(true)
    expect(brokerAddress(url)).toMatchObject({ protocol, tls, server, path })
  })

  it.each(['players.csv', '/data/nats.csv', '-', 'C:\\mqtt', 'nats:/one-slash'])('%s is none', (text) => {
    expect(isBrokerUrl(text)).toBe(false)
  })

  it.each([
    ['nats://host:0/s', /"host:0" is no host and port/],
    ['nats://host:70000/s', /"host:70000" is no host and port/],
    ['mqtt:///t', /"" is no host and port/],
    ['amqp://host/q', /no URL of a broker/],
  ])('%s is refused', (url, message) => {
    expect(() => brokerAddress(url)).toThrow(message)
  })

  it.each([
    ['nats://me:secret@host/s', /STINT_NATS_CREDS/],
    ['mqtt://me@host/t', /STINT_MQTT_USER/],
  ])('with credentials is refused, and they are not repeated: %s', (url, hint) => {
    const error = refusal(() => brokerAddress(url))
    expect(error.message).toMatch(/^(?:nats|mqtt):\/\/host\/[st]: the URL has credentials in it/)
    expect(error.message).not.toMatch(/secret|me@/)
    expect(error.hint).toMatch(hint)
  })
})

describe('who asks', () => {
  it('stands in the environment, empty values left out', () => {
    const env = { STINT_NATS_USER: 'u', STINT_NATS_PASSWORD: '', STINT_MQTT_CA: '/ca.pem' }
    const none = { creds: null, user: null, password: null, token: null, ca: null }
    expect(brokerAccess('nats', env)).toEqual({ ...none, user: 'u' })
    expect(brokerAccess('mqtt', env)).toEqual({ ...none, ca: '/ca.pem' })
  })

  it('is refused where its file cannot be read, by the name of the variable', () => {
    const error = refusal(() => readAccessFile(join(import.meta.dirname, 'gone.creds'), 'STINT_NATS_CREDS'))
    expect(error.message).toMatch(/^STINT_NATS_CREDS: cannot read .*gone\.creds: ENOENT/)
  })
})

function refusal(call: () => unknown): BrokerError {
  try {
    call()
  } catch (error) {
    expect(error).toBeInstanceOf(BrokerError)
    return error as BrokerError
  }
  throw new Error('nothing was refused')
}
