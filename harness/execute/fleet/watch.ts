/** Looking on: who is at a server, and how far a run is. */
import { realpathSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { Kvm } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { UserError } from '../../user-error.ts'
import { connectTo, endConnection, inboxes } from './connection.ts'
import { pause, REGISTER_MS, RUNS, type RunState, setUp, subjects, unpack } from './messages.ts'
import { differenceOf, placeOf } from './names.ts'
import type { AgentRecord, ListedAgent, ServerOptions } from './options.ts'
import { Registry } from './registry.ts'

/** Beyond one beat of every agent, ms. */
const LISTEN_MS = REGISTER_MS + 1000

/** @throws {UserError} where the server cannot be reached */
export async function listAgents(server: ServerOptions): Promise<ListedAgent[]> {
  const nc = await connectTo(server, inboxes.watcher, 'stint agents')
  try {
    const registry = await Registry.follow(nc).catch(async () => {
      // Agents have nowhere to register yet; where this user may not make it, a coordinator must.
      await setUp(nc).catch((error: UserError) => {
        if (!/permission/i.test(error.message)) throw error
        throw new UserError(
          'no run has been at this server yet, and agents register with the first',
          'begin a run, or let one who may set the server up ask',
        )
      })
      return await Registry.follow(nc)
    })
    // What the server still has may be of an agent that was killed just now: only one that goes on talking counts.
    await pause(LISTEN_MS)
    const there = registry.agents()
    registry.close()
    return there.map((agent) => ({ ...agent, namesake: namesakeIn(there, agent) }))
  } finally {
    await endConnection(nc)
  }
}

function namesakeIn(there: readonly AgentRecord[], agent: AgentRecord): string | null {
  for (const other of there) {
    const difference = other.name === agent.name ? differenceOf(agent, other) : null
    if (difference !== null) return `${placeOf(other)}; ${difference}`
  }
  return null
}

export interface Watch extends ServerOptions {
  /** Gets the events of a run, as its coordinator sends them. */
  onEvent(event: never): void
  signal: AbortSignal
}

/** How long a coordinator may say nothing before it is taken for gone, ms. */
const QUIET_MS = 15_000
const LOOK_MS = 1000

/**
 * @param run its folder, or the folder's name
 * @returns how it ended; `stopped` where its coordinator went away or the watcher was told to stop
 * @throws {UserError} where the server knows no such run
 */
export async function watchRun(
  run: string,
  { onEvent, signal, ...server }: Watch,
): Promise<'finished' | 'interrupted' | 'stopped'> {
  const nc = await connectTo(server, inboxes.watcher, 'stint watch')
  try {
    return await follow(nc, basename(realOf(run)), onEvent as (event: unknown) => void, signal)
  } finally {
    await endConnection(nc)
  }
}

/** The folder that a link such as `latest` means; a name that is no folder here is left as it is. */
function realOf(run: string): string {
  try {
    return realpathSync(run)
  } catch {
    return resolve(run)
  }
}

async function follow(
  nc: NatsConnection,
  id: string,
  onEvent: (event: unknown) => void,
  signal: AbortSignal,
): Promise<'finished' | 'interrupted' | 'stopped'> {
  const runs = await new Kvm(nc).open(RUNS).catch(() => null)
  const first = (await runs?.get(id).catch(() => null)) ?? null
  if (runs === null || first === null || first.operation !== 'PUT')
    throw new UserError(
      `the server knows no run ${id}`,
      'name a run folder, or its last part, such as 20261130T041500Z-3fa2c1; runs are known for a week',
    )
  const waiting: unknown[] = []
  let began = false
  const subscription = nc.subscribe(subjects.events(id), {
    callback: (_, message) => {
      try {
        const event = JSON.parse(message.string()) as { event?: unknown }
        if (began) onEvent(event)
        else waiting.push(event)
      } catch {
        // No event.
      }
    },
  })
  try {
    const described = await runs.get(`${id}.prepared`)
    const state = (await runs.get(id))!.json<RunState>()
    if (described !== null) {
      const manifest = await unpack(described.value)
      const { planned, finished } = state
      onEvent({ event: 'prepared', folder: id, manifest, finished, left: planned - finished })
    }
    began = true
    for (const event of waiting) onEvent(event)
    let revision = -1
    let heard = performance.now()
    while (!signal.aborted) {
      const now = await runs.get(id).catch(() => null)
      if (now !== null) {
        const { done } = now.json<RunState>()
        if (done !== 'no') return done
        if (now.revision !== revision) heard = performance.now()
        revision = now.revision
      }
      if (performance.now() - heard > QUIET_MS) return 'stopped'
      await pause(LOOK_MS)
    }
    return 'stopped'
  } finally {
    subscription.unsubscribe()
  }
}
