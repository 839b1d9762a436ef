/** Writes what the guest's checks found into the page of evidence: a line a check, those of earlier runs kept. */
import { readFileSync } from 'node:fs'
import { arch, release } from 'node:os'
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import { rewriteBetween } from '../bench/markers.mjs'
import { CHECKS, type Check, type Found, groupOf } from './checks.ts'

export interface Judged {
  check: Check
  found: Found
  held: boolean
}

/** Places that no check stands in for. */
const UNTRIED: [place: string, expected: string][] = [
  ['WSL2 with systemd', 'as a login of a plain user: the same systemd and cgroup v2'],
  ['WSL2 without systemd', 'as root in a group of its own; as a plain user by signals'],
  ['Kubernetes itself', 'as the read-only namespace above'],
]
const HEAD = '| check | where | command | must hold | found | held | on |'

/** @param path of the page, which has the markers of both tables */
export function record(path: string, judged: readonly Judged[]): void {
  const rows = new Map(
    readFileSync(path, 'utf8')
      .split('\n')
      .flatMap((line) => {
        const name = /^\| `([\w-]+)` \|/.exec(line)?.[1]
        return name === undefined || line.split(' | ').length !== HEAD.split(' | ').length
          ? []
          : [[name, line] as const]
      }),
  )
  for (const one of judged) rows.set(one.check.name, rowOf(one))
  const lines = CHECKS.map((check) => rows.get(check.name) ?? rowOf({ check, found: null, held: false }))
  const places = CHECKS.flatMap(({ name, place }) =>
    place === undefined ? [] : [placeRow(place, name, rows.get(name))],
  )
  const text = `${HEAD}\n${'|---'.repeat(7)}|\n${lines.join('\n')}`
  rewriteBetween(path, 'guest', text)
  rewriteBetween(
    path,
    'places',
    [
      '| where Stint runs | what holds | shown by |',
      '|---|---|---|',
      ...places,
      ...UNTRIED.map(([place, expected]) => `| ${place} | expected: ${expected} | untried |`),
    ].join('\n'),
  )
}

function rowOf({ check, found, held }: Omit<Judged, 'found'> & { found: Found | null }): string {
  const { name, as, with: words = [], script, holds } = check
  const cells = [
    `\`${name}\``,
    [as, ...words.map((word) => `\`${word}\``)].join(' '),
    `\`${script.replaceAll('$STINT', 'stint').replaceAll(' --out $OUT --quiet', '').replaceAll('test/vm/guest/', '')}\``,
    holds,
    found === null ? '' : findingsOf(found),
    found === null ? 'not run' : held ? 'yes' : '**no**',
    found === null ? '' : `${new Date().toISOString().slice(0, 10)}, ${machineOf(found)}`,
  ]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
}

function placeRow(place: string, name: string, row: string | undefined): string {
  const cells = row?.split(' | ') ?? []
  const [, , , holds, found, held] = cells
  return held === 'yes'
    ? `| ${place} | ${holds} (${found}) | \`${name}\` |`
    : `| ${place} | not known | untried |`
}

function machineOf({ runs }: Found): string {
  const machine = runs[0]?.manifest.machine
  return machine === undefined
    ? `${arch()}, host ${release()}`
    : `Linux ${machine.kernel}, Node ${machine.node}`
}

function findingsOf({ status, runs }: Found): string {
  const trials = runs.flatMap((run) => run.trials)
  const told = [...new Set(trials.map(findingOf))]
  return [`exit ${status}`, ...told].join('; ')
}

function findingOf(trial: TrialResult): string {
  const { compute, memory } = trial.caps
  const group = groupOf(trial)
  return [
    trial.outcome,
    compute.asked !== null &&
      `${compute.mechanism} ${compute.achieved?.toFixed(3) ?? 'unknown'} of ${compute.asked}`,
    memory.asked_mb !== null &&
      `memory ${memory.mechanisms.find((name) => name.startsWith('cgroup')) ?? 'without a cgroup'}`,
    group !== '' && `in ${group.replaceAll(/stint-\d+-\d+-\d+/g, 'stint-*')}`,
  ]
    .filter((word) => word !== false)
    .join(', ')
}
