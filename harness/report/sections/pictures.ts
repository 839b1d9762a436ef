/** The pictures of a run that were chosen, or all that it has data for. */
import type { LogSummary } from '../chunk-logs.ts'
import { capsPlot } from '../plots/caps.ts'
import { ecdfPlot, percentilesPlot } from '../plots/distribution.ts'
import { growthPlot } from '../plots/growth.ts'
import { loadPlot } from '../plots/load.ts'
import { namesOf, PLOTS, plotFile, type RunPlot, USUAL_PLOTS } from '../plots/names.ts'
import { operatorsPlot } from '../plots/operators.ts'
import { profilesPlot } from '../plots/profiles.ts'
import { sensitivityPlot } from '../plots/sensitivity.ts'
import { significancePlot } from '../plots/significance.ts'
import { significanceMap } from '../plots/significance-map.ts'
import { accuracyPlot, coursePlot } from '../plots/stream.ts'
import { pictureSubtitle } from '../plots/text.ts'
import { tradeoffPlot } from '../plots/tradeoff.ts'
import type { Plot } from '../section.ts'
import type { ReportModel } from '../types.ts'
import { capitalised, pairLines } from '../words.ts'

export interface RunPictures {
  /** Drawn, or skipped with a reason. */
  shown: ReadonlyMap<RunPlot, Plot>
  /** Those that nobody chose and that there is no data for: what each would show, and why it is not there. */
  missing: [name: string, reason: string][]
}

type Logs = ReadonlyMap<string, LogSummary>

const MAKERS: Record<RunPlot, (model: ReportModel, file: string, logs: Logs) => Plot> = {
  latency_vs_accuracy: (model, file) => tradeoffPlot(model, 'latency', file),
  memory_vs_accuracy: (model, file) => tradeoffPlot(model, 'memory', file),
  energy_vs_accuracy: (model, file) => tradeoffPlot(model, 'energy', file),
  throughput_vs_memory: (model, file) => tradeoffPlot(model, 'throughput', file),
  sensitivity: sensitivityPlot,
  growth: growthPlot,
  profiles: profilesPlot,
  significance: (model, file) => significancePlot({ ...forest(model), lines: pairLines(model) }, file),
  significance_map: (model, file) => significanceMap({ ...forest(model), lines: pairLines(model) }, file),
  load: loadPlot,
  latency_ecdf: (model, file, logs) => ecdfPlot(model, logs, file),
  latency_percentiles: percentilesPlot,
  operators: (model, file, logs) => operatorsPlot(model, logs, file),
  accuracy_over_rows: (model, file, logs) => accuracyPlot(model, logs, file),
  memory_over_time: (model, file, logs) => coursePlot(model, logs, file),
  caps: capsPlot,
}

function forest(model: ReportModel) {
  return { subtitle: pictureSubtitle(model), settings: model.manifest.sweep.compare }
}

/** @param chosen names; absent: the usual ones, and for a page all that there is data for */
export function runPictures(
  model: ReportModel,
  chosen?: readonly string[],
  logs: Logs = new Map(),
): RunPictures {
  const shown = new Map<RunPlot, Plot>()
  const missing: RunPictures['missing'] = []
  for (const name of namesOf(PLOTS.run)) {
    if (chosen !== undefined && !chosen.includes(name)) continue
    const plot = MAKERS[name](model, plotFile(name), logs)
    const isUsual = USUAL_PLOTS.includes(name) && !saysNothing(model, name)
    if (chosen !== undefined || isUsual) shown.set(name, plot)
    else if (plot.skipped === undefined) {
      plot.pageOnly = true
      shown.set(name, plot)
    } else missing.push([capitalised(PLOTS.run[name]), plot.skipped])
  }
  return { shown, missing }
}

/** Where nobody would look for it, that it is missing is not worth a line. */
function saysNothing({ sensitivity, scenarios }: ReportModel, name: RunPlot): boolean {
  if (name === 'sensitivity') return sensitivity === null
  return name === 'load' && !scenarios.some(({ point }) => point['mode'] === 'realtime')
}
