/** Which machines of a fleet ran the trials, how they differ, and what that comes to. */
import { count, formatDuration, formatNumber, wholeNumber } from '../../format.ts'
import { identityOf } from '../../record/compatibility.ts'
import type { FleetMachine } from '../../record/types.ts'
import { type Block, columnsOf, type Item, type Section } from '../section.ts'
import type { ReportModel, ScenarioReport } from '../types.ts'
import { metricName, plain } from '../words.ts'

/** Nothing for a run on the coordinator's own machine. */
export function machinesSection(model: ReportModel): Section[] {
  const { fleet } = model.manifest
  if (fleet === null) return []
  const table: Block = {
    kind: 'table',
    table: {
      columns: columnsOf(fleet.machines, [
        { head: 'machine', type: 'text', cell: ({ name }) => ({ text: plain(name) }) },
        { head: 'labels', type: 'text', cell: ({ labels }) => ({ text: plain(labels.join(', ')) }) },
        { head: 'cores', type: 'number', cell: ({ machine }) => ({ text: String(machine.cores) }) },
        { head: 'MB', type: 'number', cell: ({ machine }) => ({ text: wholeNumber(machine.memory_mb) }) },
        { head: 'at most', type: 'text', cell: (machine) => ({ text: limitsText(machine) }) },
        {
          head: 'core speed',
          type: 'number',
          cell: (machine) => ({ text: speedText(machine) }),
          expendable: 1,
        },
        { head: 'clock', type: 'text', cell: (machine) => ({ text: clockText(machine) }), expendable: 2 },
      ]),
      note: `at ${plain(fleet.server)}; clock: ahead (+) of the server's; core speed: billion kernel operations per second of CPU time`,
    },
  }
  const items = [...ratios(model), ...differences(fleet.machines), ...wrongClocks(fleet.machines)]
  return [
    {
      id: 'machines',
      title: 'Machines',
      blocks: [table, ...(items.length === 0 ? [] : [{ kind: 'list', items } as const])],
    },
  ]
}

function limitsText({ limits }: FleetMachine): string {
  const cores = limits.max_cores === null ? [] : [`${formatNumber(limits.max_cores)} cores`]
  const memory = limits.max_memory_mb === null ? [] : [`${wholeNumber(limits.max_memory_mb)} MB`]
  return [...cores, ...memory].join(', ') || 'all'
}

function speedText({ kernel_ops_s }: FleetMachine): string {
  return kernel_ops_s === null ? '—' : formatNumber(kernel_ops_s / 1e9)
}

function clockText({ clock }: FleetMachine): string {
  if (clock === null) return '—'
  return `${clock.offset_ms < 0 ? '−' : '+'}${formatNumber(Math.abs(clock.offset_ms))} ± ${formatNumber(clock.error_ms)} ms`
}

/** Geometric means over the scenarios that two machines share, each against the first. */
function ratios({ scenarios, latency, manifest }: ReportModel): Item[] {
  const byMachine = new Map<string, Map<string, number>>()
  for (const scenario of scenarios) {
    const machine = scenario.point['machine']
    const value = scenario.metrics[latency]?.value ?? null
    if (typeof machine !== 'string' || value === null || value <= 0) continue
    const values = byMachine.get(machine) ?? new Map<string, number>()
    byMachine.set(machine, values.set(restOf(scenario), value))
  }
  const asked = manifest.sweep.compare.reference?.['machine']
  const [first, ...others] = [...byMachine.keys()].sort((a, b) => Number(b === asked) - Number(a === asked))
  return others.flatMap((machine) => {
    const there = byMachine.get(first!)!
    const logs = [...byMachine.get(machine)!].flatMap(([rest, value]) => {
      const other = there.get(rest)
      return other === undefined ? [] : [Math.log(value / other)]
    })
    if (logs.length === 0) return []
    const ratio = Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length)
    return [
      {
        text: `${plain(machine)} takes ${formatNumber(ratio)}× the ${metricName(latency)} of ${plain(first!)}, the geometric mean over ${count(logs.length, 'scenario')}.`,
      },
    ]
  })
}

/** A scenario's point without the machine. */
function restOf({ point }: ScenarioReport): string {
  const { machine: _, ...rest } = point
  return JSON.stringify(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function differences([first, ...others]: readonly FleetMachine[]): Item[] {
  if (first === undefined) return []
  const own = identityOf(first.machine)
  return others.flatMap((other) => {
    const found = identityOf(other.machine).flatMap(([, what, value], index) => {
      const mine = own[index]![2]
      return value === mine ? [] : [`${what} ${value ?? 'none'} against ${mine ?? 'none'}`]
    })
    const text =
      found.length === 0
        ? `${other.name} and ${first.name} report the same processor, memory, system and Node.`
        : `${other.name} differs from ${first.name}: ${found.join('; ')}.`
    const [mine, theirs] = [limitsText(first), limitsText(other)]
    const limits = mine === theirs ? '' : ` Trials may have at most ${theirs}, against ${mine}.`
    return [{ text: plain(text + limits) }]
  })
}

/** What is off by less is of no matter to who reads when a trial began, ms. */
const CLOCK_MATTERS_MS = 10_000

function wrongClocks(machines: readonly FleetMachine[]): Item[] {
  return machines.flatMap(({ name, clock }) => {
    if (clock === null || Math.abs(clock.offset_ms) - clock.error_ms < CLOCK_MATTERS_MS) return []
    const off = `${formatDuration(Math.abs(clock.offset_ms) / 1000)} ${clock.offset_ms < 0 ? 'behind' : 'ahead of'}`
    const text = `The clock of ${name} is ${off} the server's. It dates its trials (started_at); nothing else goes by it.`
    return [{ text: plain(text) }]
  })
}
