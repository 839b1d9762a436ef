/** Where along the stream the candidate is slower than the baseline: one panel per scenario. */

import { count, wholeNumber } from '../../format.ts'
import type { GateProfile, GateResult } from '../../gate/types.ts'
import type { Plot } from '../section.ts'
import { itemId, labelWords, ratioText, whereText } from '../words.ts'
import { drawnBy } from './drawn-by.ts'
import { linearTicks, logTicks, tickLabel } from './scale.ts'
import { ellipsis, pictureFrame } from './text.ts'
import { FONT_SIZE, INK, REFERENCE } from './theme.ts'

const WIDTH = 820
const HEIGHT = 150
const MOST_PANELS = 6
const BLUE = '#0072b2'
const ALT =
  'Time of the candidate over that of the baseline along the stream, with 95% intervals, a panel per scenario'

export function gateProfilePlot({ profiles, name, candidate, baseline }: GateResult, file: string): Plot {
  const usable = profiles.filter(({ ratio }) => ratio.length > 1)
  if (usable.length === 0) return { file, alt: ALT, skipped: 'no duet played a whole stream' }
  const shown = [...usable].sort((a, b) => furthest(b) - furthest(a)).slice(0, MOST_PANELS)
  const more = usable.length - shown.length
  const which = more > 0 ? ` · the ${shown.length} of ${usable.length} scenarios that change most` : ''
  const subtitle = `${name} · ${candidate} against ${baseline}${which}`
  // One scale: what is noise in one panel must not look like the change in another.
  const reach = Math.max(1.05, ...shown.map((profile) => Math.exp(furthest(profile)))) ** 1.15
  const makeSpec = () => ({
    ...pictureFrame(ALT, 'Time along the stream, candidate over baseline', subtitle, WIDTH),
    spacing: 34,
    vconcat: shown.map((profile, i) => panel(profile, reach, i === shown.length - 1)),
  })
  return drawnBy({ file, alt: ALT }, makeSpec)
}

const furthest = ({ ratio }: GateProfile) => Math.max(...ratio.map((value) => Math.abs(Math.log(value))))

function panel(
  { scenario, label, chunks, ratio, low, high, duets, where }: GateProfile,
  reach: number,
  last: boolean,
) {
  const step = chunks / ratio.length
  const values = ratio.map((value, i) => ({
    about: itemId(scenario, 'latency_mean_ms'),
    at: (i + 0.5) * step,
    value,
    low: low[i] ?? value,
    high: high[i] ?? value,
    shown: ratioText(value, low[i] ?? null, high[i] ?? null),
    chunks: `${wholeNumber(Math.floor(i * step))} to ${wholeNumber(Math.floor((i + 1) * step))}`,
  }))
  const domain: [number, number] = [1 / reach, reach]
  const ticks = reach > 3 ? logTicks(domain) : linearTicks(domain, 5)
  const x = {
    field: 'at',
    type: 'quantitative',
    scale: { domain: [0, chunks], nice: false },
    axis: {
      title: last ? 'Chunk of the stream' : null,
      grid: false,
      values: linearTicks([0, chunks], 6),
      format: ',d',
    },
  }
  const y = {
    field: 'value',
    type: 'quantitative',
    scale: { type: 'log', domain, nice: false, clamp: true },
    axis: { title: 'Candidate / baseline', values: ticks, labelExpr: tickLabel({ type: 'linear', ticks }) },
  }
  const place = whereText(where)
  const panelTitle = `${labelWords(label)}, ${count(duets, 'duet')}${place === '' ? '' : `: ${place}`}`
  return {
    title: {
      text: ellipsis(panelTitle, FONT_SIZE.axisTitle, WIDTH),
      fontSize: FONT_SIZE.axisTitle,
      fontWeight: 400,
      color: INK,
      offset: 8,
    },
    width: WIDTH,
    height: HEIGHT,
    layer: [
      {
        data: { values: [{ value: 1 }] },
        mark: { type: 'rule', color: REFERENCE, strokeDash: [4, 4] },
        encoding: { y },
      },
      {
        data: { values },
        mark: { type: 'rule', strokeWidth: 1.6, opacity: 0.6, color: BLUE, clip: true },
        encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' } },
      },
      {
        data: { values },
        mark: { type: 'point', filled: true, size: 50, opacity: 1, color: BLUE },
        encoding: {
          x,
          y,
          tooltip: [
            { field: 'chunks', title: 'Chunks' },
            { field: 'shown', title: 'Ratio' },
          ],
        },
      },
    ],
  }
}
