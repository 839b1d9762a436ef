/** The server's configuration of docs/guides/fleet.md: each role can do its work, and nothing more. */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fetchLarge, leaveLarge } from '../../harness/execute/fleet/large.ts'
import { Publisher, pullOne } from '../../harness/execute/fleet/messages.ts'
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

/** The accounts of the page's configuration, and that of a second agent made of the first as the page says. */
function configured(): string {
  const page = readFileSync(new URL('../../docs/guides/fleet.md', import.meta.url), 'utf8')
  const form = (begin: string) => new RegExp(`\`\`\`text form\\n(${begin}[\\s\\S]*?)\`\`\``).exec(page)![1]!
  const conf = form('listen:')
  const agent = form('AGENT_the-pi')
  const thief = agent.replaceAll('the-pi', 'thief').replaceAll('THE_PI', 'THIEF')
  return conf
    .slice(conf.indexOf('accounts {'))
    .replace('include "./agent-the-pi.conf"', () => `${agent}\n${thief}`)
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

  /** What a credential sends is for its account only: nobody at the server takes it. */
  it.each([
    ['trials', 'stint.work.pi.x.y'],
    ['the end of a run', 'stint.control.cancel.x'],
    ['the progress of a run', 'stint.events.x'],
    ["another agent's results", 'stint.results.x.y.the-pi'],
    ["parts of another agent's results", 'stint.large.x.the-pi.y'],
    ["another agent's record", '$KV.stint_agents.the-pi.x'],
    ["work of another's label", '$JS.API.CONSUMER.MSG.NEXT.STINT_WORK.label-server'],
    ['data', '$O.stint_data.C.x'],
    ['who has a run', '$KV.stint_runs.x'],
    ['for what lies in a stream', '$JS.API.STREAM.MSG.GET.STINT_RESULTS'],
    ['for results too large for a message', '$JS.API.DIRECT.GET.STINT_LARGE'],
    ['for a way to read results', '$JS.API.CONSUMER.CREATE.STINT_RESULTS.x'],
    ['that a stream is to be emptied', '$JS.API.STREAM.PURGE.STINT_RESULTS'],
    ['that a stream is to be deleted', '$JS.API.STREAM.DELETE.STINT_WORK'],
  ])('does not let a stolen credential of an agent send %s', async (_, subject) => {
    const [nc, coordinator] = [await as('thief'), await as('coordinator')]
    const heard: string[] = []
    coordinator.subscribe('stint.>', { callback: (_, message) => void heard.push(message.subject) })
    await coordinator.flush()
    await expect(nc.request(subject, 'x', { timeout: 1000 })).rejects.toThrow(/no responders/i)
    await coordinator.flush()
    expect(heard).toEqual([])
    await Promise.all([nc.close(), coordinator.close()])
  })

  it.each([
    ['another agent', '_INBOX_agent.the-pi.>'],
    ['the coordinator', '_INBOX_coordinator.>'],
    ['everybody', '>'],
  ])('does not let a stolen credential of an agent read what %s is answered', async (_, subject) => {
    const nc = await as('thief')
    const [coordinator, agent] = [await as('coordinator'), await as('the-pi')]
    const heard: string[] = []
    nc.subscribe(subject, { callback: (_, message) => void heard.push(message.subject) })
    await nc.flush()
    await (await jetstreamManager(coordinator)).streams.info('STINT_RESULTS')
    await pullOne(
      agent,
      '_INBOX_agent.the-pi',
      { stream: 'STINT_WORK', consumer: 'label-pi' },
      { waitMs: 100, signal: new AbortController().signal },
    )
    coordinator.publish('stint.work.nobody.x.y', 'x')
    await coordinator.flush()
    await nc.flush()
    expect(heard).toEqual([])
    await Promise.all([nc.close(), coordinator.close(), agent.close()])
  })

  /** The server answers to any subject that a question names: in the account of whoever asked, and in no other. */
  it('does not let the server do by its answers what a stolen credential may not', async () => {
    const coordinator = await as('coordinator')
    const jsm = await jetstreamManager(coordinator)
    const streams = ['STINT_WORK', 'STINT_RESULTS', 'STINT_LARGE', 'KV_stint_runs', 'OBJ_stint_data']
    const [result, data] = ['stint.results.x.y.the-pi', '$O.stint_data.C.x']
    for (const subject of [result, 'stint.large.x.the-pi.y', data, 'stint.work.nobody.x.y'])
      await jetstream(coordinator).publish(subject, 'x')
    const stored = () => Promise.all(streams.map(async (name) => (await jsm.streams.info(name)).state))
    const before = await stored()
    const cancelled: string[] = []
    coordinator.subscribe('stint.control.>', {
      callback: (_, message) => void cancelled.push(message.subject),
    })
    const claim = '$KV.stint_claims.x.y'
    for (const user of ['thief', 'watcher'] as const) {
      const nc = await as(user)
      const forged = { format: 1, run: 'x', key: 'y' }
      nc.publish(claim, JSON.stringify(forged))
      nc.publish('$KV.stint_claims.x.empty', '')
      await nc.flush()
      const targets = [
        ...streams.flatMap((name) => [`$JS.API.STREAM.PURGE.${name}`, `$JS.API.STREAM.DELETE.${name}`]),
        ...['stint.work.pi.x.y', result, 'stint.control.cancel.x', data],
      ]
      const questions = [
        ['$JS.API.DIRECT.GET.KV_stint_claims', JSON.stringify({ last_by_subj: claim })],
        ['$JS.API.DIRECT.GET.KV_stint_claims', JSON.stringify({ last_by_subj: '$KV.stint_claims.x.empty' })],
        ['$JS.API.STREAM.MSG.GET.OBJ_stint_data', JSON.stringify({ last_by_subj: data })],
        ['$JS.API.STREAM.MSG.GET.KV_stint_runs', JSON.stringify({ seq: 1 })],
        ['$JS.API.CONSUMER.CREATE.OBJ_stint_data', '{}'],
        [claim, 'x'],
        ['stint.results.x.y.thief', 'x'],
      ] as const
      for (const reply of targets) for (const [ask, what] of questions) nc.publish(ask, what, { reply })
      for (const reply of targets) {
        const config = { deliver_subject: reply, ack_policy: 'none', inactive_threshold: 1e9 }
        const create = JSON.stringify({ stream_name: 'OBJ_stint_data', config })
        await nc.request('$JS.API.CONSUMER.CREATE.OBJ_stint_data', create, { timeout: 1000 }).catch(() => {})
      }
      await nc.flush()
      await nc.close()
    }
    await coordinator.flush()
    expect(cancelled).toEqual([])
    const after = await stored()
    const messages = (states: typeof before) =>
      Object.fromEntries(streams.map((name, index) => [name, states[index]!.messages]))
    // The thief's own results came in.
    const own = after[1]!.messages - before[1]!.messages
    expect(messages(after)).toEqual({ ...messages(before), STINT_RESULTS: before[1]!.messages + own })
    expect(own).toBeGreaterThan(0)
    const wanted = { subjects_filter: 'stint.results.>' }
    const { state } = await jsm.streams.info('STINT_RESULTS', wanted)
    expect(Object.keys(state.subjects!).sort()).toEqual([result, 'stint.results.x.y.thief'])
    for (const name of ['STINT_WORK', 'STINT_RESULTS', 'STINT_LARGE']) await jsm.streams.purge(name)
    await coordinator.close()
  })

  it('lets an agent leave a large result, which only the coordinator reads', async () => {
    const [nc, coordinator] = [await as('the-pi'), await as('coordinator')]
    const publisher = new Publisher(nc, '_INBOX_agent.the-pi')
    const place = { run: 'x', agent: 'the-pi' }
    const content = randomBytes(300_000)
    const pointer = await leaveLarge({ nc, publisher }, place, content)
    expect(pointer.parts).toHaveLength(3)
    expect(Buffer.compare(await fetchLarge(coordinator, place, pointer), content)).toBe(0)
    const elsewhere = { ...place, agent: 'thief' }
    await expect(fetchLarge(coordinator, elsewhere, pointer)).rejects.toThrow('lost its content')
    await Promise.all([nc.close(), coordinator.close()])
  })

  it('does not let one message of an agent take the place of all others', async () => {
    const [nc, coordinator] = [await as('thief'), await as('coordinator')]
    const jsm = await jetstreamManager(coordinator)
    for (const key of ['a', 'b']) await jetstream(coordinator).publish(`$KV.stint_claims.x.${key}`, 'x')
    const before = (await jsm.streams.info('KV_stint_claims')).state.messages
    const all = headers()
    all.set('Nats-Rollup', 'all')
    for (const subject of ['$KV.stint_claims.x.c', 'stint.large.x.thief.y', 'stint.results.x.y.thief']) {
      const answer = await nc.request(subject, 'x', { headers: all, timeout: 1000 })
      expect(answer.string()).toContain('rollup not permitted')
    }
    expect((await jsm.streams.info('KV_stint_claims')).state.messages).toBe(before)
    await Promise.all([nc.close(), coordinator.close()])
  })
})
