// A run undisturbed, and the same run killed ten times, each time in another trial, and resumed: the coordinator, or its
// supervisor with it. Both folders are kept. No other program looks on: where processes start slowly, that would take the
// core from what is to be killed.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const KILLS = 10
const [node, ...main] = process.env.STINT.split(' ')
const out = process.env.OUT
const running = { stdio: 'inherit' }
const words = (name) => [
  ...main,
  'run',
  'test/vm/guest/kills.yaml',
  '--set',
  `name=${name}`,
  '--out',
  out,
  '--quiet',
]

if (spawnSync(node, words('whole'), running).status !== 0) process.exit(9)
let coordinator = spawn(node, words('killed'), running)
let had = 0
for (let kills = 1; kills <= KILLS; kills++) {
  while (lines() <= had) {
    if (coordinator.exitCode !== null) process.exit(8)
    await sleep(50)
  }
  await sleep(Math.random() * 1000)
  had = lines()
  const supervisor = supervisorOf(coordinator.pid)
  if (supervisor === undefined) process.exit(6)
  const ended = once(coordinator, 'exit')
  process.kill(coordinator.pid, 'SIGKILL')
  if (kills % 2 === 0) process.kill(supervisor, 'SIGKILL')
  if ((await ended)[1] !== 'SIGKILL') process.exit(5)
  // A trial process sees the end of its coordinator and leaves; the supervisor ends one that does not.
  for (let waits = 0; commandOf(supervisor) !== '' && waits < 2400; waits++) await sleep(50)
  process.stderr.write(`killed with ${had} trials of it, ${(process.uptime() / 60).toFixed(1)} min\n`)
  coordinator = spawn(node, [...main, 'resume', folder(), '--quiet'], running)
}
const [code] = await once(coordinator, 'exit')
if (code !== 0) process.exit(7)
console.log(`kills: ${KILLS}`)

function folder() {
  const name = readdirSync(join(out, 'killed')).find((entry) => entry.startsWith('2'))
  return join(out, 'killed', name)
}

/** Of trials that ended. */
function lines() {
  try {
    return readFileSync(join(folder(), 'trials.jsonl'), 'utf8').split('\n').length - 1
  } catch {
    return 0
  }
}

function supervisorOf(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean)
  return children.map(Number).find((child) => commandOf(child).includes('workers/supervisor.js'))
}

/** '' of a process that has ended. */
function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    return ''
  }
}
