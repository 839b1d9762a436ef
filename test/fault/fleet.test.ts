/** What a run on other machines survives: agents, coordinator, server and links that fail at any time. */
import { randomBytes } from 'node:crypto'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { type KV, Kvm } from '@nats-io/kv'
import { Objm } from '@nats-io/obj'
import { connect } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Audience } from '../../harness/execute/fleet/audience.ts'
import {
  ACK_WAIT_MS,
  AGENTS,
  CLAIMS,
  codeName,
  DATA,
  GONE_MS,
  LARGE,
  RESULTS,
  RUNS,
  WORK,
} from '../../harness/execute/fleet/messages.ts'
import { removeRemains } from '../../harness/execute/fleet/objects.ts'
import type { AgentRecord } from '../../harness/execute/fleet/options.ts'
import { listAgents } from '../../harness/execute/fleet/watch.ts'
import { hashWorkload } from '../../harness/execute/workload-code.ts'
import { compareWithBaseline } from '../../harness/gate/baseline.ts'
import { writeManifest } from '../../harness/record/manifest.ts'
import { openRun } from '../../harness/record/open-run.ts'
import { type BrokerServer, isInstalled, startNats } from '../fixtures/brokers.ts'
import { Sandbox } from '../fixtures/cli.ts'
import { LONG, type TestAgent, TestFleet, trialsIn, until } from '../fixtures/fleet.ts'

const FULL = process.env['STINT_FULL'] === '1'
const missing = isInstalled('nats-server') ? '' : ': no nats-server'

const never = () => new Promise<never>(() => {})
const ms = async (time: number) => {
  await sleep(time)
  return {}
}
const ran = ({ calls }: TestAgent) => calls.filter((call) => call.startsWith('run ')).length
/** Every planned trial once, and no round on two machines. */
function expectWhole(folder: string, trials: number): void {
  const found = trialsIn(folder)
  expect(found).toHaveLength(trials)
  expect(new Set(found.map(({ trial }) => trial)).size).toBe(trials)
  const rounds = new Set(found.map(({ round }) => round))
  expect(new Set(found.map(({ round, machine }) => `${round} ${machine}`)).size).toBe(rounds.size)
}

// What waits longest comes first: some at a time run, and the last are not to wait by themselves.
describe.skipIf(missing !== '')(`a fleet${missing}`, { timeout: 180_000, concurrent: true }, () => {
  let server: BrokerServer
  let fleet: TestFleet
  beforeAll(async () => {
    server = await startNats()
    fleet = new TestFleet(server)
  })
  afterAll(async () => {
    await fleet.remove()
    await server.remove()
  })

  it('refuses an agent whose name another machine has, not one whose machine was restarted', async () => {
    const own = { name: 'twin' }
    const first = await fleet.agent(['twins'], {}, own)
    // What makes the list of agents.
    await fleet.run(fleet.executor({ on: 'twins' }), { benchmark_runs: 1 }).end
    const nc = await connect({ servers: server.url })
    const agents = await new Kvm(nc).open(AGENTS)
    const record = await recordOf(agents, 'twin')
    expect(record.at.pid).toBe(process.pid)
    // A second process of this machine has the name as well.
    const slot = await fleet.agent(['twins'], {}, own)
    await until(() => slot.notes.some((note) => note.includes('waits for work')), 'a second process')
    const alike = (await listAgents({ server: server.url })).filter(({ name }) => name === 'twin')
    expect(alike.map(({ namesake }) => namesake)).toEqual([null, null])
    await slot.leave()

    const other = {
      ...record,
      process: 'elsewhere',
      first: null,
      at: { host: 'pi-b', pid: 812, boot: 'abc' },
    }
    const talk = () => agents.put('twin.elsewhere', JSON.stringify(other))
    await talk()
    const both = (await listAgents({ server: server.url })).filter(({ name }) => name === 'twin')
    expect(both.find(({ at }) => at.host !== 'pi-b')?.namesake).toBe(
      'process 812 on host pi-b; that is another machine',
    )
    expect(both).toHaveLength(2)
    await first.leave()
    await talk()
    let talking = setInterval(() => void talk().catch(() => {}), 300)
    try {
      const second = await fleet.agent(['twins'], {}, own)
      await until(() => second.notes.length > 0, 'a refusal')
      expect(second.notes).toEqual([
        `failed: agent twin: process 812 on host pi-b has this name at ${second.link.url} already, and that is another machine\n  results are told apart by the name of the agent: end the other, or start this one with another --name`,
      ])
      // Here as its name is with the server still, and nothing comes from it.
      clearInterval(talking)
      const again = await fleet.agent(['twins'], {}, own)
      await until(
        () => again.notes.some((note) => note.includes('waits for work')),
        'the agent that came again',
      )
      // Both began while they could not know of each other: the one that registered later ends.
      talking = setInterval(() => void talk().catch(() => {}), 300)
      Object.assign(other, { first: 1 })
      again.link.cut()
      await sleep(500)
      again.link.mend()
      await until(() => again.notes.some((note) => /failed: agent twin: .*pi-b/.test(note)), 'its end')
    } finally {
      clearInterval(talking)
      await nc.close()
    }
  })

  // That the last parts of what is fetched were lost takes a while to see: those are part of the long form only.
  it(`sends code${FULL ? ', fetches it and takes a large result' : ''} while the server and links come and go`, async () => {
    const own = await startNats()
    const local = new TestFleet(own)
    const nc = await connect({ servers: own.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 })
    try {
      const long = { delayMs: 5, bitsPerS: FULL ? 4e6 : 1e6, loss: 0 }
      const size = FULL ? 1_500_000 : 300_000
      const log = randomBytes(size).toString('hex')
      const agent = await local.agent(
        ['away'],
        {
          result: ({ trial }) => {
            writeFileSync(join(agent.resources!.chunk_logs!, `${trial}.jsonl`), log)
            return {}
          },
        },
        { allowWorkloads: 'any' },
        long,
      )
      const link = await local.link(long)
      writeFileSync(join(local.folder, 'own.mjs'), "import './large.mjs'\nexport default {}\n")
      writeFileSync(join(local.folder, 'large.mjs'), `// ${randomBytes(size).toString('hex')}\n`)
      const executor = local.executor({ on: 'away', server: link.url })
      const run = local.run(executor, { workload: 'own.mjs', benchmark_runs: 1, grid: { chunk_size: [1] } })
      /** Messages of a bucket, once it has so many below a subject. */
      const stored = async (bucket: string, below: string, least: number) => {
        for (let found = 0; found < least; await sleep(50)) {
          const parts = { subjects_filter: `$O.${bucket}.${below}.>` }
          const jsm = await jetstreamManager(nc, { checkAPI: false })
          const info = await jsm.streams.info(`OBJ_${bucket}`, parts).catch(() => null)
          found = Object.values(info?.state.subjects ?? {}).reduce((sum, count) => sum + count, 0)
        }
      }
      const restart = async () => {
        await own.kill()
        await sleep(500)
        await own.start()
      }
      await stored(DATA, 'C', 1)
      await restart()
      if (FULL) {
        await stored(DATA, 'M', 1)
        await sleep(1000)
        expect(ran(agent)).toBe(0)
        await restart()
        const jsm = await jetstreamManager(nc)
        while ((await jsm.streams.info(RESULTS)).state.messages === 0) await sleep(50)
        link.cut()
        await sleep(500)
        link.mend()
      }
      await run.end
      const [trial, ...others] = trialsIn(run.folder())
      expect(others).toEqual([])
      expect(readFileSync(join(run.folder(), 'chunks', `${trial!.trial}.jsonl`), 'utf8')).toBe(log)
      const notes = run.events.flatMap((event) => (event.event === 'note' ? [event.text] : []))
      expect(notes.join('\n')).toMatch(
        /the server does not take code-.* of \d+ bytes now \(.+\): it is sent until/,
      )
      expect(notes.join('\n')).not.toContain('left out')
    } finally {
      await local.remove()
      await nc.close()
      await own.remove()
    }
  })

  it('leaves a large result once, and asks for it anew where the server lost it', async () => {
    const log = randomBytes(1_100_000).toString('hex')
    const agent = await fleet.agent(
      ['large'],
      {
        result: ({ trial }) => {
          writeFileSync(join(agent.resources!.chunk_logs!, `${trial}.jsonl`), log)
          return {}
        },
      },
      {},
      { delayMs: 50, bitsPerS: 1e9, loss: 0 },
    )
    const nc = await connect({ servers: server.url })
    let parts = 0
    let handedIn = 0
    nc.subscribe('stint.large.>', { callback: () => void parts++ })
    // That the server has taken it is on its way to the agent.
    nc.subscribe('stint.results.>', {
      callback: (_, { subject }) => {
        if (!subject.endsWith(`.${agent.name}`)) return
        if (handedIn++ === 0) agent.link.holdBack()
      },
    })
    const link = await fleet.link()
    const executor = fleet.executor({ on: 'large', server: link.url })
    const run = fleet.run(executor, { benchmark_runs: 1, grid: { chunk_size: [1] } })
    try {
      await until(() => parts > 0, 'its first part')
      link.cut()
      await until(() => handedIn > 1, 'the second time that it is handed in')
      const once = parts
      agent.link.letGo()
      const jsm = await jetstreamManager(nc)
      const { state } = await jsm.streams.info(LARGE, { subjects_filter: '>' })
      expect(Object.values(state.subjects!)).toEqual([once])
      await jsm.streams.purge(LARGE, { keep: 1 })
      link.mend()
      await run.end
      const [trial] = trialsIn(run.folder())
      expect(readFileSync(join(run.folder(), 'chunks', `${trial!.trial}.jsonl`), 'utf8')).toBe(log)
      const notes = run.events.flatMap((event) => (event.event === 'note' ? [event.text] : []))
      expect(notes).toContain('a result was left out: the server has lost its content, or a part of that')
      expect(ran(agent)).toBe(1)
      expect((await jsm.streams.info(LARGE)).state.messages).toBe(0)
    } finally {
      agent.link.letGo()
      await nc.close()
    }
  })

  it('says of a trial that another slot had a part in the energy, also where its job came and went meanwhile', async () => {
    const joules = { joules: 5, source: 'rapl' as const, shared: false }
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let first = ''
    const result = async ({ trial }: { trial: string }) => {
      first ||= trial
      if (trial === first) await held
      return { energy: joules }
    }
    const agent = await fleet.agent(['metered'], { result }, { slots: 2 })
    const keys = { benchmark_runs: 1, grid: { chunk_size: [1, 2] } }
    const long = fleet.run(fleet.executor({ on: 'metered' }), keys)
    await until(() => ran(agent) === 1, 'the trial that takes long')
    const short = fleet.run(fleet.executor({ on: 'metered' }), { ...keys, grid: { chunk_size: [3] } })
    await short.end
    // Until the agent is done with it as well.
    const nc = await connect({ servers: server.url })
    const jsm = await jetstreamManager(nc)
    const work = async () => {
      const { state } = await jsm.streams.info(WORK, { subjects_filter: 'stint.work.metered.>' })
      return Object.keys(state.subjects ?? {}).length
    }
    while ((await work()) > 1) await sleep(50)
    await nc.close()
    release()
    await long.end
    const energy = (folder: string) => trialsIn(folder).map((trial) => 'energy' in trial && trial.energy)
    const shared = { joules: null, source: null, shared: true }
    expect(energy(short.folder())).toEqual([shared])
    expect(energy(long.folder())).toEqual([shared, joules])
  })

  it('keeps results while the link of an agent is cut, and hands them in without running anything again', async () => {
    const agent = await fleet.agent(['cut'], { result: () => ms(50) })
    const run = fleet.run(fleet.executor({ on: 'cut' }), {
      benchmark_runs: 2,
      grid: { chunk_size: [1, 2, 3, 4] },
    })
    await until(() => ran(agent) === 2, 'the second trial')
    agent.link.cut()
    await until(() => ran(agent) === 4, 'the rest of the round without a link')
    // Longer than the server waits for a beat, and than an agent is taken to be there.
    await sleep(Math.max(ACK_WAIT_MS, GONE_MS) + 1000)
    agent.link.mend()
    await run.end
    expectWhole(run.folder(), 8)
    expect(ran(agent)).toBe(8)
  })

  it('takes a trial in which three agents went away for crashed, and goes on with the others', async () => {
    let bad = ''
    const result = ({ trial }: { trial: string }) => {
      bad ||= trial
      return trial === bad ? never() : {}
    }
    const run = fleet.run(fleet.executor({ on: 'deadly' }), {
      benchmark_runs: 1,
      grid: { chunk_size: [1, 2, 3] },
    })
    const nc = await connect({ servers: server.url })
    const jsm = await jetstreamManager(nc)
    for (let death = 0; death < 3; death++) {
      const agent = await fleet.agent(['deadly'], { result })
      await until(() => agent.calls.includes(`run ${bad}`), `death ${death}`)
      // What the agent said last is on its way.
      for (let isSaid = false; !isSaid; await sleep(20)) {
        const last_by_subj = `$KV.${CLAIMS}.${basename(run.folder())}.r001-deadly`
        const stored = await jsm.direct.getMessage(`KV_${CLAIMS}`, { last_by_subj })
        const { trial, deaths } = JSON.parse(stored?.string() ?? '{}')
        isSaid = trial === bad && (deaths[bad] ?? 0) === death
      }
      agent.kill()
    }
    await nc.close()
    const last = await fleet.agent(['deadly'], { result })
    await run.end
    expectWhole(run.folder(), 3)
    const crashed = trialsIn(run.folder()).filter(({ outcome }) => outcome !== 'ok')
    expect(crashed).toMatchObject([{ trial: bad, outcome: 'crashed', error: { name: 'AgentLost' } }])
    expect(crashed[0]).toHaveProperty('error.message', expect.stringContaining('went away 3 times'))
    expect(last.calls).not.toContain(`run ${bad}`)
  })

  it('refuses a run that a coordinator on another machine holds, and takes it once that one is silent', async () => {
    const agent = await fleet.agent(['held-elsewhere'], {
      result: () => (agent.calls.includes('close') ? {} : ms(200)),
    })
    const run = fleet.run(fleet.executor({ on: 'held-elsewhere' }))
    await until(() => ran(agent) > 0, 'the first trial')
    run.stop()
    await run.end
    const nc = await connect({ servers: server.url })
    const runs = await new Kvm(nc).open(RUNS)
    const hold = () =>
      runs.put(
        basename(run.folder()),
        JSON.stringify({
          ...{ name: 'swept', planned: 4, finished: 1, not_ok: 0, done: 'no' },
          coordinator: { owner: 'of another machine', machine: 'elsewhere' },
        }),
      )
    await hold()
    const beat = setInterval(() => void hold().catch(() => {}), 1000)
    try {
      const refused = fleet.resume(run.folder(), fleet.executor({ on: 'held-elsewhere' }))
      await expect(refused.end).rejects.toThrow(
        /another stint works on this run \(process \w+ on elsewhere\)/,
      )
    } finally {
      clearInterval(beat)
    }
    await nc.close()
    const taken = fleet.resume(run.folder(), fleet.executor({ on: 'held-elsewhere' }))
    expect(await taken.end).toMatchObject({ end: { done: 'finished' } })
    expectWhole(run.folder(), 4)
  })

  it('measures a round again where an agent came back with other limits', async () => {
    const own = { name: 'trimmed', folder: join(fleet.folder, 'trimmed') }
    const first = await fleet.agent(['trim'], { result: () => (ran(first) === 2 ? never() : {}) }, own)
    const run = fleet.run(fleet.executor({ on: 'trim' }), { benchmark_runs: 1 })
    await until(() => ran(first) === 2, 'the second trial')
    first.kill()
    const second = await fleet.agent(['trim'], {}, { ...own, maxMemoryMb: 64 })
    await run.end
    expect(ran(second)).toBe(2)
    const trials = trialsIn(run.folder())
    expect(trials.map(({ caps }) => caps.memory.asked_mb)).toEqual([64, 64])
    // The first handed in one of two, which is no round.
    expect(new Set(trials.map(({ machine }) => machine)).size).toBe(1)
  })

  it('has on disk what an agent measured while its link was cut, for the agent that is started anew', async () => {
    const own = { name: 'kept-agent' }
    const agent = await fleet.agent(['kept'], { result: () => ms(20) }, own)
    const run = fleet.run(fleet.executor({ on: 'kept' }), {
      benchmark_runs: 1,
      grid: { chunk_size: [1, 2, 3] },
    })
    await until(() => ran(agent) === 1, 'the first trial')
    agent.link.cut()
    await until(() => agent.calls.filter((call) => call.startsWith('end ')).length === 3, 'the round')
    await until(() => agent.notes.some((note) => /is kept here/.test(note)), 'the note')
    agent.kill()
    const again = await fleet.agent(['kept'], {}, own)
    await run.end
    expectWhole(run.folder(), 3)
    expect(ran(again)).toBe(0)
  })

  it('keeps two machines of one name apart in the record, and across a resumption', async () => {
    const own = { name: 'alike' }
    const first = await fleet.agent(
      ['alike-label'],
      { result: () => (ran(first) === 4 ? never() : {}) },
      { ...own, folder: join(fleet.folder, 'one') },
    )
    const run = fleet.run(fleet.executor({ on: 'alike-label' }), { benchmark_runs: 4 })
    await until(() => ran(first) === 4, 'the second trial of round 2')
    first.kill()
    const slow = { result: () => ms(100) }
    const second = await fleet.agent(['alike-label'], slow, { ...own, folder: join(fleet.folder, 'two') })
    await until(() => trialsIn(run.folder()).length >= 4, 'a round of the second machine')
    run.stop()
    await run.end
    await second.leave()
    await fleet.agent(['alike-label'], {}, { ...own, folder: join(fleet.folder, 'two') })
    const resumed = fleet.resume(run.folder(), fleet.executor({ on: 'alike-label' }))
    await resumed.end
    expectWhole(run.folder(), 8)
    const names = ['alike', 'alike', ...Array.from({ length: 6 }, () => 'alike (2)')]
    expect(trialsIn(run.folder()).map(({ machine }) => machine)).toEqual(names)
    const { machines } = openRun(run.folder()).manifest.fleet!
    expect(machines.map(({ name }) => name)).toEqual(['alike', 'alike (2)'])
    expect(new Set(machines.map(({ id }) => id)).size).toBe(2)
    const notes = run.events.flatMap((event) => (event.event === 'note' ? [event.text] : []))
    expect(notes.filter((note) => note.includes('under the name alike'))).toEqual([
      'results under the name alike come from another machine, or from one with other limits, than before: they are recorded as of alike (2); to tell them apart, start each agent with a --name of its own',
    ])
  })

  it('takes a round once where another agent did it while the link of the first was cut', async () => {
    const first = await fleet.agent(['late'], { result: () => ms(50) })
    const run = fleet.run(fleet.executor({ on: 'late' }), {
      benchmark_runs: 1,
      grid: { chunk_size: [1, 2, 3] },
    })
    await until(() => ran(first) === 2, 'the second trial')
    first.link.cut()
    const second = await fleet.agent(['late'])
    await run.end
    first.link.mend()
    await sleep(1000)
    expectWhole(run.folder(), 3)
    expect(trialsIn(run.folder()).every(({ machine }) => machine === second.name)).toBe(true)
  })

  it('says who joins and who leaves, and spreads rounds over all', async () => {
    const first = await fleet.agent(['many'], { result: () => ms(200) })
    const run = fleet.run(fleet.executor({ on: 'many' }), { benchmark_runs: 8 })
    await until(() => ran(first) > 0, 'the first trial')
    const second = await fleet.agent(['many'], { result: () => ms(200) })
    await until(() => ran(second) > 2, 'work of the second agent')
    await first.leave()
    await run.end
    expectWhole(run.folder(), 16)
    const notes = run.events.flatMap((event) => (event.event === 'note' ? [event.text] : []))
    expect(notes).toContain(`agent ${second.name} has joined many`)
    expect(notes).toContain(`agent ${first.name} has left many`)
    // What was begun went to the other at once, and is no death.
    expect(trialsIn(run.folder()).every(({ outcome }) => outcome === 'ok')).toBe(true)
  })

  it('holds a baseline against the machines that ran it, not against the coordinator', async () => {
    const result = () => ({ metrics: { latency_mean_ms: 10, peak_memory_mb: 5 } })
    await fleet.agent(['held'], { result })
    const run = fleet.run(fleet.executor({ on: 'held' }))
    await run.end
    const { manifest } = openRun(run.folder())
    const options = { margin: null, allowDifferentMachine: false, onStep() {}, onTrial() {} }
    const gate = () => {
      const executor = fleet.executor({ on: 'held', oneAgent: true })
      const { signal } = new AbortController()
      return compareWithBaseline(fleet.sweep(), [run.folder()], executor, { ...options, signal })
    }
    writeManifest(run.folder(), { ...manifest, machine: { ...manifest.machine, cpu_model: 'Laptop' } })
    expect((await gate()).trials).toBe(4)
    const machines = manifest.fleet!.machines.map((one) => ({
      ...one,
      machine: { ...one.machine, cpu_model: 'Other board' },
    }))
    writeManifest(run.folder(), { ...manifest, fleet: { ...manifest.fleet!, machines } })
    await expect(gate()).rejects.toThrow(
      /was recorded on another machine: the processor was Other board and is /,
    )
  })

  it('ends on Ctrl-C on both sides while the server is away', async () => {
    const own = await startNats()
    const local = new TestFleet(own)
    try {
      const agent = await local.agent(['away'], {
        result: () => (agent.calls.includes('close') ? {} : never()),
      })
      const run = local.run(local.executor({ on: 'away' }))
      await until(() => ran(agent) > 0, 'the first trial')
      await own.kill()
      run.stop()
      await agent.leave()
      expect(await run.end).toMatchObject({ done: 'interrupted' })
    } finally {
      await local.remove()
      await own.remove()
    }
  })

  it('goes on after its coordinator was killed, takes what came meanwhile, and nothing twice', async () => {
    const sandbox = new Sandbox()
    try {
      const agent = await fleet.agent(['left'], { result: () => ms(100) })
      const words = ['--server', server.url]
      const keys = {
        name: 'swept',
        dataset: { generate: 'nba2k', rows: 50 },
        grid: { chunk_size: [1, 2] },
        benchmark_runs: 6,
      }
      const sweep = sandbox.write('sweep.yaml', JSON.stringify(keys))
      const { child, end } = sandbox.start([
        'run',
        sweep,
        '--on',
        'left',
        ...words,
        '--out',
        sandbox.results,
        '--quiet',
      ])
      await until(() => ran(agent) >= 3, 'the second round')
      child.kill('SIGKILL')
      await end
      const [run] = sandbox.runs()
      await until(() => ran(agent) === 12, 'the rest without a coordinator')
      const before = trialsIn(run!).length
      expect(before).toBeLessThan(12)
      const resumed = await sandbox.stint('resume', run!, ...words, '--json')
      expect(resumed).toMatchObject({ code: 0 })
      expectWhole(run!, 12)
      expect(ran(agent)).toBe(12)
    } finally {
      sandbox.remove()
    }
  })

  it('gives the round of an agent that was killed to another, as a whole', async () => {
    const first = await fleet.agent(['killed'], {
      result: ({ trial }) => (trial.endsWith('r002') && ran(first) === 4 ? never() : {}),
    })
    const run = fleet.run(fleet.executor({ on: 'killed' }), { benchmark_runs: 3 })
    await until(() => ran(first) === 4, 'the second trial of round 2')
    first.kill()
    const second = await fleet.agent(['killed'])
    await run.end
    expectWhole(run.folder(), 6)
    expect(trialsIn(run.folder()).map(({ machine }) => machine)).toEqual(
      ['1', '1', '2', '2', '2', '2'].map((n) => (n === '1' ? first.name : second.name)),
    )
  })

  it('survives the end of the server, on both sides', async () => {
    const own = await startNats()
    const local = new TestFleet(own)
    try {
      const agent = await local.agent(['restart'], { result: () => ms(100) })
      const run = local.run(local.executor({ on: 'restart' }), { benchmark_runs: 8 })
      await until(() => ran(agent) >= 3, 'the second round')
      await own.kill()
      await sleep(1500)
      await own.start()
      await run.end
      expectWhole(run.folder(), 16)
    } finally {
      await local.remove()
      await own.remove()
    }
  })

  it('completes a run over long links, with nobody near the server', async () => {
    const result = () => ({ metrics: { latency_mean_ms: 1 } })
    await fleet.agent(['far'], { result }, {}, LONG)
    const { url } = await fleet.link(LONG)
    const run = fleet.run(fleet.executor({ on: 'far', server: url }))
    expect(await run.end).toMatchObject({ done: 'finished' })
    expect(trialsIn(run.folder()).map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok', 'ok'])
    // What a link does, an agent's death might as well.
    const notes = run.events.flatMap((event) => (event.event === 'note' ? [event.text] : []))
    expect(notes).toEqual([])
  })

  it('gives back what an agent has no disk for, says so, and counts no death', async () => {
    let tries = 0
    const first = await fleet.agent(['full'], {
      result: () => {
        tries++
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
      },
    })
    const run = fleet.run(fleet.executor({ on: 'full' }))
    const said = () =>
      run.events.filter(
        (event) => event.event === 'note' && event.text.includes('gives back what it gets: its disk has no'),
      )
    await until(() => said().length > 0 && tries > 3, 'the fourth try')
    expect(first.notes.join()).toContain('could not be run: its disk has no room')
    const second = await fleet.agent(['full'])
    await run.end
    expectWhole(run.folder(), 4)
    expect(
      trialsIn(run.folder()).every(({ outcome, machine }) => outcome === 'ok' && machine === second.name),
    ).toBe(true)
    expect(said()).toHaveLength(1)
  })

  it('stops what runs elsewhere on Ctrl-C, and resumes', async () => {
    const agent = await fleet.agent(['stopped'], {
      result: () => (agent.calls.includes('close') ? {} : ms(300)),
    })
    const executor = fleet.executor({ on: 'stopped' })
    const run = fleet.run(executor, { benchmark_runs: 4 })
    await until(() => ran(agent) >= 4, 'the second round')
    run.stop()
    expect(await run.end).toMatchObject({ done: 'interrupted' })
    await until(() => agent.calls.includes('close'), 'the end of what ran')
    const before = trialsIn(run.folder()).length
    expect(before).toBeLessThan(8)
    const resumed = fleet.resume(run.folder(), fleet.executor({ on: 'stopped' }))
    expect(await resumed.end).toMatchObject({ end: { done: 'finished' }, ran: true })
    expectWhole(run.folder(), 8)
  })

  it('calibrates on each agent where compute is relative to a profile', async () => {
    const profile = join(fleet.folder, 'board.yaml')
    writeFileSync(
      profile,
      JSON.stringify({ description: 'a board', kernel_ops_s: 1e9, max_compute_units: 1 }),
    )
    const scales = new Map<string, number>()
    const of = (label: string, kernel_ops_s: number) =>
      fleet.agent([label], {
        result: ({ trial }) => {
          if (trial.startsWith('calibrate')) return { metrics: { kernel_ops_s } }
          scales.set(label, agents.get(label)!.resources!.compute_scale)
          return {}
        },
      })
    const agents = new Map([
      ['swift', await of('swift', 4e9)],
      ['slow', await of('slow', 5e8)],
    ])
    const keys = { machines: ['swift', 'slow'], relative_to: profile, max_compute_units: 0.25 }
    const { relative_to } = fleet.sweep(keys).sweep
    expect(relative_to).toMatchObject({ kernel_ops_s: 1e9 })
    const machines = ['swift', 'slow']
    const run = fleet.run(fleet.executor({ machines, relativeTo: relative_to }), keys)
    await run.end
    expect(trialsIn(run.folder())).toHaveLength(8)
    // Cores of the agent for one of the profile.
    expect(Object.fromEntries(scales)).toEqual({ swift: 0.25, slow: 2 })
    const { manifest } = openRun(run.folder())
    expect(manifest.fleet!.machines.map(({ kernel_ops_s }) => kernel_ops_s).sort()).toEqual([4e9, 5e8])
    for (const agent of agents.values())
      expect(agent.calls.filter((call) => call.startsWith('run calibrate'))).toHaveLength(5)
  })

  it('refuses a second coordinator on one run', async () => {
    const agent = await fleet.agent(['two'], { result: () => ms(400) })
    const run = fleet.run(fleet.executor({ on: 'two' }))
    await until(() => ran(agent) > 0, 'the first trial')
    const copy = join(fleet.folder, 'copy', basename(run.folder()))
    cpSync(run.folder(), copy, { recursive: true, filter: (path) => !path.includes('.lock-') })
    const second = fleet.executor({ on: 'two' })
    const other = fleet.resume(copy, second)
    await expect(other.end).rejects.toThrow(/another stint works on this run \(process \d+ on /)
    // Nor does its end take anything from the first.
    await second.close()
    await run.end
    expectWhole(run.folder(), 4)
  })

  it('goes on with others where an agent that joins refuses what the run asks for', async () => {
    const first = await fleet.agent(['picky'], { result: () => ms(200) })
    const executor = fleet.executor({ on: 'picky' })
    const run = fleet.run(executor, { benchmark_runs: 4, max_memory_mb: 100 })
    await until(() => ran(first) > 0, 'the first trial')
    const small = await fleet.agent(['picky'], {}, { maxMemoryMb: 50 })
    await until(() => small.notes.some((note) => /a job is refused/.test(note)), 'a refusal')
    await run.end
    await executor.close()
    expectWhole(run.folder(), 8)
    expect(trialsIn(run.folder()).every(({ machine }) => machine === first.name)).toBe(true)
    const notes = run.events.flatMap((event) => (event.event === 'note' ? [event.text] : []))
    const [refusal, ...more] = notes.filter((note) => note.includes('refuses'))
    expect(refusal).toMatch(
      /refuses r00\d-picky: max_memory_mb 100 is more than this agent's 50; the run goes on with others of picky$/,
    )
    expect(more).toEqual([])
    await first.leave()
    const none = fleet.run(fleet.executor({ on: 'picky' }), { max_memory_mb: 100 })
    await expect(none.end).rejects.toThrow(/refuses r001-picky: max_memory_mb 100 is more than/)
  })

  it('leaves out an agent of another version, unless its label has no other', async () => {
    const here = await fleet.agent(['versions'])
    await fleet.run(fleet.executor({ on: 'versions' }), { benchmark_runs: 1 }).end
    const record = (await listAgents({ server: server.url })).find(({ name }) => name === here.name)!
    const nc = await connect({ servers: server.url.slice('nats://'.length) })
    const old = { ...record, name: 'old', process: 'p', stint: '0.0.1', slots: 1000 }
    const put = async () => (await new Kvm(nc).open(AGENTS)).put('old.p', JSON.stringify(old))
    await put()
    const run = fleet.run(fleet.executor({ on: 'versions' }), { benchmark_runs: 1 })
    await run.end
    expectWhole(run.folder(), 2)
    expect(trialsIn(run.folder()).every(({ machine }) => machine === here.name)).toBe(true)
    await here.leave()
    await put()
    await expect(fleet.run(fleet.executor({ on: 'versions' })).end).rejects.toThrow(
      /agent old runs Stint 0\.0\.1, and this is \d/,
    )
    await nc.close()
  })

  /** What the server has of an agent. */
  const recordOf = async (agents: KV, name: string): Promise<AgentRecord> => {
    for (;;) {
      for await (const key of await agents.keys(`${name}.*`))
        return (await agents.get(key))!.json<AgentRecord>()
      await sleep(50)
    }
  }

  it('says what goes on only while somebody listens', async () => {
    const [speaker, listener] = await Promise.all(
      [1, 2].map(() => connect({ servers: server.url.slice('nats://'.length) })),
    )
    const audience = new Audience(speaker!, 'stint.events.said', '_INBOX_said')
    const said = () => {
      const { outMsgs } = speaker!.stats()
      audience.tell({ event: 'note' })
      return speaker!.stats().outMsgs > outMsgs
    }
    expect(said()).toBe(true)
    await until(() => !said(), 'silence')
    const heard: unknown[] = []
    listener!.subscribe('stint.events.said', { callback: (_, message) => void heard.push(message.json()) })
    await listener!.flush()
    await until(() => said() && heard.length > 10, 'all that is said')
    expect(heard[0]).toEqual({ event: 'note' })
    expect(Array.from({ length: 100 }, said)).not.toContain(false)
    await Promise.all([speaker!.close(), listener!.close()])
  })

  it('sends again what the server lost a part of', async () => {
    const agent = await fleet.agent(['lossy'], {}, { allowWorkloads: 'any' })
    const path = join(fleet.folder, 'lossy.mjs')
    writeFileSync(path, `// ${randomBytes(200_000).toString('hex')}\nexport default {}\n`)
    const keys = { workload: 'lossy.mjs', benchmark_runs: 1 }
    await fleet.run(fleet.executor({ on: 'lossy' }), keys).end
    await agent.leave()
    const nc = await connect({ servers: server.url })
    const { nuid } = (await (await new Objm(nc).open(DATA)).info(codeName(hashWorkload(path))))!
    const { streams } = await jetstreamManager(nc)
    const part = await streams.getMessage(`OBJ_${DATA}`, { last_by_subj: `$O.${DATA}.C.${nuid}` })
    await streams.deleteMessage(`OBJ_${DATA}`, part!.seq)
    await fleet.agent(['lossy'], {}, { allowWorkloads: 'any' })
    const run = fleet.run(fleet.executor({ on: 'lossy' }), keys)
    await run.end
    expectWhole(run.folder(), 2)
    await nc.close()
  })

  it('removes what an upload left that was cut off long ago', async () => {
    const own = await startNats()
    const nc = await connect({ servers: own.url })
    try {
      const store = await new Objm(nc).create(DATA)
      const jsm = await jetstreamManager(nc)
      const part = (upload: string) => jsm.jetstream().publish(`$O.${DATA}.C.${upload}`, randomBytes(1000))
      const whole = await store.putBlob({ name: 'early' }, randomBytes(300_000))
      for (const upload of ['left', 'left', 'slow']) await part(upload)
      await sleep(1500)
      const last = await store.putBlob({ name: 'last' }, randomBytes(300_000))
      await part('slow')
      const found = async () => {
        const { state } = await jsm.streams.info(`OBJ_${DATA}`, { subjects_filter: `$O.${DATA}.C.*` })
        return Object.entries(state.subjects!).map(([subject, parts]) => [subject.split('.').at(-1), parts])
      }
      const kept = [
        ['slow', 2],
        [whole.nuid, 3],
        [last.nuid, 3],
      ]
      await removeRemains(nc, DATA)
      expect(await found()).toHaveLength(4)
      await removeRemains(nc, DATA, 1000)
      expect(new Map((await found()) as never)).toEqual(new Map(kept as never))
    } finally {
      await nc.close()
      await own.remove()
    }
  })

  it('says that the server has no room for the data', async () => {
    const own = await startNats('', 'max_file_store: 200KB')
    const sandbox = new Sandbox()
    const local = new TestFleet(own)
    try {
      await local.agent(['full'])
      const keys = { name: 'swept', dataset: { generate: 'nba2k', rows: 5000 } }
      const sweep = sandbox.write('sweep.yaml', JSON.stringify(keys))
      const run = ['run', sweep, '--on', 'full', '--server', own.url, '--out', sandbox.results, '--quiet']
      const { code, stderr } = await sandbox.stint(...run)
      expect(stderr).toMatch(
        /the server has no room for data-[0-9a-f]+\.\.\. of \d+ bytes[\s\S]*max_file_store/,
      )
      expect(code).toBe(4)
    } finally {
      sandbox.remove()
      await local.remove()
      await own.remove()
    }
  })
})
