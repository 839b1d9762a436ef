import { describe, expect, it } from 'vitest'
import { qualitySection } from '../../../../harness/report/pipeline/report-json.ts'
import type { ChunkLogLine } from '../../../../workers/protocol/trial-result.ts'

const chunk = (number: number, drift?: unknown): ChunkLogLine => ({
  chunk: number,
  rows: 50,
  first_row: number * 50,
  latency_ms: 1,
  service_ms: 1,
  cpu_ms: 1,
  heap_mb: 1,
  external_mb: 1,
  ...(drift !== undefined && { detail: { drift } }),
})

describe('the section on quality', () => {
  it('says null where the trial does not tell', () => {
    expect(qualitySection({ rows: 100, imputed: 3 }, [chunk(0)])).toMatchObject({
      rows: 100,
      imputed: 3,
      missing_ratios: null,
      outlier_rate: null,
      per_feature_drift: null,
      temporal_drift: null,
      drift: { chunks_with_alarms: null },
    })
  })

  it('sorts what it tells under the headings', () => {
    const counts = { alarms: 1, first_row: 80, last_row: 80 }
    const info = {
      rows: 100,
      quality: {
        rows: 100,
        duplicate_rows: 2,
        columns: {
          // 100 values with 4 outliers, and 50 with 5.
          x: { kind: 'number', missing_ratio: 0, outlier_ratio: 0.04 },
          y: { kind: 'number', missing_ratio: 0.5, outlier_ratio: 0.1 },
          c: { kind: 'category', missing_ratio: 0.25, distinct: 3 },
        },
      },
      drift: { target: { adwin: counts }, x: { kolmogorov_smirnov: counts } },
    }
    const alarm = [{ row: 80, stream: 'target', detector: 'adwin' }]
    expect(qualitySection(info, [chunk(0), chunk(1, alarm), chunk(2, [])])).toMatchObject({
      duplicate_rows: 2,
      missing_ratios: { x: 0, y: 0.5, c: 0.25 },
      outlier_rate: 9 / 150,
      outlier_ratios: { x: 0.04, y: 0.1 },
      drift: { chunks_with_alarms: [1] },
      per_feature_drift: { x: { kolmogorov_smirnov: counts } },
      temporal_drift: { target: { adwin: counts } },
    })
  })
})
