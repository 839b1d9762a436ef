/** Which environment variables the processes of a run see. */
import { BROKER_VARIABLES } from '../../../workers/brokers/address.ts'
import type { WorkloadRef } from '../../../workers/protocol/trial-spec.ts'
import { OWNER_VARIABLE } from '../../ownership/leftovers.ts'
import { ownerToken, thisProcess } from '../../ownership/owner.ts'
import { WITHHELD } from '../../sweep/env.ts'

/**
 * What a trial gets whatever the sweep says: what programs need to be found, to start and to read text and times. Not
 * NODE_EXTRA_CA_CERTS, whose file Node 20 reads for 40 ms of every start.
 */
export const ALWAYS: readonly string[] = [
  ...['PATH', 'HOME', 'TMPDIR', 'TZ', 'LANG', 'LANGUAGE'],
  // Where the system's own libraries lie elsewhere, Node does not start without it.
  'LD_LIBRARY_PATH',
  'STINT_POWERCAP_ROOT',
  // Windows.
  ...['SYSTEMROOT', 'SYSTEMDRIVE', 'WINDIR', 'COMSPEC', 'PATHEXT', 'TEMP', 'TMP', 'USERPROFILE'],
]
const LOCALE = /^LC_[A-Z]+$/
const BROKERS = Object.values(BROKER_VARIABLES).flatMap((names) => Object.values(names))

type Environment = Readonly<Record<string, string | undefined>>

/** Of the variables that a trial does not see, those that would change what it measures. */
const FOR_ANY = /^(?:NODE_OPTIONS|LD_PRELOAD|GLIBC_TUNABLES|MALLOC_\w+)$/
const FOR_MODULES = /^(?:NODE_ENV|NODE_PATH|NODE_PENDING_DEPRECATION|UV_THREADPOOL_SIZE)$/
const FOR_PROGRAMS =
  /^(?:PYTHON(?!UNBUFFERED$|DONTWRITEBYTECODE$)\w+|CONDA_PREFIX|(?:OMP|OPENBLAS|MKL|BLIS|NUMEXPR|VECLIB|CUDA|DOTNET)_\w+|_?JAVA_(?:TOOL_)?OPTIONS|JAVA_HOME|CLASSPATH|R_LIBS\w*|RUBY(?:LIB|OPT)|PERL5(?:LIB|OPT)|GO(?:GC|MAXPROCS|MEMLIMIT))$/

/** The coordinator's environment as Stint's own processes see it. */
export function workerEnvironment(extra: Record<string, string>): Record<string, string> {
  return taken((name) => !WITHHELD.has(name), extra)
}

/**
 * The environment of a process that runs a workload's code.
 * @param names that the sweep hands over; what is not set here is left out
 * @param brokers whether the process connects to a broker, as whom the environment says
 */
export function trialEnvironment(
  names: readonly string[],
  brokers: boolean,
  extra: Record<string, string>,
): Record<string, string> {
  const given = new Set([...ALWAYS, ...names, ...(brokers ? BROKERS : [])])
  const upper = process.platform === 'win32' ? (name: string) => name.toUpperCase() : (name: string) => name
  return taken((name) => (given.has(upper(name)) || LOCALE.test(name)) && !WITHHELD.has(name), extra)
}

function taken(isTaken: (name: string) => boolean, extra: Record<string, string>): Record<string, string> {
  const environment: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(process.env))
    if (value !== undefined && isTaken(name)) environment[name] = value
  return { ...environment, [OWNER_VARIABLE]: ownerToken(thisProcess()), ...extra }
}

/** What is set here, is not handed over, and would change trials of such a workload; in words, null for nothing. */
export function leftOut(
  kind: WorkloadRef['kind'],
  names: readonly string[],
  environment: Environment = process.env,
): string | null {
  const own = kind === 'command' ? FOR_PROGRAMS : kind === 'module' ? FOR_MODULES : null
  const left = Object.keys(environment)
    .filter((name) => !names.includes(name) && (FOR_ANY.test(name) || own?.test(name) === true))
    // A test runner's own.
    .filter((name) => name !== 'NODE_ENV' || environment[name] !== 'test')
    .sort()
  if (left.length === 0) return null
  const open = left.filter((name) => !WITHHELD.has(name))
  const hint = open.length === 0 ? '' : `; "env: [${open.join(', ')}]" in the sweep hands over what is named`
  return `trials do not see ${left.join(', ')}, set in this environment${hint}`
}

/** Names that a sweep hands over and that are not set here. */
export function unset(names: readonly string[], environment: Environment = process.env): string[] {
  return names.filter((name) => environment[name] === undefined)
}
