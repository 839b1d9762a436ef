/** How trials ended, and how quiet the machine was. */
import { formatNumber, formatShare, wholeNumber } from '../../format.ts'
import { columnsOf, type Table } from '../section.ts'
import { metricName, outcomeName } from '../text/words.ts'
import type { ReportModel } from '../types.ts'

/** Trials that were not ok, those that ended alike in one row; null where every trial was ok. */
export function outcomeTable({ scenarios }: ReportModel): Table | null {
  const rows = scenarios.flatMap(({ label, failures, trials }) =>
    failures.map((failure) => ({ label, trials, ...failure })),
  )
  if (rows.length === 0) return null
  return {
    columns: columnsOf(rows, [
      { head: 'Scenario', type: 'text', cell: ({ label }) => ({ text: label }) },
      { head: 'Outcome', type: 'text', cell: ({ outcome }) => ({ text: outcomeName(outcome), tone: 'bad' }) },
      {
        head: 'Trials',
        type: 'number',
        cell: ({ count, trials }) => ({ text: `${count} of ${trials}`, value: count }),
      },
      { head: 'Reason', type: 'text', cell: ({ reason }) => ({ text: reason }) },
      {
        head: 'First trial',
        type: 'text',
        cell: ({ first_trial }) => ({ text: first_trial, tone: 'quiet' }),
      },
    ]),
    file: 'trials.jsonl',
  }
}

export function noiseFacts({ noise, latency }: ReportModel): [string, string][] {
  const share = (value: number | null) => (value === null ? 'unknown' : formatShare(value))
  return [
    [
      'Waiting for a core',
      noise.run_queue_wait_median === null
        ? 'unknown: not reported here, held back by a compute cap, or too short to tell'
        : `${share(noise.run_queue_wait_median)} of the time (median trial), at most ${share(noise.run_queue_wait_max)}`,
    ],
    [
      'Variation between trials',
      noise.latency_variation_median === null
        ? 'unknown: needs two ok trials of a scenario'
        : `${share(noise.latency_variation_median)} of the ${metricName(latency)} (coefficient of variation, median scenario)`,
    ],
    [
      'Involuntary context switches',
      noise.involuntary_switches_median === null
        ? 'unknown on this machine'
        : `${wholeNumber(noise.involuntary_switches_median)} per trial (median)`,
    ],
    [
      'Other processes',
      noise.others_cores_median === null
        ? 'unknown: not reported here, or the trials were too short to tell'
        : `${formatNumber(noise.others_cores_median)} cores in use (median trial); time taken by the hypervisor at most ${share(noise.steal_max)}`,
    ],
    [
      'Disturbed trials',
      noise.disturbed.of === 0
        ? 'unknown: not reported here, or the trials were too short to tell'
        : `${noise.disturbed.trials} of ${noise.disturbed.of}, kept and marked in the journal`,
    ],
    ['Load at the start', formatNumber(noise.load_at_start)],
  ]
}
