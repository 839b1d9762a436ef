/** `stint agents`: who is at a server, what each can do, and what it runs. */
import { agents, count, formatNumber, type ListedAgent, plain, safeJson } from '../index.ts'
import type { Command } from './command.ts'
import { answer } from './console.ts'
import { type ServerWords, serverOf, serverOptions } from './fleet.ts'
import { jsonOption } from './output.ts'

interface AgentsWords extends ServerWords {
  json: boolean
}

export const agentsCommand: Command<AgentsWords> = {
  builder: (yargs) => yargs.options({ ...serverOptions, ...jsonOption }),
  handler: async (words) => {
    const found = await agents(serverOf(words))
    if (words.json) answer(safeJson({ agents: found }))
    else answer(found.length === 0 ? 'no agent is there' : found.map(linesOf).join('\n'))
  },
}

/** What agents say of themselves may hold anything. */
function linesOf(agent: ListedAgent): string {
  const { name, labels, slots, busy, machine, limits, can, clock, stint, trouble, namesake } = agent
  const work = busy.map(({ run, key, now }) => `${run} ${key}: ${now}`).join('; ')
  const most = [
    ...(limits.max_cores === null ? [] : [`${formatNumber(limits.max_cores)} of a core`]),
    ...(limits.max_memory_mb === null ? [] : [`${formatNumber(limits.max_memory_mb)} MB`]),
  ]
  const ahead = clock === null ? null : clock.offset_ms
  const lines = [
    `${name}  ${labels.join(', ')}`,
    `  ${busy.length} of ${count(slots, 'slot')} in use${work === '' ? '' : `: ${work}`}`,
    ...(trouble === null ? [] : [`  gives back what it gets: ${trouble}`]),
    ...(namesake === null
      ? []
      : [`  another agent has the same name (${namesake}): start one of them with another --name`]),
    `  ${machine.cpu_model}, ${count(machine.cores, 'core')}, ${machine.memory_mb} MB, load ${formatNumber(machine.load_at_start[0])} at its start, ${machine.platform} ${machine.kernel}, Node ${machine.node}, Stint ${stint}`,
    `  compute caps by ${can.compute}, memory caps by ${can.memory.join(', ') || 'nothing'}${most.length === 0 ? '' : `; at most ${most.join(' and ')}`}`,
    ahead === null
      ? '  clock not measured yet'
      : `  clock ${formatNumber(Math.abs(ahead))} ms ${ahead < 0 ? 'behind' : 'ahead of'} the server's, give or take ${formatNumber(clock!.error_ms)} ms`,
  ]
  return lines.map(plain).join('\n')
}
