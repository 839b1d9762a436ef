// In the guest, as root: does each check of .vm-checks.json in its place, and writes what came of it to $RESULTS, a line each
// as soon as it is known. What is expected is the host's business.
import { execFileSync, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'

const results = process.env.RESULTS
const CGROUPS = '/sys/fs/cgroup'
const SLOWEST_S = 3600

/** A root folder that holds nothing but ways to the guest's own programs. */
const BARE = '/run/bare'
for (const folder of ['usr', 'etc', 'proc', 'sys', 'dev', 'tmp', 'run', 'stint'])
  mkdirSync(join(BARE, folder), { recursive: true })
for (const name of ['bin', 'sbin', 'lib', 'lib64']) spawnSync('ln', ['-sfn', `usr/${name}`, join(BARE, name)])

execFileSync('chown', ['-R', 'dev', '/stint', BARE])
for (const [index, check] of JSON.parse(readFileSync('/stint/.vm-checks.json', 'utf8')).entries()) {
  const begun = Date.now()
  process.stderr.write(`${check.name} ... `)
  const result = { ...run(check, `/run/check-${index}`), seconds: (Date.now() - begun) / 1000 }
  appendFileSync(results, `${JSON.stringify(result)}\n`)
  const { status, stderr, seconds } = result
  process.stderr.write(`exit ${status}, ${seconds.toFixed(0)} s\n${status === 0 ? '' : stderr.slice(-600)}`)
}

function run({ name, as, with: words = [], before: prepare = 'true', script }, folder) {
  mkdirSync(folder)
  execFileSync('chmod', ['777', folder])
  execFileSync('bash', ['-c', prepare])
  if (as === 'docker') startDocker()
  const before = switchedOn()
  writeFileSync(
    `${folder}/script`,
    `cd /stint\nexport OUT=${folder} STINT="node /stint/dist/harness/cli/main.js"\n${script}\n`,
  )
  const [program, ...rest] = commandOf(as, words, folder)
  const { status, stdout, stderr } = spawnSync(program, rest, { encoding: 'utf8', timeout: SLOWEST_S * 1000 })
  return {
    name,
    status,
    stdout,
    stderr,
    ...kept(folder),
    left: leftovers(),
    switched: changes(before, switchedOn()),
    machine: { kernel: release(), node: process.versions.node },
    pressure: existsSync('/proc/pressure/cpu'),
  }
}

function commandOf(as, words, folder) {
  const script = `${folder}/script`
  const shown = ['/usr:/usr:ro', '/stint:/stint', `${folder}:${folder}`].flatMap((path) => ['-v', path])
  const unit = ['systemd-run', '--wait', '--pipe', '--quiet', '--collect', '--unit=check']
  const properties = words.flatMap((word) => ['-p', word])
  switch (as) {
    case 'service':
      return [...unit, ...properties, 'bash', script]
    case 'service of a user':
      return [...unit, '--uid=dev', ...properties, 'bash', script]
    // As by ssh.
    case 'login':
      return ['su', '-', 'dev', '-c', `bash ${script}`]
    case 'login of root':
      return ['su', '-', 'root', '-c', `bash ${script}`]
    case 'bare user': {
      const clean = ['env', '-i', 'HOME=/home/dev', `PATH=${process.env.PATH}`]
      return ['setpriv', '--reuid=dev', '--regid=dev', '--init-groups', ...clean, 'bash', script]
    }
    case 'docker':
      return ['docker', 'run', '--rm', '--network=none', ...words, ...shown, 'bare', 'bash', script]
    case 'podman': {
      const podman = ['podman', 'run', '--rm', '--network=none', ...words, ...shown]
      return ['su', '-', 'dev', '-c', [...podman, '--rootfs', BARE, 'bash', script].join(' ')]
    }
    default:
      throw new Error(`no such place: ${as}`)
  }
}

function startDocker() {
  execFileSync('systemctl', ['start', 'docker'], { stdio: 'inherit' })
  execFileSync('bash', ['-c', `tar -C ${BARE} -c . | docker import - bare`], { stdio: 'ignore' })
}

/** What a run recorded in `$OUT`. */
function kept(folder) {
  const runs = []
  for (const path of readdirSync(folder, { recursive: true })) {
    if (!path.endsWith('/run.json') || path.includes('latest')) continue
    const at = join(folder, path, '..')
    const lines = readFileSync(join(at, 'trials.jsonl'), 'utf8').split('\n').filter(Boolean)
    runs.push({
      manifest: JSON.parse(readFileSync(join(folder, path), 'utf8')),
      trials: lines.map((line) => JSON.parse(line)).filter(({ outcome }) => outcome !== undefined),
    })
  }
  rmSync(folder, { recursive: true, force: true })
  return { runs }
}

/** Groups, processes and folders of Stint's that a check left. */
function leftovers() {
  // systemd removes a scope a moment after its last process ended.
  spawnSync('sleep', ['1'])
  const groups = groupNames().filter((path) => /\/stint-\d/.test(path))
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')
        return /stint-child|dist\/(harness|workers)/.test(command) ? [command] : []
      } catch {
        return []
      }
    })
  return { groups, processes, folders: readdirSync('/tmp').filter((name) => name.includes('stint')) }
}

function groupNames() {
  return readdirSync(CGROUPS, { recursive: true }).filter((path) =>
    existsSync(join(CGROUPS, path, 'cgroup.procs')),
  )
}

/** By group: the controllers that it passes on. */
function switchedOn() {
  return Object.fromEntries(
    ['', ...groupNames()].map((path) => [`/${path}`, textAt(join(CGROUPS, path, 'cgroup.subtree_control'))]),
  )
}

function textAt(path) {
  try {
    return readFileSync(path, 'latin1').trim()
  } catch {
    return null
  }
}

/** Groups that were there before and pass on more controllers now. */
function changes(before, after) {
  const words = (text) => (text ?? '').split(' ').filter(Boolean)
  return Object.keys(before).filter((group) =>
    words(after[group]).some((controller) => !words(before[group]).includes(controller)),
  )
}
