/** The files of `stint pipeline`, below its output folder, and what each holds. */
export const PIPELINE_FILES: readonly [file: string, holds: string][] = [
  ['reports/pipeline_report.json', 'everything in this report and more, for programs'],
  ['reports/pipeline_report.md', 'this report'],
  ['reports/streaming_chunks.jsonl', 'one line per chunk of the first streaming trial'],
  ['profiles/operator_profile.csv', 'time by operator and chunk'],
  ['benchmarks/constraint_experiment.csv', 'one row per point of the grid'],
  ['benchmarks/significance_tests.csv', 'batch against streaming, one value per trial'],
  ['benchmarks/latency_vs_data_size.csv', 'time by rows'],
  ['benchmarks/throughput_vs_memory.csv', 'throughput and peak memory of each scenario'],
  ['benchmarks/resource_vs_accuracy.csv', 'both modes: memory, time, energy and accuracy'],
  ['metadata/run_manifest.json', 'settings and where each came from, machine, versions, files'],
]

/** The pictures among them, which a report shows where they are. */
export const PIPELINE_PICTURES = [
  'benchmarks/latency_vs_accuracy.png',
  'benchmarks/memory_vs_accuracy.png',
  'benchmarks/latency_memory_accuracy.png',
] as const
