/** Every file that `stint pipeline` writes, under the names of the original. */
import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { PipelineOptions } from '../../pipeline/options.ts'
import { writeAtomically } from '../../record/atomic.ts'
import { latencyMemoryPlot } from '../plots/latency-memory.ts'
import { drawPicture } from '../plots/png.ts'
import { tradeoffPlot } from '../plots/tradeoff.ts'
import { streamingChunks } from './chunks.ts'
import type { PipelineData } from './data.ts'
import { pipelineReport, runManifest } from './report-json.ts'
import {
  batchAgainstStreamingCsv,
  constraintCsv,
  dataSizeCsv,
  operatorProfileCsv,
  resourceAccuracyCsv,
  throughputMemoryCsv,
} from './tables.ts'

export interface PipelineFiles {
  /** Below the output folder, in the order written. */
  written: string[]
  /** Pictures for which there is no data. */
  skipped: { file: string; reason: string }[]
}

/**
 * Writes every file as a whole or not at all.
 * @param folder that receives them
 */
export async function writePipelineFiles(
  data: PipelineData,
  options: PipelineOptions,
  folder: string,
): Promise<PipelineFiles> {
  const written: string[] = []
  const skipped: PipelineFiles['skipped'] = []
  const write = (file: string, content: string | Buffer) => {
    const path = join(folder, file)
    mkdirSync(dirname(path), { recursive: true })
    writeAtomically(path, content)
    written.push(file)
  }
  write('reports/pipeline_report.json', json(pipelineReport(data, options)))
  write('reports/streaming_chunks.jsonl', streamingChunks(data))
  write('profiles/operator_profile.csv', operatorProfileCsv(data))
  write('benchmarks/constraint_experiment.csv', constraintCsv(data))
  write('benchmarks/significance_tests.csv', batchAgainstStreamingCsv(data))
  write('benchmarks/latency_vs_data_size.csv', dataSizeCsv(data))
  write('benchmarks/throughput_vs_memory.csv', throughputMemoryCsv(data))
  write('benchmarks/resource_vs_accuracy.csv', resourceAccuracyCsv(data))
  const drawn: { file: string; png: Promise<Buffer> }[] = []
  for (const plot of [
    tradeoffPlot(data.model, 'latency', 'benchmarks/latency_vs_accuracy.png'),
    tradeoffPlot(data.model, 'memory', 'benchmarks/memory_vs_accuracy.png'),
    latencyMemoryPlot(data.model, 'benchmarks/latency_memory_accuracy.png'),
  ]) {
    if (plot.spec) drawn.push({ file: plot.file, png: (await drawPicture(plot.spec)).encode('png') })
    else {
      skipped.push({ file: plot.file, reason: plot.skipped })
      // An earlier run's picture would pass for this one's.
      rmSync(join(folder, plot.file), { force: true })
    }
  }
  for (const { file, png } of drawn) write(file, await png)
  write('metadata/run_manifest.json', json(runManifest(data, options, written)))
  return { written, skipped }
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
