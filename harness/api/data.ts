/** Data sets and workloads: making, sending and asking them. */
import type { PublishReport } from '../../workers/protocol/publish.ts'
import type { WorkloadParams } from '../ask-workload.ts'
import type { GeneratedData, GenerateOptions } from '../generate.ts'
import type { InitOptions, WrittenSweep } from '../init.ts'
import type { PublishOptions } from '../publish.ts'
import { type ExecuteOptions, interruptible, never, withExecutor } from './execution.ts'
import type { WithReport } from './reports.ts'

/**
 * Writes a deterministic data set to a file, whole or not at all.
 * @param preset such as `nba2k`
 * @throws {UserError} where there is no such preset, or the file cannot be written
 */
export async function generateData(
  preset: string,
  options: GenerateOptions & ExecuteOptions,
): Promise<GeneratedData> {
  const { signal = never() } = options
  const { generate } = await import('../generate.ts')
  return await interruptible(signal, () => withExecutor(options, (start) => generate(preset, options, start)))
}

/**
 * Sends a data set to a NATS stream or an MQTT topic as events that arrive on a clock of their own.
 * @param source path of a CSV or NDJSON file, packed or not, or `-` for standard input
 * @returns how it kept to its schedule
 * @throws {UserError} where the data or the broker cannot be used
 */
export async function publish(source: string, options: PublishOptions): Promise<PublishReport> {
  const { signal = never() } = options
  const { publishData } = await import('../publish.ts')
  return await interruptible(signal, () => publishData(source, { ...options, signal }))
}

/**
 * Writes a first sweep for a data file: a small grid, the types of its columns and what is left out as comments.
 * @param data path of a CSV or NDJSON file, packed or not
 * @throws {UserError} where the data cannot be used, or the sweep is there already or cannot be written
 */
export async function init(data: string, options: InitOptions & ExecuteOptions = {}): Promise<WrittenSweep> {
  const { signal = never() } = options
  const { writeStarter } = await import('../init.ts')
  return await interruptible(signal, () =>
    withExecutor(options, (start) => writeStarter(data, options, start)),
  )
}

/**
 * Every parameter of a workload, with its default, its range and what it means.
 * @param workload `pipeline`, the built-in one, where none is named, or the path of a module
 * @throws {UserError} where there is no such module, or what it says of itself cannot be used
 */
export async function params(
  workload?: string,
  options: ExecuteOptions = {},
): Promise<WorkloadParams & WithReport> {
  const { signal = never() } = options
  const [{ askWorkload }, { paramsReport }] = await Promise.all([
    import('../ask-workload.ts'),
    import('../report/sections/params.ts'),
  ])
  const found = await interruptible(signal, () =>
    withExecutor(options, (start) => askWorkload(workload, start)),
  )
  return { ...found, report: paramsReport(found) }
}

/** The JSON Schema of a sweep file, or of a report as JSON. */
export async function schema(of: 'sweep' | 'report', options: ExecuteOptions = {}): Promise<object> {
  if (of === 'report') return (await import('../report/schema.ts')).reportJsonSchema()
  const [{ sweepJsonSchema }, { askWorkload }] = await Promise.all([
    import('../sweep/schema.ts'),
    import('../ask-workload.ts'),
  ])
  const { signal = never() } = options
  const builtIn = await interruptible(signal, () =>
    withExecutor(options, (start) => askWorkload(undefined, start)),
  )
  return sweepJsonSchema(builtIn.params ?? {})
}
