/** Every picture of a run, in the order of the report. */
import { capsPlot } from './plots/caps.ts'
import type { Plot } from './plots/plot.ts'
import { significancePlot } from './plots/significance.ts'
import { tradeoffPlot } from './plots/tradeoff.ts'
import type { ReportModel } from './types.ts'

export function picturesOf(model: ReportModel): Plot[] {
  return [
    tradeoffPlot(model, 'latency', 'benchmarks/latency_vs_accuracy.png'),
    tradeoffPlot(model, 'memory', 'benchmarks/memory_vs_accuracy.png'),
    significancePlot(model, 'benchmarks/significance.png'),
    capsPlot(model, 'benchmarks/caps.png'),
  ]
}
