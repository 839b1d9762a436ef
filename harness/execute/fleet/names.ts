/**
 * What keeps machines apart whose agents have one name: at the server, where the second is refused, and in a record,
 * where two never share a name.
 */
import { createHash } from 'node:crypto'
import type { NatsConnection } from '@nats-io/transport-node'
import { identityOfPlace } from '../../record/compatibility.ts'
import type { FleetMachine } from '../../record/types.ts'
import { UserError } from '../../user-error.ts'
import { GONE_MS, pause } from './messages.ts'
import type { AgentRecord } from './options.ts'
import { type Registration, registrationsOf } from './registry.ts'

// ---------------------------------------------------------------- at the server

/** What a system without an id of its boot has. */
const NO_BOOT = '0'
const ANOTHER = 'that is another machine'

/**
 * How the machine of one agent is known to be another than that of the other, or to give trials something else; null
 * where they may be slots of one.
 */
export function differenceOf(own: AgentRecord, other: AgentRecord): string | null {
  const boots = [own.at.boot, other.at.boot]
  // Two systems that run both are two machines, however alike.
  if (!boots.includes(NO_BOOT) && own.at.boot !== other.at.boot) return ANOTHER
  // A machine that tells of no boot, as macOS does not.
  const cards = [own.at.hardware, other.at.hardware]
  if (boots.includes(NO_BOOT) && !cards.includes(null) && cards[0] !== cards[1]) return ANOTHER
  const [mine, theirs] = [identityOfPlace(own), identityOfPlace(other)]
  const found = theirs.findIndex(([, , value], index) => value !== mine[index]![2])
  if (found < 0) return null
  const [, what, value] = theirs[found]!
  return `${what.replace(/,$/, '')} is ${value ?? 'none'} there and ${mine[found]![2] ?? 'none'} here`
}

/** Such as `process 812 on host pi-b`. */
export function placeOf({ at }: AgentRecord): string {
  return `process ${at.pid} on host ${at.host}`
}

export function nameTaken(own: AgentRecord, other: AgentRecord, server: string): UserError {
  return new UserError(
    `agent ${own.name}: ${placeOf(other)} has this name at ${server} already, and ${differenceOf(own, other)}`,
    'results are told apart by the name of the agent: end the other, or start this one with another --name',
  )
}

const LOOK_MS = 500

/**
 * The agent of another machine that has the same name and registered before; null for none. What the server still has
 * may be of one that was killed, or of this machine before it was restarted: only one that goes on talking counts.
 * @param since sequence of its own first record at the server; null where it has none yet
 * @throws where the server does not answer
 */
export async function namesakeOf(
  nc: NatsConnection,
  own: AgentRecord,
  since: number | null,
  signal: AbortSignal,
): Promise<AgentRecord | null> {
  const until = performance.now() + GONE_MS
  const before = new Map<string, number>()
  const isOther = ({ record, sequence }: Registration) =>
    record.process !== own.process &&
    (since === null || (record.first ?? sequence) < since) &&
    differenceOf(own, record) !== null
  while (!signal.aborted) {
    const others = (await registrationsOf(nc, own.name)).filter(isOther)
    for (const { record, sequence } of others) {
      const was = before.get(record.process)
      if (was !== undefined && was !== sequence) return record
      before.set(record.process, sequence)
    }
    if (others.length === 0 || performance.now() > until) return null
    await pause(LOOK_MS)
  }
  return null
}

// ---------------------------------------------------------------- in a record

/** The same for all that one machine hands in under the same conditions. */
export function machineMark(machine: FleetMachine): string {
  const conditions = identityOfPlace(machine).map(([, , value]) => value ?? null)
  return createHash('sha256')
    .update(JSON.stringify([machine.id, ...conditions]))
    .digest('hex')
    .slice(0, 12)
}

export class MachineNames {
  private readonly byMachine = new Map<string, string>()
  private readonly taken = new Set<string>()
  /** An agent says the same of itself with each result. */
  private readonly known = new WeakMap<FleetMachine, string>()

  /** @param recorded machines of an earlier part of the run */
  constructor(recorded: readonly FleetMachine[] = []) {
    for (const machine of recorded) {
      this.taken.add(machine.name)
      // An agent's own name has no spaces.
      this.byMachine.set(keyOf(machine.name.split(' ')[0]!, machine), machine.name)
    }
  }

  /** What the machine is called in the record: as its agent, or such as `the-pi (2)` where another was called so before. */
  nameOf(agent: FleetMachine): string {
    const known = this.known.get(agent)
    if (known !== undefined) return known
    const key = keyOf(agent.name, agent)
    let name = this.byMachine.get(key) ?? agent.name
    if (!this.byMachine.has(key)) for (let n = 2; this.taken.has(name); n++) name = `${agent.name} (${n})`
    this.taken.add(name)
    this.byMachine.set(key, name)
    this.known.set(agent, name)
    return name
  }
}

function keyOf(name: string, machine: FleetMachine): string {
  return `${name} ${machineMark(machine)}`
}
