/**
 * Whether the kernel may kill in Stint's groups: systemd counts such kills in a whole unit, subgroups included, and stops a
 * service with the default `OOMPolicy=stop` for one of them. So a trial that outgrows its cap would end the run.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const ANSWER_MS = 30_000

interface Unit {
  name: string
  /** Whether the user's own manager runs it. */
  user: boolean
}

/** The policy of a unit; null where there is no systemd to ask. */
type PolicyOf = (unit: Unit) => Promise<string | null>

/** @param group as below the mount of version 2 */
export async function isStoppedByKills(group: string, policyOf: PolicyOf = askSystemd): Promise<boolean> {
  const policies = await Promise.all(unitsOf(group).map(policyOf))
  return policies.some((policy) => policy !== null && policy !== '' && policy !== 'continue')
}

/** Services and scopes that a group is in. */
export function unitsOf(group: string): Unit[] {
  const parts = group.split('/')
  const manager = parts.findIndex((part) => /^user@\d+\.service$/.test(part))
  return parts.flatMap((name, at) =>
    /\.(service|scope)$/.test(name) ? [{ name, user: manager !== -1 && at > manager }] : [],
  )
}

async function askSystemd({ name, user }: Unit): Promise<string | null> {
  const words = [user ? '--user' : '--system', 'show', '--property=OOMPolicy', '--value', '--', name]
  try {
    return (await promisify(execFile)('systemctl', words, { timeout: ANSWER_MS })).stdout.trim()
  } catch (error) {
    // Where it does not answer it may well stop the unit.
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? null : 'unknown'
  }
}
