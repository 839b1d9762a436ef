/** How a NATS server is reached: by whom, encrypted or not, and what is said where it is not. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BrokerAccess, brokerAccess } from '../../workers/brokers/address.ts'
import { connectNats } from '../../workers/brokers/nats.ts'
import { type BrokerServer, freePort, isInstalled, startNats } from '../fixtures/brokers.ts'

const NOBODY: BrokerAccess = brokerAccess('nats', {})
const missing = ['nats-server', 'openssl'].filter((program) => !isInstalled(program)).join(' and ')

describe.skipIf(missing !== '')(`a NATS server that asks who connects${missing && `: no ${missing}`}`, () => {
  let server: BrokerServer
  let folder: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'certificate-'))
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
    const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')]
    const make = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    expect(spawnSync('openssl', [...make, ...subject, ...files]).status).toBe(0)
    const tls = `tls { cert_file: "${folder}/cert.pem", key_file: "${folder}/key.pem" }`
    server = await startNats(`authorization { user: "me", password: "pass" }\n${tls}`)
  })
  afterAll(async () => {
    await server.remove()
    rmSync(folder, { recursive: true, force: true })
  })
  const trusting = (more: Partial<BrokerAccess>) => ({ ...NOBODY, ca: join(folder, 'cert.pem'), ...more })

  it('takes user, password and certificate authority', async () => {
    const connection = await connectNats(server.url, { access: trusting({ user: 'me', password: 'pass' }) })
    expect(connection.info?.tls_required).toBe(true)
    await connection.close()
  })

  it.each([
    ['a wrong password', () => trusting({ user: 'me', password: 'other' }), /refuses the credentials/],
    ['nobody', () => trusting({}), /refuses the credentials/],
    ['who does not trust its certificate', () => ({ ...NOBODY, user: 'me' }), /no encrypted connection/],
  ])('refuses %s in words that say what to set', async (_, access, message) => {
    const refusal = connectNats(server.url, { access: access() })
    await expect(refusal).rejects.toThrow(message)
    await expect(refusal).rejects.toMatchObject({ name: 'BrokerError', hint: /STINT_NATS_/ })
  })
})

it('says that no server answers', async () => {
  const server = `nats://127.0.0.1:${await freePort()}`
  const refusal = connectNats(server, { access: NOBODY })
  await expect(refusal).rejects.toThrow(`${server} does not answer: `)
})
