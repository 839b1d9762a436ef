// The p99 of the event latency, by rate and share of a core: node p99.mjs RUN
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const [, , run] = process.argv
const { sweep } = JSON.parse(readFileSync(join(run, 'run.json'), 'utf8'))
const trials = readFileSync(join(run, 'trials.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))
const shown = (value, unit) => (value == null ? '\u2014' : `${Number(value.toPrecision(3))}${unit}`)

for (const { id, label } of sweep.scenarios) {
  for (const { outcome, metrics = {} } of trials.filter(({ scenario }) => scenario === id)) {
    const { event_latency_p99_ms: p99, goodput, sustained } = metrics
    const carried =
      sustained === 1 ? 'carried' : sustained === 0 ? 'not carried' : 'not known whether carried'
    const said =
      outcome === 'ok'
        ? `p99 ${shown(p99, ' ms')}, in time ${shown(goodput == null ? null : goodput * 100, '%')}, ${carried}`
        : outcome
    console.log(`${label}: ${said}`)
  }
}
