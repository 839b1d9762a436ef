/** `stint agent`: runs trials on this machine for coordinators elsewhere. */
import { type AgentOptions, agent, UserError } from '../index.ts'
import { type Command, EXIT, parseNames } from './command.ts'
import { pass, tell } from './console.ts'
import { type ServerWords, serverOf, serverOptions } from './fleet.ts'
import { untilSignal } from './signals.ts'

interface AgentWords extends ServerWords {
  labels: string
  name: string | undefined
  slots: number
  'max-memory-mb': number | undefined
  'max-cores': number | undefined
  'allow-workloads': string
  'allow-env': string | undefined
  cache: string | undefined
}

export const agentCommand: Command<AgentWords> = {
  builder: (yargs) =>
    yargs
      .options({
        ...serverOptions,
        labels: {
          type: 'string',
          demandOption: true,
          requiresArg: true,
          describe: 'what sweeps call this machine, such as pi4,arm64',
        },
        name: {
          type: 'string',
          requiresArg: true,
          describe: 'name of the agent; made of the name of the machine and the options where it is left out',
        },
        slots: {
          type: 'number',
          default: 1,
          describe: 'rounds at the same time; more than one disturbs what is timed',
        },
        'max-memory-mb': {
          type: 'number',
          describe: 'most memory that a trial may ask for; one that asks for none gets it as its cap',
        },
        'max-cores': {
          type: 'number',
          describe: 'most cores that a trial may ask for; one that asks for none gets it as its cap',
        },
        'allow-workloads': {
          type: 'string',
          default: 'none',
          requiresArg: true,
          describe:
            'workloads that may be sent here beside the built-in pipeline: none, any, or a file with a SHA-256 per line',
        },
        'allow-env': {
          type: 'string',
          requiresArg: true,
          describe:
            'environment variables of this machine that sweeps may hand over to their trials by "env", such as PYTHONPATH,HF_HOME; none where it is left out',
        },
        cache: {
          type: 'string',
          requiresArg: true,
          describe:
            'folder for data, code and results that are not handed in yet; ~/.cache/stint/agent where it is left out',
        },
      })
      .example(
        '$0 agent --server nats://lab:4222 --labels pi4,arm64',
        'a Raspberry Pi that works for "stint run --on pi4"',
      )
      .epilogue(
        'Runs until Ctrl-C; what it had begun then goes to another agent. Exit codes: 0 stopped, 2 bad usage, 4 it failed.',
      ),
  handler: work,
}

async function work(words: AgentWords): Promise<void> {
  const { slots, 'max-memory-mb': maxMemoryMb, 'max-cores': maxCores, name, cache } = words
  if (!Number.isSafeInteger(slots) || slots < 1)
    throw new UserError(`--slots ${slots}: expected a whole number of at least 1`)
  for (const [option, value] of [
    ['--max-memory-mb', maxMemoryMb],
    ['--max-cores', maxCores],
  ] as const)
    if (value !== undefined && !(value > 0))
      throw new UserError(`${option} ${value}: expected a number above 0`)
  const options: AgentOptions = {
    ...serverOf(words),
    labels: parseNames(words.labels),
    slots,
    allowWorkloads: words['allow-workloads'],
    ...(words['allow-env'] !== undefined && { allowEnv: parseNames(words['allow-env']) }),
    ...(name !== undefined && { name }),
    ...(maxMemoryMb !== undefined && { maxMemoryMb }),
    ...(maxCores !== undefined && { maxCores }),
    ...(cache !== undefined && { folder: cache }),
  }
  const onNote = (text: string) => tell(`${new Date().toISOString().slice(11, 19)} ${text}`)
  await untilSignal((signal) => agent({ ...options, signal, onNote, onOutput: pass }))
  process.exitCode = EXIT.ok
}
