/** `stint publish`: sends a data set to a broker as events on an arrival clock, and says how it kept to it. */
import {
  ARRIVAL_PATTERNS,
  type ArrivalSpec,
  count,
  formatNumber,
  type PublishReport,
  publish,
  UserError,
} from '../index.ts'
import type { Command } from './command.ts'
import { answer, tell } from './console.ts'
import { jsonOption } from './output.ts'
import { watched } from './signals.ts'

interface PublishWords {
  source: string
  to: string
  rate: number | undefined
  pattern: ArrivalSpec['pattern']
  column: string | undefined
  speed: number
  duty: number
  factor: number
  'period-ms': number
  rows: number | undefined
  seed: number
  qos: number
  json: boolean
}

export const publishCommand: Command<PublishWords> = {
  builder: (yargs) =>
    yargs
      .positional('source', {
        type: 'string',
        demandOption: true,
        describe: 'data file (CSV, NDJSON, .gz, or - for standard input)',
      })
      .options({
        to: {
          type: 'string',
          demandOption: true,
          describe:
            'nats://HOST:PORT/STREAM.SUBJECT, a stream that is made where it is missing, or mqtt://HOST:PORT/TOPIC',
        },
        rate: { type: 'number', describe: 'mean events per second; all patterns but trace need it' },
        pattern: {
          choices: ARRIVAL_PATTERNS,
          default: 'constant' as const,
          describe: 'how events are spread over time; trace: as a column of the data says',
        },
        column: {
          type: 'string',
          requiresArg: true,
          describe: 'trace: the column with the time of each event, a date or a number of seconds',
        },
        speed: { type: 'number', default: 1, describe: 'trace: how many times as fast' },
        duty: { type: 'number', default: 0.1, describe: 'bursts: share of each period that is the burst' },
        factor: {
          type: 'number',
          default: 5,
          describe: 'bursts: rate within the burst, as a multiple of --rate',
        },
        'period-ms': { type: 'number', default: 1000, describe: 'bursts: length of a period' },
        rows: { type: 'number', describe: 'send only the first so many rows' },
        seed: { type: 'number', default: 42, describe: 'of the arrival times: the same seed gives the same' },
        qos: { choices: [0, 1], default: 1, describe: 'MQTT: quality of service' },
        ...jsonOption,
      }),
  handler: publishEvents,
}

async function publishEvents(words: PublishWords): Promise<void> {
  const { source, to, rows, seed, qos, json } = words
  const arrival = arrivalOf(words)
  if (rows !== undefined && !(Number.isSafeInteger(rows) && rows > 0))
    throw new UserError('--rows: expected a whole number of at least 1')
  if (!(Number.isSafeInteger(seed) && seed >= 0))
    throw new UserError('--seed: expected a whole number of at least 0')
  const report = await watched({ quiet: true, nothing: '; what was sent before stays sent' }, ({ signal }) =>
    publish(source, {
      to,
      arrival,
      seed,
      qos: qos === 0 ? 0 : 1,
      signal,
      ...(rows !== undefined && { rows }),
    }),
  )
  if (report === null) return
  if (json) answer(JSON.stringify(report))
  else answer(wordsOf(report))
  const late = lateWords(report)
  if (late !== null) tell(`stint: ${late}`)
}

function arrivalOf(words: PublishWords): ArrivalSpec {
  const { rate, pattern, column, speed, duty, factor, 'period-ms': period_ms } = words
  const above0 = (name: string, value: number) => {
    if (!(value > 0 && Number.isFinite(value))) throw new UserError(`--${name}: expected a number above 0`)
  }
  if (pattern === 'trace') {
    if (column === undefined)
      throw new UserError('--pattern trace: say which column has the time of each event', 'add --column NAME')
    if (rate !== undefined)
      throw new UserError('--rate: a trace has its own', 'drop it; --speed makes the trace faster or slower')
    above0('speed', speed)
    return { pattern, column, speed }
  }
  if (column !== undefined) throw new UserError('--column: only goes with --pattern trace', 'drop it')
  if (rate === undefined)
    throw new UserError('--rate: say how many events go out per second', 'such as --rate 1000')
  above0('rate', rate)
  if (pattern !== 'bursts') return { pattern, rate }
  above0('duty', duty)
  above0('factor', factor)
  above0('period-ms', period_ms)
  if (duty >= 1) throw new UserError('--duty: expected a share below 1')
  if (duty * factor > 1) throw new UserError(`--factor: expected at most ${1 / duty}, which is 1 / duty`)
  return { pattern, rate, duty, factor, period_ms }
}

function wordsOf(report: PublishReport): string {
  const { events, to, seconds, achieved_rows_s, lateness_ms, acknowledged, reconnections, out_of_order } =
    report
  const number = (value: number | null) => (value === null ? '\u2014' : formatNumber(value))
  return [
    `${count(events, 'event')} to ${to} in ${number(seconds)} s: ${number(achieved_rows_s)} per second`,
    `sent late by ${number(lateness_ms.p50)} ms (median), ${number(lateness_ms.p99)} ms (p99), ${number(lateness_ms.max)} ms (most)`,
    ...(acknowledged === null ? [] : [`${count(acknowledged, 'message')} acknowledged`]),
    ...(reconnections === 0 ? [] : [`connected again ${count(reconnections, 'time')}`]),
    ...(out_of_order === 0 ? [] : [`${count(out_of_order, 'event')} stored out of order`]),
  ].join('\n')
}

/** Below this share of the rate the schedule was not kept, unless that is only a hitch. */
const KEPT_SHARE = 0.98
const HITCH_MS = 100

function lateWords({ offered_rows_s, achieved_rows_s, lateness_ms }: PublishReport): string | null {
  if (offered_rows_s === null || achieved_rows_s === null) return null
  if (achieved_rows_s >= KEPT_SHARE * offered_rows_s || (lateness_ms.max ?? 0) < HITCH_MS) return null
  return `the schedule was not kept: ${formatNumber(achieved_rows_s)} of ${formatNumber(offered_rows_s)} events per second; ask for a lower rate or speed, or publish from another machine`
}
