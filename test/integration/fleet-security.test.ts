/** The server's configuration of docs/guides/fleet.md: each role can do its work, and nothing more. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { brokerAccess } from '../../workers/brokers/address.ts'
import { connectNats } from '../../workers/brokers/nats.ts'
import { type BrokerServer, isInstalled, startNats } from '../fixtures/brokers.ts'
import { type CliRun, Sandbox, trialsOf } from '../fixtures/cli.ts'

const missing = ['nats-server', 'openssl'].filter((program) => !isInstalled(program)).join(' and ')
const PASSWORDS = {
  coordinator: 'c-secret',
  'the-pi': 'a-secret',
  thief: 't-secret',
  watcher: 'w-secret',
} as const
type User = keyof typeof PASSWORDS

/** The roles and users of the page's configuration, and a second agent made of the first as the page says. */
function configured(): string {
  const page = readFileSync(new URL('../../docs/guides/fleet.md', import.meta.url), 'utf8')
  const form = (begin: string) => new RegExp(`\`\`\`text form\\n(${begin}[\\s\\S]*?)\`\`\``).exec(page)![1]!
  const conf = form('listen:')
  const agent = form('AGENT_the-pi')
  const thief = (text: string) => text.replaceAll('the-pi', 'thief').replaceAll('THE_PI', 'THIEF')
  return conf
    .slice(conf.indexOf('COORDINATOR ='))
    .replace('include "./agent-the-pi.conf"', `${agent}\n${thief(agent)}`)
    .replace(/.*user: the-pi.*/, (user) => `${user}\n${thief(user)}`)
    .replace(
      /\$(\w+)_PASSWORD/g,
      (_, name: string) => PASSWORDS[name.toLowerCase().replaceAll('_', '-') as User],
    )
}

describe.skipIf(missing !== '')(`the configuration of the guide${missing && `: no ${missing}`}`, () => {
  let server: BrokerServer
  let folder: string
  let sandbox: Sandbox
  let agent: CliRun
  const ca = () => join(folder, 'cert.pem')
  const env = (user: User) => ({
    STINT_NATS_USER: user,
    STINT_NATS_PASSWORD: PASSWORDS[user],
    STINT_NATS_CA: ca(),
    XDG_CACHE_HOME: join(folder, 'cache'),
  })

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fleet-security-'))
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
    const files = ['-keyout', join(folder, 'key.pem'), '-out', ca()]
    const make = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    expect(spawnSync('openssl', [...make, ...subject, ...files]).status).toBe(0)
    const tls = `tls { cert_file: "${ca()}", key_file: "${folder}/key.pem" }`
    server = await startNats(`${configured()}\n${tls}`)
    sandbox = new Sandbox()
    agent = sandbox.start(
      [
        ...['agent', '--server', server.url, '--labels', 'pi', '--name', 'the-pi'],
        ...['--allow-workloads', 'any', '--max-cores', '1'],
      ],
      env('the-pi'),
    )
  })
  afterAll(async () => {
    agent.child.kill('SIGTERM')
    await agent.end
    sandbox.remove()
    await server.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  const as = (user: User): Promise<NatsConnection> =>
    connectNats(server.url, {
      access: { ...brokerAccess('nats', {}), user, password: PASSWORDS[user], ca: ca() },
      inboxPrefix: `_INBOX_${/^(?:the-pi|thief)$/.test(user) ? 'agent.' : ''}${user}`,
    })
  const refusal = (nc: NatsConnection): Promise<string> =>
    new Promise((resolve) => {
      void (async () => {
        for await (const status of nc.status())
          if (status.type === 'error') resolve(String(status.error.message))
      })()
    })

  it('lets a run go through, with a workload, data, chunk logs and a watcher', {
    timeout: 180_000,
  }, async () => {
    // Long enough for a watcher to come while it runs.
    const workload = sandbox.write(
      'own.mjs',
      `import { readFileSync } from 'node:fs'
      import { setTimeout as sleep } from 'node:timers/promises'
      export default {
        open({ dataset }) {
          let rows = readFileSync(dataset.path, 'utf8').trimEnd().split('\\n').length - 1
          return {
            async step() {
              if (rows === 0) return null
              await sleep(20)
              rows--
              return { rows: 1 }
            },
            finish: () => ({ metrics: {} }),
          }
        },
      }`,
    )
    const dataset = { generate: 'nba2k', rows: 60 }
    const keys = { name: 'swept', workload, dataset, benchmark_runs: 1, warmup_chunks: 0 }
    const sweep = sandbox.write('sweep.yaml', JSON.stringify(keys))
    const words = ['run', sweep, '--on', 'pi', '--server', server.url, '--out', sandbox.results]
    const run = sandbox.start([...words, '--json'], env('coordinator'))
    const isOver = () => run.child.exitCode !== null || agent.child.exitCode !== null
    await sandbox.until(() => sandbox.runs().length > 0 || isOver(), 'the run folder')
    if (isOver()) expect([(await Promise.race([run.end, agent.end])).stderr]).toEqual([''])
    const watch = sandbox.stintWith(env('watcher'), 'watch', sandbox.runs()[0]!, '--server', server.url)
    expect(await run.end).toMatchObject({ code: 0 })
    const { code, stderr } = await watch
    expect(stderr).toContain('the run has finished')
    expect(code).toBe(0)
    expect(trialsOf(sandbox.runs()[0]!)).toMatchObject([{ outcome: 'ok', metrics: { rows: 60 } }])
    expect(readdirSync(join(sandbox.runs()[0]!, 'chunks'))).toHaveLength(1)
    const listed = await sandbox.stintWith(env('watcher'), 'agents', '--server', server.url)
    expect(listed.stdout).toContain('at most 1.00 of a core')
  })

  it.each([
    ['trials', 'stint.work.pi.x.y'],
    ['the end of a run', 'stint.control.cancel.x'],
    ['the progress of a run', 'stint.events.x'],
    ["another agent's results", 'stint.results.x.y.the-pi'],
    ["another agent's record", '$KV.stint_agents.the-pi.x'],
    ["work of another's label", '$JS.API.CONSUMER.MSG.NEXT.STINT_WORK.label-server'],
    ['data', '$O.stint_data.C.x'],
    ['who has a run', '$KV.stint_runs.x'],
  ])('does not let a stolen credential of an agent send %s', async (_, subject) => {
    const nc = await as('thief')
    const refused = refusal(nc)
    nc.publish(subject, 'x')
    expect(await refused).toMatch(/permissions violation for publish/i)
    await expect(jetstream(nc).publish(subject, 'x', { timeout: 300, retries: 0 })).rejects.toThrow()
    await nc.close()
  })

  it.each([
    ['another agent', '_INBOX_agent.the-pi.>'],
    ['all agents', '_INBOX_agent.>'],
    ['the coordinator', '_INBOX_coordinator.>'],
    ['everybody', '>'],
  ])('does not let a stolen credential of an agent read what %s is answered', async (_, subject) => {
    const nc = await as('thief')
    const refused = refusal(nc)
    nc.subscribe(subject, { callback: () => {} })
    expect(await refused).toMatch(/permissions violation for subscription/i)
    await nc.close()
  })

  it('does not let an agent or a watcher change what stands on the server', async () => {
    for (const user of ['the-pi', 'watcher'] as const) {
      const nc = await as(user)
      const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: 300 })
      await expect(jsm.streams.delete('STINT_WORK')).rejects.toThrow()
      await expect(jsm.streams.purge('STINT_RESULTS')).rejects.toThrow()
      await nc.close()
    }
    const coordinator = await as('coordinator')
    const jsm = await jetstreamManager(coordinator)
    expect((await jsm.streams.info('STINT_WORK')).config.name).toBe('STINT_WORK')
    await coordinator.close()
  })
})
