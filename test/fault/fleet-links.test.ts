/** What agents at the end of a long link measure is what it is without it. */
import { spawn, spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { median } from '../../harness/analyse/descriptive.ts'
import { type BrokerServer, isInstalled, startNats } from '../fixtures/brokers.ts'
import { MAIN, Sandbox, trialsOf } from '../fixtures/cli.ts'
import { LONG, TestFleet } from '../fixtures/fleet.ts'

const FULL = process.env['STINT_FULL'] === '1'
const missing = !FULL
  ? ': takes long, with STINT_FULL=1'
  : isInstalled('nats-server')
    ? ''
    : ': no nats-server'
/** Of the tests: a namespace each, and a link of its own. */
const SPACE = `stint-link-${process.pid}`
const NEAR = `stint${process.pid % 1e6}`
const [HERE, THERE] = ['10.79.0.1', '10.79.0.2']

describe.skipIf(missing !== '')(`over a long link${missing}`, { timeout: 600_000 }, () => {
  let server: BrokerServer
  let fleet: TestFleet
  beforeAll(async () => {
    server = await startNats('', '', '0.0.0.0')
    fleet = new TestFleet(server)
  })
  afterAll(async () => {
    await fleet.remove()
    await server.remove()
  })

  it('latency is what it is without it', async () => {
    const { url } = await fleet.link(LONG)
    await compare(
      server,
      (words) => [process.execPath, [MAIN, ...words('near', server.url)]],
      (words) => [process.execPath, [MAIN, ...words('end', url)]],
    )
  })

  const why = FULL ? noNetem() : ''
  it.skipIf(why !== '')(`so it is between network namespaces${why && `: ${why}`}`, async () => {
    const command = (text: string) => {
      const { status, stderr } = spawnSync('sh', ['-ec', text], { encoding: 'utf8' })
      if (status !== 0) throw new Error(stderr)
    }
    const netem = `root netem delay ${LONG.delayMs}ms loss ${LONG.loss * 100}% rate ${LONG.bitsPerS}bit`
    command(`ip netns add ${SPACE}
      ip link add ${NEAR} type veth peer name eth0 netns ${SPACE}
      ip addr add ${HERE}/24 dev ${NEAR}; ip link set ${NEAR} up
      ip -n ${SPACE} addr add ${THERE}/24 dev eth0; ip -n ${SPACE} link set eth0 up; ip -n ${SPACE} link set lo up
      tc qdisc add dev ${NEAR} ${netem}; ip netns exec ${SPACE} tc qdisc add dev eth0 ${netem}`)
    try {
      const far = `nats://${HERE}:${server.port}`
      await compare(
        server,
        (words) => [process.execPath, [MAIN, ...words('close', server.url)]],
        (words) => ['ip', ['netns', 'exec', SPACE, process.execPath, MAIN, ...words('space', far)]],
      )
    } finally {
      spawnSync('ip', ['netns', 'del', SPACE])
    }
  })
})

type Command = (words: (label: string, url: string) => string[]) => [program: string, words: string[]]

/** The same sweep on an agent beside the server and on one at the end of a link. */
async function compare(server: BrokerServer, near: Command, far: Command): Promise<void> {
  const sandbox = new Sandbox()
  const labels: string[] = []
  const agents = [near, far].map((command) => {
    const [program, words] = command((label, url) => {
      labels.push(label)
      return [
        'agent',
        '--server',
        url,
        '--labels',
        label,
        '--name',
        `the-${label}`,
        '--allow-workloads',
        'any',
      ]
    })
    const env = { ...process.env, TMPDIR: sandbox.temporary, XDG_CACHE_HOME: sandbox.temporary }
    return spawn(program, words, { env, stdio: 'ignore' })
  })
  try {
    const sweep = sandbox.sweep({
      benchmark_runs: 8,
      machines: labels,
      params: { ms: 100 },
      warmup_chunks: 0,
    })
    const { code, stderr } = await sandbox.stint(
      'run',
      sweep,
      '--server',
      server.url,
      '--out',
      sandbox.results,
    )
    expect(code, stderr).toBe(0)
    const trials = trialsOf(sandbox.runs()[0]!)
    expect(trials).toHaveLength(16)
    const [one, other] = labels.map((label) =>
      median(
        trials.flatMap((trial) =>
          trial.machine === `the-${label}` && trial.outcome === 'ok'
            ? [trial.metrics['latency_p50_ms']!]
            : [],
        ),
      ),
    ) as [number, number]
    // A step sleeps 20 ms; one way of the link alone takes 100 ms.
    expect(other / one, `${other} ms against ${one} ms`).toBeLessThan(1.5)
  } finally {
    for (const agent of agents) agent.kill('SIGTERM')
    await Promise.all(agents.map((agent) => new Promise((resolve) => agent.once('exit', resolve))))
    sandbox.remove()
  }
}

/** Why there are no such links here; nothing where there are. */
function noNetem(): string {
  for (const program of ['ip', 'tc']) if (!isInstalled(program)) return `no ${program}`
  const tried = spawnSync(
    'sh',
    ['-c', `ip netns add ${SPACE} && ip netns exec ${SPACE} tc qdisc add dev lo root netem delay 1ms`],
    {
      encoding: 'utf8',
    },
  )
  spawnSync('ip', ['netns', 'del', SPACE])
  return tried.status === 0 ? '' : (tried.stderr.trim().split('\n')[0] ?? 'not permitted')
}
