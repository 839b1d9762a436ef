/** What is said of a machine: what it can enforce and measure, and how noisy it is. */
import type { Ability, Doctor } from '../../doctor/doctor.ts'
import type { QuietReport } from '../../doctor/quiet.ts'
import { count, formatNumber, formatShare } from '../../format.ts'
import { STINT_VERSION } from '../../package-folder.ts'
import { columnsOf, type Item, type Report } from '../section.ts'

const AREAS: Ability['area'][] = ['compute', 'memory', 'energy', 'noise']

export function doctorReport(doctor: Doctor): Report {
  const { machine, checks, kernel_ops_s, quiet } = doctor
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
            text: `Core: ${kernel_ops_s.toExponential(3)} kernel operations a second (kernel_ops_s of a profile, for relative_to).`,
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
          ['able', ordered.map(({ able }) => able)],
          ['found', ordered.map(({ found }) => found)],
          ['remedy', ordered.map(({ remedy }) => remedy)],
        ],
      },
    ],
    checks: ordered.map(({ area, name, able, found, remedy }) => ({
      suite: area,
      name,
      // A machine that lacks something is no failure: a sweep that needs it is refused.
      state: able ? 'passed' : 'skipped',
      message: remedy === null ? found : `${found}; try: ${remedy}`,
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
      cell: ({ able }) => ({ text: able ? 'yes' : 'no', tone: able ? 'good' : 'quiet' }),
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

/** What a sweep would get here, best mechanism first. */
function runWords(checks: readonly Ability[]): string {
  const first = (area: Ability['area'], but?: string) =>
    checks.find((check) => check.area === area && check.able && check.name !== but)?.name
  const compute = first('compute', 'core pinning')
  const backstop = checks.find(({ name }) => name.startsWith('cgroup backstop'))?.able === true
  const supervisor = checks.find(({ name }) => name === 'supervisor')?.able === true
  const energy = first('energy')
  return [
    compute === undefined ? 'no compute cap can be held' : `compute caps are held by ${compute}`,
    supervisor
      ? `memory caps by the supervisor${backstop ? ', with a cgroup behind it' : ' without a cgroup behind it'}`
      : 'memory outside the heap cannot be held while a step runs',
    energy === undefined
      ? "energy is estimated where a profile gives the machine's watts"
      : `energy is read by ${energy}`,
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
