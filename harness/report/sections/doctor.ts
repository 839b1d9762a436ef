/** What is said of a machine: what it can enforce and measure, and how noisy it is. */
import type { Ability, Doctor, EffectiveLimits } from '../../doctor/doctor.ts'
import type { QuietReport } from '../../doctor/quiet.ts'
import { count, formatNumber, formatShare } from '../../format.ts'
import { STINT_VERSION } from '../../package-folder.ts'
import { columnsOf, type Item, type Report } from '../section.ts'

const AREAS: Ability['area'][] = ['compute', 'memory', 'energy', 'noise']

export function doctorReport(doctor: Doctor): Report {
  const { machine, limits, checks, kernel_ops_s, quiet } = doctor
  const { cpu_model, cores, memory_mb, platform, kernel, node } = machine
  const ordered = AREAS.flatMap((area) => checks.filter((check) => check.area === area))
  const remedies = ordered.flatMap(({ name, remedy }): Item[] =>
    remedy === null ? [] : [{ text: `${name}: ${remedy}` }],
  )
  return {
    kind: 'doctor',
    title: `${cpu_model}, ${count(cores, 'core')}, ${formatNumber(memory_mb)} MB, ${platform} ${kernel}, Node ${node}`,
    subtitle: '',
    answer: { text: `A run here: ${runWords(checks)}.`, tone: 'strong' },
    sections: [
      {
        id: 'limits',
        title: 'Limits',
        blocks: [{ kind: 'text', text: limitWords(limits) }],
      },
      {
        id: 'abilities',
        title: 'What was tried',
        blocks: [{ kind: 'table', table: { columns: tableOf(ordered) } }],
      },
      {
        id: 'remedies',
        title: 'What would enable more',
        blocks:
          remedies.length === 0
            ? []
            : [
                { kind: 'text', text: 'What would enable more:' },
                { kind: 'list', items: remedies },
              ],
      },
      {
        id: 'noise',
        title: 'Speed and noise',
        blocks: [
          {
            kind: 'text',
            text:
              kernel_ops_s === null
                ? 'Core: its speed was not measured, since no trial of the fixed kernel came to an end; try again when the machine is less busy.'
                : `Core: ${kernel_ops_s.toExponential(3)} kernel operations a second (kernel_ops_s of a profile, for relative_to).`,
          },
          ...quietWords(quiet).map((text) => ({ kind: 'text', text }) as const),
        ],
      },
    ],
    tables: [
      {
        file: 'doctor.csv',
        columns: [
          ['area', ordered.map(({ area }) => area)],
          ['name', ordered.map(({ name }) => name)],
          ['able', ordered.map(({ able }) => answerOf(able))],
          ['found', ordered.map(({ found }) => found)],
          ['remedy', ordered.map(({ remedy }) => remedy)],
        ],
      },
    ],
    checks: ordered.map(({ area, name, able, found, remedy }) => ({
      suite: area,
      name,
      // A machine that lacks something is no failure: a sweep that needs it is refused.
      state: able === true ? 'passed' : 'skipped',
      message: [
        able === null ? `not measured: ${found}` : found,
        ...(remedy === null ? [] : [`try: ${remedy}`]),
      ].join('; '),
    })),
    data: { ...doctor },
    footer: `Written by Stint ${STINT_VERSION}. Each mechanism was tried on this machine.`,
    file: 'doctor',
    source: null,
    elapsed_s: null,
  }
}

function tableOf(checks: readonly Ability[]) {
  return columnsOf(checks, [
    {
      head: 'Able',
      short: 'able',
      type: 'text',
      cell: ({ able }) => ({ text: answerOf(able), tone: able === true ? 'good' : 'quiet' }),
    },
    { head: 'Area', short: 'area', type: 'text', cell: ({ area }) => ({ text: area }) },
    { head: 'What', short: 'what', type: 'text', cell: ({ name }) => ({ text: name }) },
    {
      head: 'What happened when it was tried',
      short: 'what happened when it was tried',
      type: 'text',
      wraps: true,
      cell: ({ found }) => ({ text: found }),
    },
  ])
}

function answerOf(able: boolean | null): string {
  return able === null ? 'not measured' : able ? 'yes' : 'no'
}

/** What holds for Stint itself, and from where. */
function limitWords(limits: EffectiveLimits): string {
  const { cores, memory_mb, cpu_quota_cores, cpu_quota_group, memory_limit_mb, memory_limit_group } = limits
  const from = (limited: boolean, what: string, group: string | null) =>
    limited ? ` (the ${what} of cgroup ${group})` : ''
  const quota = from(cpu_quota_cores !== null && cpu_quota_cores <= cores, 'CPU quota', cpu_quota_group)
  const most = from(
    memory_limit_mb !== null && memory_limit_mb <= memory_mb,
    'memory limit',
    memory_limit_group,
  )
  const share = `Stint and all its trials together may use ${countOf(cores)}${quota} and ${formatNumber(memory_mb)} MB${most}`
  return quota + most === '' ? `${share}: no cgroup above limits them.` : `${share}.`
}

function countOf(cores: number): string {
  return Number.isInteger(cores) ? count(cores, 'core') : `${formatNumber(cores)} cores`
}

/** What a sweep would get here, best mechanism first. */
function runWords(checks: readonly Ability[]): string {
  const all = (area: Ability['area']) =>
    checks.filter((check) => check.area === area && check.name !== 'core pinning')
  const first = (area: Ability['area']) => all(area).find(({ able }) => able === true)?.name
  const open = (area: Ability['area']) => all(area).some(({ able }) => able === null)
  const compute = first('compute')
  const backstop = checks.find(({ name }) => name.startsWith('cgroup backstop'))?.able === true
  const supervisor = checks.find(({ name }) => name === 'supervisor')?.able
  const energy = first('energy')
  return [
    compute !== undefined
      ? `compute caps are held by ${compute}`
      : open('compute')
        ? 'whether a compute cap is held was not measured'
        : 'no compute cap can be held',
    supervisor === null
      ? 'whether the supervisor holds memory caps was not measured'
      : supervisor === true
        ? `memory caps by the supervisor${backstop ? ', with a cgroup behind it' : ' without a cgroup behind it'}`
        : 'memory outside the heap cannot be held while a step runs',
    energy !== undefined
      ? `energy is read by ${energy}`
      : open('energy')
        ? 'whether energy can be read was not measured'
        : "energy is estimated where a profile gives the machine's watts",
  ].join('; ')
}

function quietWords(quiet: QuietReport | null): string[] {
  if (quiet === null) return []
  const { runs, variation, apparent_change, smallest_change, disturbed } = quiet
  if (variation === null || apparent_change === null || smallest_change === null) {
    return ['Noise: unknown, too few trials ended']
  }
  return [
    `Noise: identical trials vary by ${formatShare(variation)} (coefficient of variation of ${2 * runs}); A against A looks like ${formatShare(apparent_change)}.`,
    `With ${runs} runs a side, changes of wall time under ${formatShare(smallest_change)} will mostly go unseen.`,
    disturbed === 0
      ? 'No trial was disturbed by other work.'
      : `${disturbed} of ${2 * runs} trials were disturbed by other work: stop it, or pin a core (pin_core) that nothing else uses.`,
  ]
}
