/** The pipeline's operators under the headings of the original profile. */
import { op, table } from 'arquero'
import type { ChunkLogLine } from '../../../workers/protocol.ts'
import { own } from '../../own.ts'

export type Stage = 'preprocess' | 'feature_engineering' | 'training' | 'other'

const STAGES: Readonly<Record<string, Stage>> = {
  read: 'preprocess',
  clean: 'preprocess',
  features: 'feature_engineering',
  learn: 'training',
}

export function stageOf(operator: string): Stage {
  return own(STAGES, operator) ?? 'other'
}

export interface OperatorTotal {
  operator: string
  stage: Stage
  seconds: number
}

/** What each operator took over all chunks, in the order in which they first appear. */
export function operatorTotals(chunks: readonly ChunkLogLine[]): OperatorTotal[] {
  const times = chunks.flatMap(({ operators_ms }) => Object.entries(operators_ms ?? {}))
  return table({
    operator: times.map(([operator]) => operator),
    stage: times.map(([operator]) => stageOf(operator)),
    seconds: times.map(([, ms]) => ms / 1000),
  })
    .groupby('operator', 'stage')
    .rollup({ seconds: op.sum('seconds') })
    .objects() as OperatorTotal[]
}

/** Names of all operators, in the order in which they first appear. */
export function operatorsIn(chunks: readonly ChunkLogLine[]): string[] {
  return [...new Set(chunks.flatMap((chunk) => Object.keys(chunk.operators_ms ?? {})))]
}

/** Seconds in the operators of these stages; null where no chunk says. */
export function stageSeconds(
  chunks: readonly ChunkLogLine[],
  belongs: (stage: Stage) => boolean,
): number | null {
  let ms = 0
  let known = false
  for (const { operators_ms } of chunks) {
    for (const [operator, time] of Object.entries(operators_ms ?? {})) {
      if (!belongs(stageOf(operator))) continue
      ms += time
      known = true
    }
  }
  return known ? ms / 1000 : null
}
