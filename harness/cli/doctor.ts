/** `stint doctor`: what this machine can enforce and measure, and how noisy it is. */

import { type Check, checkCompute, checkRest } from '../doctor/checks.ts'
import { measureQuiet, type QuietReport } from '../doctor/quiet.ts'
import { LocalExecutor } from '../execute/local/executor.ts'
import { count, formatNumber, formatShare } from '../format.ts'
import { readMachine } from '../record/machine.ts'
import type { Machine } from '../record/types.ts'
import { safeJson } from '../report/render/json.ts'
import { plain } from '../report/words.ts'
import { measureKernel } from '../session/calibrate.ts'
import { answer, pass, tell } from './console.ts'
import type { Command } from './words.ts'

interface DoctorWords {
  runs: number
  json: boolean
}

export const doctorCommand: Command<DoctorWords> = {
  builder: (yargs) =>
    yargs.options({
      runs: {
        type: 'number',
        default: 10,
        describe: 'trials of each side of the A/A comparison; 0 for none',
      },
      json: { type: 'boolean', default: false, describe: 'one JSON object on stdout' },
    }),
  handler: doctor,
}

async function doctor({ runs, json }: DoctorWords): Promise<void> {
  tell('stint: trying caps, counters and clocks')
  const checks = await checkCompute()
  const executor = new LocalExecutor({ onOutput: pass })
  let quiet: QuietReport | null = null
  let kernel: number
  try {
    checks.push(...(await checkRest(executor)))
    kernel = await measureKernel(executor)
    if (runs > 0) {
      tell(`stint: comparing a fixed kernel with itself, 2 x ${runs} trials`)
      quiet = await measureQuiet(executor, runs)
    }
  } finally {
    await executor.close()
  }
  const machine = readMachine()
  if (json) answer(safeJson({ machine, checks, kernel_ops_s: kernel, quiet }))
  else
    answer(
      [
        head(machine),
        '',
        ...table(checks),
        '',
        `A run here: ${runWords(checks)}.`,
        kernelWords(kernel),
        ...quietWords(quiet),
      ].join('\n'),
    )
}

function head(machine: Machine): string {
  const { cpu_model, cores, memory_mb, platform, kernel, node } = machine
  return plain(
    `${cpu_model}, ${count(cores, 'core')}, ${formatNumber(memory_mb)} MB, ${platform} ${kernel}, Node ${node}`,
  )
}

const AREAS: Check['area'][] = ['compute', 'memory', 'energy', 'noise']

function table(checks: readonly Check[]): string[] {
  const width = Math.max(...checks.map(({ name }) => name.length))
  const row = (able: string, area: string, name: string, found: string) =>
    `${able.padEnd(4)}  ${area.padEnd(7)}  ${name.padEnd(width)}  ${found}`
  const ordered = AREAS.flatMap((area) => checks.filter((check) => check.area === area))
  return [
    row('able', 'area', 'what', 'what happened when it was tried'),
    ...ordered.flatMap(({ area, name, able, found, remedy }) => [
      row(able ? 'yes' : 'no', area, name, plain(found)),
      ...(remedy === null ? [] : [row('', '', '', `try: ${remedy}`)]),
    ]),
  ]
}

/** What a sweep would get here, best mechanism first. */
function runWords(checks: readonly Check[]): string {
  const first = (area: Check['area'], but?: string) =>
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
      ? "energy is estimated where a profile tells the machine's watts"
      : `energy is read by ${energy}`,
  ].join('; ')
}

function kernelWords(score: number): string {
  return `Core: ${score.toExponential(3)} kernel operations a second (kernel_ops_s of a profile, for relative_to).`
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
