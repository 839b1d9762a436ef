/**
 * Stint as a library: what `import ... from 'stint'` gives, and all that the command line is built on.
 *
 * ```js
 * import { loadSweep, report, run } from 'stint'
 *
 * const { folder } = await run(loadSweep('sweep.yaml'), { out: 'results' })
 * const { model } = await report(folder)
 * console.log(model.scenarios.map(({ label, metrics }) => [label, metrics.latency_mean_ms?.value]))
 * ```
 *
 * Nothing here prints or ends the process. The import is cheap: each function loads what it needs when it is called.
 */
export type { PublishReport } from '../workers/protocol/publish.ts'
export { GROUP_SIGNALS } from '../workers/protocol/trial-process.ts'
export type { Outcome, TrialResult } from '../workers/protocol/trial-result.ts'
export { ARRIVAL_PATTERNS, type ArrivalSpec, type TrialSpec } from '../workers/protocol/trial-spec.ts'
export { generateData, init, params, publish, schema } from './api/data.ts'
export type { ExecuteOptions, FleetServer } from './api/execution.ts'
export { bisect, failureReport, type GateMeans, type GateOptions, gate } from './api/gates.ts'
export {
  type AgentOptions,
  agent,
  agents,
  type DoctorOptions,
  doctor,
  profiles,
  type ShippedProfiles,
  type WatchOptions,
  watch,
} from './api/machines.ts'
export {
  type ComparedRuns,
  type ComparisonOptions,
  checkReplaceable,
  checkWritable,
  choosePlots,
  compare,
  explain,
  type HistoryOptions,
  history,
  openRun,
  pipelineReport,
  type RenderedReport,
  type ReportOptions,
  renderReport,
  report,
  showProgress,
  type WithReport,
  writeReport,
} from './api/reports.ts'
export {
  check,
  type FinishedRun,
  type FoundValues,
  find,
  type PipelineRun,
  pipeline,
  type ResumedRun,
  type ResumeOptions,
  type RunOptions,
  resume,
  run,
} from './api/runs.ts'
export {
  loadSearch,
  loadSweep,
  namesData,
  type SweepSource,
  sweepFromData,
  sweepOfFile,
} from './api/sweeps.ts'
export type { WorkloadParams } from './ask-workload.ts'
export type { Ability, Doctor } from './doctor/doctor.ts'
export { ENVIRONMENT, type Variable } from './environment.ts'
export type { Executor } from './execute/executor.ts'
export type { AgentRecord, ListedAgent, ServerOptions } from './execute/fleet/options.ts'
export type { Explanation } from './explain.ts'
export { count, formatNumber, plain, printable } from './format.ts'
export type { BisectRange } from './gate/bisect.ts'
export type { GateBaseline } from './gate/decide.ts'
export type {
  Bisection,
  BisectStep,
  GateAnswer,
  GateEvent,
  GateResult,
  GateRow,
  History,
  HistoryEvent,
  HistorySeries,
} from './gate/types.ts'
export type { GeneratedData, GenerateOptions } from './generate.ts'
export type { InitOptions, WrittenSweep } from './init.ts'
export { HARNESS_METRICS, type Metric, metricTable } from './metrics.ts'
export { STINT_VERSION } from './package-folder.ts'
export type { PipelineOptions, WrittenPipeline } from './pipeline/run.ts'
export type { ProgressOptions, Shown } from './progress.ts'
export type { PublishOptions } from './publish.ts'
export type { OpenOptions, RecordedRun } from './record/open-run.ts'
export type { Machine, Manifest } from './record/types.ts'
export type { CompareOptions, RunComparison } from './report/compare.ts'
export type { WriteOptions, WrittenReport } from './report/export.ts'
export type { Found, FoundValue, SearchTest } from './report/found.ts'
export { PLOTS } from './report/plots/names.ts'
export { safeJson } from './report/render/json.ts'
export type { TerminalOptions } from './report/render/terminal.ts'
export {
  type Export,
  FORMAT_BY_ENDING,
  FORMATS,
  type Format,
  type Report,
  type Section,
} from './report/section.ts'
export type { ReportModel } from './report/types.ts'
export type { SweepSize } from './report/words.ts'
export type { Listener, RunEvent } from './session/events.ts'
export { RunStopped } from './session/events.ts'
export type { LoadedSweep, Surroundings } from './sweep/load.ts'
export type { Overrides } from './sweep/overrides.ts'
export { SweepError } from './sweep/problems.ts'
export type { Profile } from './sweep/profiles.ts'
export type { SearchRequest } from './sweep/search.ts'
export type { Scenario, Sweep } from './sweep/types.ts'
export { FILE_ERRORS, UserError } from './user-error.ts'
