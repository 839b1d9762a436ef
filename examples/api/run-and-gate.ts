/**
 * Runs a sweep from a program, prints its summary, and holds one version of the workload against another.
 * Arguments: sweep file, baseline module, candidate module, folder for results.
 */
import { gate, loadSweep, report, run, UserError } from 'stint'

const [sweepFile, baselineModule, candidateModule, out = 'results'] = process.argv.slice(2)
if (sweepFile === undefined || baselineModule === undefined || candidateModule === undefined) {
  console.error('usage: run-and-gate SWEEP BASELINE_MODULE CANDIDATE_MODULE [FOLDER]')
  process.exit(2)
}

try {
  const finished = await run(loadSweep(sweepFile), {
    out,
    onEvent: (event) => {
      if (event.event === 'finished') console.error(`${event.result.trial}: ${event.result.outcome}`)
    },
  })
  const { model } = await report(finished.folder)
  for (const { label, metrics } of model.scenarios) {
    console.log(label, metrics['latency_mean_ms']?.value)
  }
  const { verdict, rows } = await gate(loadSweep(sweepFile), {
    baselineModule,
    candidateModule,
    margin: 0.25,
    limitMs: 20_000,
  })
  console.log('verdict:', verdict)
  for (const row of rows) if (row.verdict === 'regression') console.log('worse:', row.label, row.metric)
  process.exitCode = verdict === 'regression' ? 1 : 0
} catch (error) {
  if (!(error instanceof UserError)) throw error
  console.error(error.message)
  process.exitCode = 2
}
