/** The pictures that each report can have, by the names that `--plots` takes; a name is also that of the file. */

export const PLOTS = {
  run: {
    latency_vs_accuracy: 'latency against accuracy',
    memory_vs_accuracy: 'memory against accuracy',
    energy_vs_accuracy: 'energy against accuracy',
    throughput_vs_memory: 'throughput against memory',
    sensitivity: 'what each axis explains of each metric',
    growth: 'latency, time and memory against rows, with the fit',
    profiles: 'profiles or machines side by side',
    significance: 'pairs that are compared, with their intervals',
    significance_map: 'the verdict of every comparison',
    load: 'event latency against the rate of arrivals',
    latency_ecdf: 'how event latency is distributed, or that of chunks where no events arrive',
    latency_percentiles: 'percentiles of latency, the tail stretched',
    operators: 'where the time of a step goes',
    accuracy_over_rows: 'accuracy along the stream, with drift alarms',
    memory_over_time: 'memory and backlog against cap and limit',
    caps: 'caps, asked for and achieved',
  },
  compare: {
    significance: 'pairs that are compared, with their intervals',
    significance_map: 'the verdict of every comparison',
  },
  gate: { 'gate-profile': 'time along the stream, candidate over baseline' },
  history: { history: 'metrics over the runs, with their changes' },
} as const satisfies Record<string, Record<string, string>>

export type RunPlot = keyof typeof PLOTS.run

/** These need the chunk logs, which take a while to read. */
export const LOG_PLOTS: readonly RunPlot[] = [
  'latency_ecdf',
  'operators',
  'accuracy_over_rows',
  'memory_over_time',
]

/** Drawn into files where nothing is chosen; a page has the others too. */
export const USUAL_PLOTS: readonly RunPlot[] = [
  'latency_vs_accuracy',
  'memory_vs_accuracy',
  'sensitivity',
  'significance',
  'caps',
  'load',
]

export function plotFile(name: RunPlot): string {
  return `benchmarks/${name}.png`
}

/** Names of a table of plots, in its order. */
export function namesOf<Name extends string>(plots: Readonly<Record<Name, string>>): Name[] {
  return Object.keys(plots) as Name[]
}
