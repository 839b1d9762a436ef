// In the guest, as root: does each check of checks.json as the user it names, and writes what came of it to results.json.
// What is expected is the host's business.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const OUT = '/stint/.vm/out'
const CGROUPS = '/sys/fs/cgroup'
const SLOWEST_S = 900

execFileSync('chown', ['-R', 'dev', '/stint'])
const checks = JSON.parse(readFileSync('/stint/.vm-checks.json', 'utf8'))
const results = []
for (const check of checks) {
  const begun = Date.now()
  process.stderr.write(`${check.name} ... `)
  results.push(run(check))
  const { status, stderr } = results.at(-1)
  if (status !== 0) process.stderr.write(`exit ${status}: ${stderr.slice(-600)}\n`)
  process.stderr.write(`${((Date.now() - begun) / 1000).toFixed(0)} s\n`)
  writeFileSync(join(OUT, 'results.json'), JSON.stringify(results))
}

function run({ name, as, properties = [], before: prepare = 'true', script }) {
  const folder = `/run/check-${results.length}`
  mkdirSync(folder, { mode: 0o777 })
  execFileSync('chmod', ['777', folder])
  execFileSync('bash', ['-c', prepare])
  const before = switchedOn()
  writeFileSync(
    `${folder}/script`,
    `cd /stint\nexport OUT=${folder} STINT="node /stint/dist/harness/cli/main.js"\n${script}\n`,
  )
  const service = [
    '--wait',
    '--pipe',
    '--quiet',
    '--collect',
    '--unit=check',
    ...properties.flatMap((p) => ['-p', p]),
  ]
  const words = {
    // A service of the system, and one that runs as a plain user.
    root: ['systemd-run', [...service, 'bash', `${folder}/script`]],
    'service of a user': ['systemd-run', [...service, '--uid=dev', 'bash', `${folder}/script`]],
    // As by ssh.
    login: ['su', ['-', 'dev', '-c', `bash ${folder}/script`]],
    'login of root': ['su', ['-', 'root', '-c', `bash ${folder}/script`]],
  }[as]
  const { status, stdout, stderr } = spawnSync(...words, { encoding: 'utf8', timeout: SLOWEST_S * 1000 })
  return {
    name,
    status,
    stdout,
    stderr,
    ...kept(folder),
    left: leftovers(),
    switched: changes(before, switchedOn()),
  }
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
      trials: lines.map((line) => JSON.parse(line)),
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

/** Groups that were there before and pass on other controllers now. */
function changes(before, after) {
  return Object.keys(before).filter((group) => after[group] != null && after[group] !== before[group])
}
