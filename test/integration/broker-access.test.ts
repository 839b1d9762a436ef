/** Brokers that want to know who asks, over encrypted connections: with certificates made here, and real servers. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BrokerAccess, BrokerError, type BrokerProtocol } from '../../workers/brokers/address.ts'
import { connectMqtt } from '../../workers/brokers/mqtt.ts'
import { connectNats } from '../../workers/brokers/nats.ts'
import { type BrokerServer, isInstalled, startMosquitto, startNats } from '../fixtures/brokers.ts'
import { Sandbox } from '../fixtures/cli.ts'

const USER = 'sensor'
const PASSWORD = 'four-words-nobody-guesses'
const NOBODY: BrokerAccess = { creds: null, user: null, password: null, token: null, ca: null }

const hasTools = isInstalled('openssl')
let folder: string
const file = (name: string) => join(folder, name)

/** A certificate that signs itself, for this machine's loopback address. */
function makeCertificate(name: string): void {
  const words = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
  ]
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync(
    'openssl',
    [...words, ...subject, '-keyout', file(`${name}.key`), '-out', file(`${name}.pem`)],
    {
      stdio: 'ignore',
    },
  )
  chmodSync(file(`${name}.key`), 0o644)
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-access-'))
  // A broker that is started as root reads its files as another user.
  chmodSync(folder, 0o755)
  if (!hasTools) return
  makeCertificate('server')
  makeCertificate('stranger')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Broker {
  protocol: BrokerProtocol
  program: string
  start(): Promise<BrokerServer>
  /** Connects and goes; what it says of the connection. */
  visit(url: string, access: BrokerAccess): Promise<void>
}

const BROKERS: Broker[] = [
  {
    protocol: 'nats',
    program: 'nats-server',
    start: () =>
      startNats(
        `tls { cert_file: "${file('server.pem')}", key_file: "${file('server.key')}" }\nauthorization { user: ${USER}, password: "${PASSWORD}" }`,
      ),
    async visit(url, access) {
      const connection = await connectNats(url, { access, reconnectMs: 0 })
      await connection.close()
    },
  },
  {
    protocol: 'mqtt',
    program: 'mosquitto',
    start: () => {
      writeFileSync(file('users'), '')
      chmodSync(file('users'), 0o644)
      execFileSync('mosquitto_passwd', ['-b', file('users'), USER, PASSWORD], { stdio: 'ignore' })
      chmodSync(file('users'), 0o644)
      return startMosquitto(
        `allow_anonymous false\npassword_file ${file('users')}\ncertfile ${file('server.pem')}\nkeyfile ${file('server.key')}`,
      )
    },
    async visit(url, access) {
      const { client } = await connectMqtt(url, { access })
      await client.endAsync(true)
    },
  },
]

for (const { protocol, program, start, visit } of BROKERS) {
  const lacking = [program, 'openssl'].filter((name) => !isInstalled(name))
  describe.skipIf(lacking.length > 0)(
    `${program} with certificates and users${lacking.length > 0 ? `: no ${lacking.join(', no ')}` : ''}`,
    () => {
      let server: BrokerServer
      beforeAll(async () => {
        server = await start()
      })
      afterAll(() => server?.remove())

      const known = (): BrokerAccess => ({
        ...NOBODY,
        user: USER,
        password: PASSWORD,
        ca: file('server.pem'),
      })
      const refusal = async (access: BrokerAccess): Promise<BrokerError> => {
        const error = await visit(server.url, access).then(
          () => null,
          (thrown: unknown) => thrown,
        )
        expect(error).toBeInstanceOf(BrokerError)
        const { message, hint } = error as BrokerError
        expect(`${message} ${hint}`).not.toContain(PASSWORD)
        return error as BrokerError
      }

      it('lets in who knows the password and trusts the certificate', async () => {
        await expect(visit(server.url, known())).resolves.toBeUndefined()
      })

      it('refuses a wrong password, and nobody, in so many words', async () => {
        const prefix = `STINT_${protocol.toUpperCase()}`
        for (const who of [{ password: 'guess' }, { user: null, password: null }]) {
          const { message, hint } = await refusal({ ...known(), ...who })
          expect(message).toContain(`${server.url} refuses the credentials: `)
          expect(hint).toContain(`${prefix}_USER and ${prefix}_PASSWORD`)
        }
      })

      it('is not trusted with the certificate of another', async () => {
        const { message, hint } = await refusal({ ...known(), ca: file('stranger.pem') })
        expect(message).toContain(`${server.url}: no encrypted connection: `)
        expect(hint).toContain(`STINT_${protocol.toUpperCase()}_CA`)
      })

      it('is not asked where the authority cannot be read', async () => {
        const { message } = await refusal({ ...known(), ca: file('nowhere.pem') })
        expect(message).toContain(`STINT_${protocol.toUpperCase()}_CA: cannot read ${file('nowhere.pem')}`)
      })
    },
  )
}

const both = ['nats-server', 'openssl'].every(isInstalled)
describe.skipIf(!both)(`stint publish${both ? '' : ': no nats-server or no openssl'}`, () => {
  it('takes password and authority from the environment only, and shows neither', async () => {
    const server = await BROKERS[0]!.start()
    const box = new Sandbox()
    try {
      const csv = box.write('rows.csv', 'at,x\n0,1\n0.05,2\n0.2,3\n')
      const url = server.url.replace('nats:', 'tls:')
      const words = ['publish', csv, '--to', `${url}/kept`, '--pattern', 'trace', '--column', 'at', '--json']
      const env = { STINT_NATS_USER: USER, STINT_NATS_PASSWORD: PASSWORD, STINT_NATS_CA: file('server.pem') }
      const sent = await box.stintWith(env, ...words)
      expect(sent.code, sent.stderr).toBe(0)
      const report = JSON.parse(sent.stdout)
      expect(report).toMatchObject({ events: 3, acknowledged: 4 })
      // The last event is due 200 ms after the first.
      expect(report.offered_rows_s).toBeCloseTo(10, 6)
      expect(report.seconds).toBeGreaterThanOrEqual(0.2)
      const refused = await box.stintWith({ ...env, STINT_NATS_PASSWORD: 'guess' }, ...words)
      expect(refused.code).toBe(2)
      expect(refused.stderr).toContain(`${url} refuses the credentials`)
      expect(sent.stdout + sent.stderr + refused.stdout + refused.stderr).not.toMatch(/guess|four-words/)
    } finally {
      box.remove()
      await server.remove()
    }
  })

  it('refuses a trace that cannot be one, before it connects', async () => {
    const box = new Sandbox()
    try {
      const csv = box.write('back.csv', 'at,name,x\n3,a,1\n2,b,2\n')
      const publish = (...words: string[]) =>
        box.stint('publish', csv, '--to', 'nats://127.0.0.1:9/s', ...words)
      const trace = ['--pattern', 'trace', '--column']
      const ends = [
        await publish(...trace, 'at'),
        await publish(...trace, 'when'),
        await publish(...trace, 'name'),
        await publish('--pattern', 'trace'),
        await publish(...trace, 'at', '--rate', '5'),
        await publish(...trace, 'at', '--speed', '0'),
        await publish('--column', 'at', '--rate', '5'),
        await publish(),
      ]
      expect(ends.map(({ code }) => code)).toEqual(ends.map(() => 2))
      const said = ends.map(({ stderr }) => stderr)
      expect(said[0]).toMatch(
        /back\.csv:3: column "at": data row 2: the time is 1000 ms before that of the row above/,
      )
      expect(said[1]).toMatch(
        /back\.csv:1: there is no column "when" to take times from; the data has at, name, x/,
      )
      expect(said[2]).toMatch(/back\.csv:1: column "name": expected dates or numbers of seconds/)
      expect(said[3]).toMatch(/--pattern trace: say which column/)
      expect(said[4]).toMatch(/--rate: a trace has its own/)
      expect(said[5]).toMatch(/--speed: expected a number above 0/)
      expect(said[6]).toMatch(/--column: only goes with --pattern trace/)
      expect(said[7]).toMatch(/--rate: say how many events go out per second/)
    } finally {
      box.remove()
    }
  })
})
