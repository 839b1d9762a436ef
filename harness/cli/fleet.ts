/** The words that name a server and its agents, for every command that works with other machines. */
import { type FleetServer, type ServerOptions, UserError } from '../index.ts'

export interface ServerWords {
  server: string | undefined
  creds: string | undefined
  'tls-ca': string | undefined
}

export interface FleetWords extends ServerWords {
  on: string | undefined
}

/** For yargs. */
export const serverOptions = {
  server: { type: 'string', requiresArg: true, describe: 'NATS server, such as nats://host:4222' },
  creds: { type: 'string', requiresArg: true, describe: 'file with credentials for the server' },
  'tls-ca': {
    type: 'string',
    requiresArg: true,
    describe: "certificate (PEM) of the authority that signed the server's",
  },
} as const

/** For yargs. */
export const fleetOptions = {
  on: {
    type: 'string',
    requiresArg: true,
    describe: 'run on agents with this label at --server, instead of on this machine',
  },
  ...serverOptions,
} as const

export function serverOf({ server, creds, 'tls-ca': tlsCa }: ServerWords): ServerOptions {
  if (server === undefined)
    throw new UserError(
      'a server is missing',
      'say --server nats://HOST:4222; docs/guides/fleet.md shows how to set one up',
    )
  return { server, ...(creds !== undefined && { creds }), ...(tlsCa !== undefined && { tlsCa }) }
}

/** Nothing where everything runs here. */
export function fleetOf({ on, ...words }: FleetWords): { fleet?: FleetServer } {
  if (on === undefined && words.server === undefined) return {}
  return { fleet: { ...serverOf(words), ...(on !== undefined && { on }) } }
}
