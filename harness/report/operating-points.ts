/** `operating_points.csv`: one row a goal, with the scenario that meets it best. */
import { toCsv } from './csv.ts'
import type { ReportModel } from './types.ts'

export function operatingPointsCsv({ operating: { points } }: ReportModel): string {
  return toCsv([
    ['goal', points.map((point) => point.goal)],
    ['metric', points.map((point) => point.metric)],
    ['unit', points.map((point) => point.unit)],
    ['scenario', points.map((point) => point.scenario)],
    ['label', points.map((point) => point.label)],
    ['mean', points.map((point) => point.estimate.value)],
    ['ci_low', points.map((point) => point.estimate.low)],
    ['ci_high', points.map((point) => point.estimate.high)],
    ['n', points.map((point) => point.estimate.n)],
    ['tied', points.map((point) => point.tied.length)],
    ['tied_labels', points.map((point) => point.tied.map(({ label }) => label).join('; '))],
  ])
}
