/** What was run, on what, with which files, and how to run it again. */
import { withoutCredentials } from '../../../workers/brokers/address.ts'
import { count, formatDuration, list, wholeNumber } from '../../format.ts'
import type { Sweep } from '../../sweep/types.ts'
import type { Block, Plot } from '../section.ts'
import type { ReportModel } from '../types.ts'
import { runsText, scalarText, settingName, shellWord } from '../words.ts'

const MOST_VALUES = 12

export function facts(model: ReportModel): [string, string][] {
  const { manifest, trials, axes, scenarios } = model
  const { machine, sweep, fleet } = manifest
  const rows: [string, string][] = [
    ['Sweep', `${sweep.name}, workload ${manifest.workload.name}`],
    ['Run', `${manifest.id}, ${timeSpan(manifest)}`],
    [
      'Trials',
      sweep.search === null
        ? `${wholeNumber(trials.finished)} of ${wholeNumber(trials.planned)}: ${count(scenarios.length, 'scenario')}, ${runsText(sweep)} each, ${sweep.n_jobs} at a time`
        : `${wholeNumber(trials.finished)}: ${count(scenarios.length, 'scenario')}, at most ${runsText(sweep)} each, ${sweep.n_jobs} at a time`,
    ],
    ...eventsFact(sweep),
    ...axes.map((key): [string, string] => [`Axis ${settingName(key)}`, valuesOf(model, key)]),
    [
      fleet === null ? 'Machine' : 'Coordinator',
      `${machine.cpu_model.trim()}, ${count(machine.cores, 'core')}, ${wholeNumber(machine.memory_mb)} MB`,
    ],
    [
      'System',
      `${machine.platform} ${machine.kernel}, Node ${machine.node.replace(/^v/, '')}, V8 ${machine.v8}, ${cgroup(model)}`,
    ],
    [
      'Stint',
      manifest.stint +
        (manifest.git
          ? `, commit ${manifest.git.commit.slice(0, 12)}${manifest.git.dirty ? ' with changes' : ''}`
          : ''),
    ],
    ['Seed', String(sweep.random_seed)],
    ['Caps', capsWords(sweep)],
  ]
  for (const data of manifest.datasets) {
    rows.push([
      'Data',
      `${data.path}, ${count(data.rows, 'row')}${data.rows < data.fingerprint.rows ? ` of ${wholeNumber(data.fingerprint.rows)}` : ''}, preset ${data.preset ?? 'none'}`,
    ])
    rows.push(['Data SHA-256', data.fingerprint.sha256])
  }
  return rows
}

/** Which way events came, where they arrive on their own clock. */
function eventsFact({ scenarios }: Sweep): [string, string][] {
  const live = scenarios.filter(({ settings }) => settings.mode === 'realtime')
  const ways = new Set(
    live.map(({ settings: { 'arrival.through': url } }) =>
      url === null
        ? 'handed over in process'
        : `through ${withoutCredentials(url)}, from a publisher outside the caps`,
    ),
  )
  return ways.size === 0 ? [] : [['Events', [...ways].join('; ')]]
}

/** @param further files of its own, in words */
export function fileList(
  model: ReportModel,
  pictures: readonly Plot[],
  further: readonly [string, string][] = [],
): [string, string][] {
  const files: [string, string][] = [
    ['run.json', 'the manifest: sweep as expanded, machine, data, versions'],
    ['trials.jsonl', 'one line per trial, as measured'],
    ...(model.manifest.sweep.chunk_log === 'none' ? [] : ([['chunks/', 'chunk logs']] as [string, string][])),
    ['benchmarks/constraint_experiment.csv', 'one row per scenario: settings, means, intervals, caps'],
    ...(model.manifest.sweep.search === null
      ? ([
          ['benchmarks/significance_tests.csv', 'one row per pair and metric'],
          ['benchmarks/operating_points.csv', 'the best scenario for each goal'],
        ] as [string, string][])
      : []),
    ...(model.sensitivity === null || model.manifest.sweep.search !== null
      ? []
      : ([['benchmarks/sensitivity.csv', 'what each axis explains of each metric']] as [string, string][])),
  ]
  files.push(...further)
  for (const { file, alt, skipped } of pictures) if (skipped === undefined) files.push([file, alt])
  return [
    ...files,
    ['reports/report.html', 'this report, with pictures to explore'],
    ['reports/report.md', 'this report as text'],
    ['reports/report.json', 'what this report says, for programs'],
  ]
}

export function reproduceSteps({ manifest }: ReportModel): Block[] {
  const lines: string[] = []
  if (manifest.git) lines.push(`git checkout ${manifest.git.commit}`)
  lines.push(manifest.command.map(shellWord).join(' '))
  const dirty = manifest.git?.dirty
    ? ' The working tree had changes beyond that commit, so this alone does not bring the run back.'
    : ''
  return [
    { kind: 'code', lines },
    {
      kind: 'text',
      pages: true,
      text: `Quality metrics come out bit for bit the same with the same data, seed and version; times, memory and energy are of this machine.${dirty}`,
    },
    { kind: 'text', pages: true, text: 'Tables and pictures only: stint report, with the run folder.' },
  ]
}

function valuesOf({ scenarios }: ReportModel, key: string): string {
  const values = [...new Set(scenarios.map(({ point }) => scalarText(point[key])))]
  return list(values, 'and', MOST_VALUES)
}

function cgroup({ manifest }: ReportModel): string {
  const { version, cpu_quota_cores, memory_limit_mb } = manifest.machine.cgroup
  if (version === 'none') return 'no cgroup'
  const limits = [
    ...(cpu_quota_cores === null ? [] : [count(cpu_quota_cores, 'core')]),
    ...(memory_limit_mb === null ? [] : [`${wholeNumber(memory_limit_mb)} MB`]),
  ]
  return `cgroup ${version}${limits.length === 0 ? '' : `, itself limited to ${list(limits)}`}`
}

function timeSpan({ started_at, finished_at, elapsed_s, resumed }: ReportModel['manifest']): string {
  if (finished_at === null) return `started ${started_at}, not finished`
  const times = resumed.length === 1 ? 'once' : count(resumed.length, 'time')
  if (elapsed_s === null) return `started ${started_at}, resumed ${times}, finished ${finished_at}`
  return `started ${started_at}, took ${formatDuration(elapsed_s)}`
}

function capsWords({ scenarios }: Sweep): string {
  const policies = new Set(scenarios.map(({ settings }) => settings.caps))
  const words = {
    strict: 'strict: a cap that cannot be enforced fails the trial',
    best_effort: 'best effort: marked where not enforced',
  }
  return [...policies].map((policy) => words[policy]).join('; ')
}
