/** The parameters of a workload, and what each of their values takes. */
import type { ParamInfo } from '../../../workers/workload.ts'
import type { WorkloadParams } from '../../ask-workload.ts'
import { count, wholeNumber } from '../../format.ts'
import { STINT_VERSION } from '../../package-folder.ts'
import { type Block, columnsOf, type DataTable, type Report, type Section } from '../section.ts'

type Params = Readonly<Record<string, ParamInfo>>

export function paramsReport({ workload, params, choices }: WorkloadParams): Report {
  const own = ownParams(params ?? {}, choices)
  const sections = [
    parameters(params === null ? null : own, choices),
    ...Object.entries(choices).flatMap(([name, values]) => choiceSections(name, values)),
  ]
  const text = params === null ? 'any parameters are taken' : count(Object.keys(own).length, 'parameter')
  return {
    kind: 'params',
    title: `Parameters of ${workload}`,
    subtitle: 'A sweep gives them under "params"; as an axis of the grid they are written params.NAME.',
    answer: { text, tone: 'strong' },
    sections,
    tables: [dataTable(own, choices)],
    checks: [],
    data: { workload, params, choices },
    footer: `Stint ${STINT_VERSION}.`,
    file: 'params',
    source: null,
    elapsed_s: null,
  }
}

/** Without those that only some value of another takes. */
function ownParams(params: Params, choices: WorkloadParams['choices']): Params {
  const taken = new Set(
    Object.values(choices).flatMap((values) =>
      Object.values(values).flatMap((choice) => Object.keys(choice.params)),
    ),
  )
  return Object.fromEntries(Object.entries(params).filter(([name]) => !taken.has(name)))
}

function parameters(params: Params | null, choices: WorkloadParams['choices']): Section {
  const section = { id: 'parameters', title: 'Parameters' }
  if (params === null) {
    const text = 'The workload has no describe(): what a sweep gives is handed over unchecked.'
    return { ...section, blocks: [{ kind: 'text', text }] }
  }
  if (Object.keys(params).length === 0)
    return { ...section, blocks: [{ kind: 'text', text: 'This workload takes no parameters.' }] }
  const shown = Object.entries(params).map(([name, info]): [string, ParamInfo] => {
    const values = Object.hasOwn(choices, name) ? choices[name] : undefined
    if (values === undefined) return [name, info]
    const { values: _, ...rest } = info
    const names = Object.keys(values)
    return [name, { ...rest, description: `one of the ${names.length} below, such as ${names[0]}` }]
  })
  return { ...section, blocks: [table(shown)] }
}

function choiceSections(name: string, values: WorkloadParams['choices'][string]): Section[] {
  return Object.entries(values).map(([value, { description, params }]) => ({
    id: `${name}-${value}`,
    title: `With ${name}: ${value}`,
    blocks: [
      // A terminal shows no titles.
      { kind: 'text', text: `${name}: ${value} (${description})`, tone: 'strong' },
      ...(Object.keys(params).length > 0 ? [table(Object.entries(params))] : []),
    ],
  }))
}

function table(params: readonly (readonly [string, ParamInfo])[]): Block {
  return {
    kind: 'table',
    table: {
      columns: columnsOf(params, [
        { head: 'Parameter', short: 'param', type: 'text', cell: ([name]) => ({ text: name }) },
        {
          head: 'Value',
          short: 'value',
          type: 'text',
          cell: ([, info]) => ({ text: short(allowedWords(info)) }),
        },
        {
          head: 'Default',
          short: 'default',
          type: 'text',
          cell: ([, info]) => ({ text: short(`${info.default}`) }),
        },
        {
          head: 'Meaning',
          short: 'meaning',
          type: 'text',
          wraps: true,
          cell: ([, info]) => ({ text: meaning(info) }),
        },
      ]),
    },
  }
}

/** A longer text stands with the meaning, where lines wrap. */
const LONGEST_CELL = 28

function short(text: string): string {
  return text.length > LONGEST_CELL ? '…' : text
}

function meaning(info: ParamInfo): string {
  const [allowed, standard] = [allowedWords(info), String(info.default)]
  return [
    info.description,
    ...(short(allowed) === allowed ? [] : [`values: ${allowed}`]),
    ...(short(standard) === standard ? [] : [`default: ${standard}`]),
  ].join('; ')
}

/**
 * Which values a parameter takes: `wasm, js`, `whole number from 1`, `number above 0, up to 1`.
 * @param shown how a value stands there
 */
export function allowedWords(
  { type, values, minimum, maximum }: ParamInfo,
  shown: (value: ParamInfo['default']) => string = String,
): string {
  if (values !== undefined) return values.map(shown).join(', ')
  if (type === 'boolean') return `${shown(true)}, ${shown(false)}`
  const what = { integer: 'whole number', number: 'number', string: 'text' }[type]
  const figure = (value: number) =>
    Number.isInteger(value)
      ? wholeNumber(value)
      : value.toLocaleString('en-US', { maximumFractionDigits: 20 })
  if (minimum === Number.MIN_VALUE)
    return `${what} above 0${maximum === undefined ? '' : `, up to ${figure(maximum)}`}`
  if (minimum === undefined) return maximum === undefined ? what : `${what} up to ${figure(maximum)}`
  return `${what} from ${figure(minimum)}${maximum === undefined ? '' : ` to ${figure(maximum)}`}`
}

function dataTable(own: Params, choices: WorkloadParams['choices']): DataTable {
  const rows = [
    ...Object.entries(own).map(([name, info]) => ({ name, with: '', info })),
    ...Object.entries(choices).flatMap(([param, values]) =>
      Object.entries(values).flatMap(([value, { params }]) =>
        Object.entries(params).map(([name, info]) => ({ name, with: `${param}=${value}`, info })),
      ),
    ),
  ]
  return {
    file: 'params.csv',
    columns: [
      ['param', rows.map(({ name }) => name)],
      ['with', rows.map((row) => row.with)],
      ['type', rows.map(({ info }) => info.type)],
      ['default', rows.map(({ info }) => info.default)],
      ['values', rows.map(({ info }) => info.values?.join(' ') ?? null)],
      ['minimum', rows.map(({ info }) => info.minimum ?? null)],
      ['maximum', rows.map(({ info }) => info.maximum ?? null)],
      ['description', rows.map(({ info }) => info.description)],
    ],
  }
}
