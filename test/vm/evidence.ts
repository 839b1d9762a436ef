/** Writes what the guest's checks found into the page of evidence: a line a check, those of earlier runs kept. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
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
/** What runs in the guest. */
const MEASURED = ['harness', 'workers', 'test/vm']
const HEAD = '| check | where | command | must hold | found | held | on |'

/** @param path of the page, which has the markers of both tables. @param commit of what ran, taken before it ran */
export function record(path: string, judged: readonly Judged[], commit: string): void {
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
  for (const one of judged) rows.set(one.check.name, rowOf(one, commit))
  const lines = CHECKS.map(
    (check) => rows.get(check.name) ?? rowOf({ check, found: null, held: false }, commit),
  )
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

function rowOf(
  { check, found, held }: Omit<Judged, 'found'> & { found: Found | null },
  commit: string,
): string {
  const { name, as, with: words = [], script, holds } = check
  const cells = [
    `\`${name}\``,
    [as, ...words.map((word) => `\`${word}\``)].join(' '),
    `\`${script.replaceAll('$STINT', 'stint').replaceAll(' --out $OUT --quiet', '').replaceAll('test/vm/guest/', '')}\``,
    holds,
    found === null ? '' : findingsOf(found),
    found === null ? 'not run' : held ? 'yes' : '**no**',
    found === null ? '' : onOf(found, commit),
  ]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
}

function placeRow(place: string, name: string, row: string | undefined): string {
  const cells = row?.split(' | ') ?? []
  const [, , , holds, found, held] = cells
  return held === 'yes'
    ? `| ${place} | ${holds} (${found}) | \`${name}\` |`
    : `| ${place} | not known | ${found ? `\`${name}\` did not hold when it last ran` : 'untried'} |`
}

/** Of the code, as it was committed, that runs in the guest; with `+` where it is not as committed. */
export function commitOfGuest(): string {
  const git = (...words: string[]) =>
    execFileSync('git', [...words, '--', ...MEASURED], { encoding: 'utf8' }).trim()
  return git('log', '-1', '--format=%h', '--abbrev=10') + (git('status', '--porcelain') === '' ? '' : '+')
}

function onOf({ machine }: Found, commit: string): string {
  const day = new Date().toISOString().slice(0, 10)
  return `${day}, Linux ${machine.kernel}, Node ${machine.node}, commit ${commit}`
}

function findingsOf({ status, runs }: Found): string {
  const alike = new Map<string, OfTrial[]>()
  for (const one of runs.flatMap((run) => run.trials).map(findingOf)) {
    const key = JSON.stringify({ ...one, achieved: null })
    alike.set(key, [...(alike.get(key) ?? []), one])
  }
  return [`exit ${status}`, ...[...alike.values()].map(textOf)].join('; ')
}

interface OfTrial {
  outcome: string
  compute: string | null
  achieved: number | null
  asked: number | null
  memory: string | null
  group: string
}

function findingOf(trial: TrialResult): OfTrial {
  const { compute, memory } = trial.caps
  const group = memory.mechanisms.find((name) => name.startsWith('cgroup'))
  return {
    outcome: trial.outcome,
    compute: compute.asked === null ? null : (compute.mechanism ?? 'no mechanism'),
    achieved: compute.achieved,
    asked: compute.asked,
    memory: memory.asked_mb === null ? null : (group ?? 'without a cgroup'),
    group: groupOf(trial).replaceAll(/stint-\d+-\d+-\d+/g, 'stint-*'),
  }
}

/** Of trials that differ in no more than the share that they had. */
function textOf(trials: OfTrial[]): string {
  const [{ outcome, compute, asked, memory, group }] = trials as [OfTrial]
  const shares = trials.flatMap(({ achieved }) => achieved ?? [])
  const ends = [...new Set([Math.min(...shares), Math.max(...shares)].map((share) => share.toFixed(3)))]
  const share = shares.length === 0 ? 'unknown' : ends.join(' to ')
  return [
    trials.length > 1 ? `${trials.length} trials ${outcome}` : outcome,
    compute !== null && `${compute} ${share} of ${asked}`,
    memory !== null && `memory ${memory}`,
    group !== '' && `in ${group}`,
  ]
    .filter((word) => word !== false)
    .join(', ')
}
