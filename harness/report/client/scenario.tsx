/** One scenario, trial by trial, and beside another: what the run measured and tested, looked up. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { type ComparisonRow, membersOf } from '../../analyse/comparison.ts'
import {
  count,
  formatDuration,
  formatMetric,
  formatNumber,
  formatShare,
  plain,
  wholeNumber,
} from '../../format.ts'
import type { Cell, Column, ScenarioDetail, Timeline, TrialDetail } from '../section.ts'
import { adjustedPText, capitalised, outcomeName, scalarText, settingName, sizeText } from '../words.ts'
import { copy } from './files.ts'
import type { Model, PageScenario } from './model.ts'
import { type Choice, type Store, useShown } from './state.ts'

interface Props {
  model: Model
  store: Store
}

export function ScenarioPanel({ model, store }: Props) {
  const { choice } = useShown(store)
  const heading = useRef<HTMLHeadingElement>(null)
  const back = useRef<Opener | null>(null)
  const { open } = choice
  // Not after the next paint: a quick reader has closed the panel again by then, and the focus would go with it.
  useLayoutEffect(() => {
    if (open !== null) {
      back.current ??= openerOf(document.activeElement)
      heading.current?.focus({ preventScroll: true })
      return
    }
    giveBack(back.current)
    back.current = null
  }, [open])
  useLayoutEffect(() => {
    const leave = ({ key }: KeyboardEvent) => key === 'Escape' && store.get().choice.open !== null && close()
    addEventListener('keydown', leave)
    return () => removeEventListener('keydown', leave)
  }, [store])
  const close = () => store.set({ open: null, beside: null })
  const item = open === null ? undefined : model.items[open]
  const scenario = item && model.scenarioOf.get(item.id)
  if (open === null || item === undefined || scenario === undefined) return null
  const detail = model.detailOf.get(item.id)
  const beside = choice.beside === null ? undefined : model.scenarioOf.get(model.items[choice.beside]!.id)
  return (
    <aside class="panel" aria-labelledby="panel-title">
      <header>
        <p class="kind">Scenario {wholeNumber(open + 1)}</p>
        <h2 id="panel-title" ref={heading} tabIndex={-1}>
          {item.label}
        </h2>
        <div class="step">
          <button type="button" disabled={open === 0} onClick={() => store.set({ open: open - 1 })}>
            <span aria-hidden="true">‹</span>
            <span class="unseen">Previous scenario</span>
          </button>
          <button
            type="button"
            disabled={open === model.items.length - 1}
            onClick={() => store.set({ open: open + 1 })}
          >
            <span aria-hidden="true">›</span>
            <span class="unseen">Next scenario</span>
          </button>
          <button type="button" onClick={close}>
            <span aria-hidden="true">×</span>
            <span class="unseen">Close</span>
          </button>
        </div>
      </header>
      <div class="body">
        <Compared model={model} store={store} choice={choice} scenario={scenario} beside={beside} />
        <Caps scenario={scenario} />
        {scenario.failures.length > 0 && <Failures scenario={scenario} />}
        {detail !== undefined && <Trials model={model} detail={detail} />}
        {detail?.timeline != null && <TimelineChart timeline={detail.timeline} />}
        <Settings scenario={scenario} />
        {detail?.command != null && <Command text={detail.command} />}
      </div>
    </aside>
  )
}

/** What had the focus when the panel opened, and what it stands in: a filter may take a table's row away meanwhile. */
interface Opener {
  element: HTMLElement
  home: HTMLElement | null
}

function openerOf(element: Element | null): Opener | null {
  if (!(element instanceof HTMLElement)) return null
  return { element, home: element.parentElement?.closest<HTMLElement>('[tabindex]') ?? null }
}

/** Where the reader has put the focus elsewhere, it stays. */
function giveBack(opener: Opener | null): void {
  if (opener === null || document.activeElement !== document.body) return
  const to = opener.element.isConnected ? opener.element : opener.home
  to?.focus({ preventScroll: true })
}

// ---------------------------------------------------------------- metrics, alone or beside another scenario's

interface ComparedProps extends Props {
  choice: Choice
  scenario: PageScenario
  beside: PageScenario | undefined
}

function Compared({ model, store, choice, scenario, beside }: ComparedProps) {
  const rows =
    beside === undefined ? [] : model.comparisons.filter((row) => isOf(row, scenario.id, beside.id))
  const tested = new Map(rows.map((row) => [row.metric, row]))
  // What was tested says more than the rest.
  const known = model.metrics
    .filter(({ name }) => scenario.metrics[name] ?? beside?.metrics[name])
    .sort((a, b) => Number(tested.has(b.name)) - Number(tested.has(a.name)))
  const partners = new Set(
    model.comparisons.flatMap((row) => {
      const [a, b] = [membersOf(row.a), membersOf(row.b)]
      return a.includes(scenario.id) ? b : b.includes(scenario.id) ? a : []
    }),
  )
  return (
    <section class="part">
      <h3>Metrics</h3>
      <label class="field">
        <span>Compare with</span>
        <select
          value={choice.beside === null ? '' : String(choice.beside)}
          onChange={({ currentTarget: { value } }) =>
            store.set({ beside: value === '' ? null : Number(value) })
          }
        >
          <option value="">no other scenario</option>
          <optgroup label="Tested against this one">{options(model, ({ id }) => partners.has(id))}</optgroup>
          <optgroup label="Others, without a test">
            {options(model, ({ id }) => !partners.has(id) && id !== scenario.id)}
          </optgroup>
        </select>
      </label>
      {beside !== undefined && rows.length === 0 && (
        <p class="note">The run did not test this pair, so the means stand side by side without a verdict.</p>
      )}
      <Scrolling label="Metrics">
        <table>
          <thead>
            <tr>
              <th scope="col">Metric</th>
              {rows.length > 0 && <th scope="col">This against the other</th>}
              <th scope="col" class="n">
                {beside === undefined ? 'Mean' : 'This'}
              </th>
              {beside !== undefined && (
                <th scope="col" class="n">
                  Other
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {known.map(({ name, title }) => {
              const row = tested.get(name)
              return (
                <tr key={name}>
                  <th scope="row">{title}</th>
                  {rows.length > 0 && (
                    <td class="verdict">{row === undefined ? '' : verdictText(row, scenario.id)}</td>
                  )}
                  <td class="n">{estimateText(scenario.metrics[name])}</td>
                  {beside !== undefined && <td class="n">{estimateText(beside.metrics[name])}</td>}
                </tr>
              )
            })}
          </tbody>
        </table>
      </Scrolling>
    </section>
  )
}

function options(model: Model, wanted: (item: Model['items'][number]) => boolean) {
  return model.items.flatMap((item, index) =>
    wanted(item)
      ? [
          <option key={item.id} value={index}>
            {item.label}
          </option>,
        ]
      : [],
  )
}

function isOf(row: ComparisonRow, one: string, other: string): boolean {
  const [a, b] = [membersOf(row.a), membersOf(row.b)]
  return (a.includes(one) && b.includes(other)) || (a.includes(other) && b.includes(one))
}

/** As the run tested it; where this scenario was the reference, the words say so. */
function verdictText(row: ComparisonRow, id: string): string {
  const isReference = membersOf(row.a).includes(id)
  const p = adjustedPText(row)
  const words = `${row.verdict.replace('_', ' ')}, ${sizeText(row)}${p === '—' ? '' : p === 'exact' ? ', exact' : `, p ${p}`}`
  return isReference ? `the other is ${words}` : words
}

function estimateText(estimate: PageScenario['metrics'][string] | undefined): string {
  if (!estimate) return '—'
  const { value, low, high } = estimate
  const half = low === null || high === null || low === high ? '' : ` ± ${formatNumber((high - low) / 2)}`
  return formatNumber(value) + half
}

// ---------------------------------------------------------------- caps and how trials ended

function Caps({ scenario: { compute, memory } }: { scenario: PageScenario }) {
  const none = <span class="quiet">none</span>
  const rows: [string, preact.ComponentChildren[]][] = [
    ['Asked', [cores(compute.asked) ?? none, megabytes(memory.asked_mb) ?? none]],
    ['In force', [cores(compute.in_force) ?? none, megabytes(memory.in_force_mb) ?? none]],
    [
      'Achieved',
      [
        compute.achieved === null ? unknown : `${formatNumber(compute.achieved.value)} cores, mean`,
        memory.peak === null ? unknown : `${formatNumber(memory.peak.value)} MB, mean of peaks`,
      ],
    ],
    ['Most of a trial', [cores(compute.achieved_max) ?? unknown, megabytes(memory.peak_max_mb) ?? unknown]],
    ['Held by', [compute.mechanisms.join(', ') || '—', memory.mechanisms.join(', ') || '—']],
    ['Enforced', [enforcedText(compute.enforced), enforcedText(memory.enforced)]],
  ]
  return (
    <section class="part">
      <h3>Caps</h3>
      <Scrolling label="Caps">
        <table>
          <thead>
            <tr>
              <td />
              <th scope="col">Compute</th>
              <th scope="col">Memory</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([head, [first, second]]) => (
              <tr key={head}>
                <th scope="row">{head}</th>
                <td>{first}</td>
                <td>{second}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolling>
      {[...compute.notes, ...memory.notes].map((note) => (
        <p key={note} class="note">
          {note}
        </p>
      ))}
    </section>
  )
}

function Scrolling({ label, children }: { label: string; children: preact.ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section class="table" aria-label={label} tabIndex={0}>
      {children}
    </section>
  )
}

const unknown = <span class="quiet">not known</span>

function cores(value: number | null): string | null {
  return value === null ? null : `${formatNumber(value)} ${value === 1 ? 'core' : 'cores'}`
}

function megabytes(value: number | null): string | null {
  return value === null ? null : `${formatNumber(value)} MB`
}

function enforcedText(enforced: boolean | null): string {
  return enforced === null ? '—' : enforced ? 'yes' : 'no'
}

function Failures({ scenario: { failures } }: { scenario: PageScenario }) {
  return (
    <section class="part">
      <h3>What went wrong</h3>
      <ul>
        {failures.map(({ outcome, reason, count: n, first_trial }) => (
          <li key={first_trial} class="bad">
            <strong>
              {count(n, 'trial')} {outcomeName(outcome)}
            </strong>
            : {reason} <span class="quiet">(first: {first_trial})</span>
          </li>
        ))}
      </ul>
    </section>
  )
}

// ---------------------------------------------------------------- its trials

/** Shown of each trial, where they were measured. */
const SHOWN = ['latency_mean_ms', 'latency_p99_ms', 'throughput_rows_s', 'peak_memory_mb']

function Trials({ model, detail: { trials } }: { model: Model; detail: ScenarioDetail }) {
  const metrics = model.metrics.filter(({ name }) => SHOWN.includes(name))
  if (trials.length === 0)
    return (
      <section class="part">
        <h3>Trials</h3>
        <p>None has run.</p>
      </section>
    )
  return (
    <section class="part">
      <h3>Trials</h3>
      <Scrolling label="Trials">
        <table>
          <thead>
            <tr>
              <th scope="col" class="n">
                Round
              </th>
              <th scope="col">Outcome</th>
              {metrics.map(({ name, title }) => (
                <th key={name} scope="col" class="n">
                  {title}
                </th>
              ))}
              <th scope="col" class="n">
                Cores
              </th>
              <th scope="col" class="n">
                Took
              </th>
              <th scope="col">Noise</th>
            </tr>
          </thead>
          <tbody>
            {trials.map((trial) => (
              <tr key={trial.trial}>
                <td class="n">{trial.round + 1}</td>
                <td class={trial.outcome === 'ok' ? '' : 'bad'} title={trial.error?.message}>
                  {outcomeName(trial.outcome)}
                </td>
                {metrics.map(({ name }) => (
                  <td key={name} class="n">
                    {formatMetric(trial.metrics[name] ?? null, '')}
                  </td>
                ))}
                <td class="n">{formatMetric(trial.compute.achieved, '')}</td>
                <td class="n">{formatDuration(trial.duration_ms / 1000)}</td>
                <td class="keep">{noiseText(trial)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolling>
      {trials.flatMap(({ trial, notes }) =>
        notes.map((note) => (
          <p key={trial + note} class="note">
            {trial}: {note}
          </p>
        )),
      )}
    </section>
  )
}

const DISTURBED: Record<string, string> = {
  steal: 'the hypervisor',
  others: 'other processes',
  waiting: 'waiting for a core',
  pressure: 'CPU pressure',
  frequency: 'a change of frequency',
}

function noiseText({ noise }: TrialDetail): preact.ComponentChildren {
  const { disturbed, run_queue_wait_share, others_cores } = noise
  const parts = [
    ...(run_queue_wait_share === null ? [] : [`waited ${formatShare(run_queue_wait_share, 1)}`]),
    ...(others_cores === null ? [] : [`others used ${formatNumber(others_cores, 2)}`]),
  ]
  if (disturbed !== null && disturbed.length > 0)
    return <span class="bad">disturbed by {disturbed.map((sign) => DISTURBED[sign] ?? sign).join(', ')}</span>
  if (parts.length === 0) return <span class="quiet">not known</span>
  return <span class="quiet">{parts.join(', ')}</span>
}

// ---------------------------------------------------------------- one trial over its chunks

const [WIDTH, HEIGHT, LEFT] = [560, 96, 46]

function TimelineChart({ timeline }: { timeline: Timeline }) {
  const { trial, chunks, chunks_per_value, latency_ms, latency_max_ms, memory_mb } = timeline
  const each = chunks_per_value === 1 ? '' : `, ${wholeNumber(chunks_per_value)} to a point`
  return (
    <section class="part">
      <h3>Along the stream</h3>
      <p class="note">
        {count(chunks, 'chunk')} of trial {trial}
        {each}. Numbers of every chunk: chunks/{trial}.jsonl.
      </p>
      <Line
        title="Chunk latency (ms)"
        label={`Latency along the stream: mean ${formatNumber(mean(latency_ms))} ms, largest ${formatNumber(most(latency_max_ms))} ms`}
        values={latency_ms}
        // A line of peaks would flatten the other where one chunk took a hundred times as long.
        peaks={latency_max_ms}
      />
      <Line
        title="Heap and external memory (MB)"
        label={`Memory along the stream: from ${formatNumber(memory_mb[0] ?? 0)} MB, largest ${formatNumber(most(memory_mb))} MB`}
        values={memory_mb}
      />
    </section>
  )
}

function Line({
  title,
  label,
  values,
  peaks = values,
}: {
  title: string
  label: string
  values: readonly number[]
  peaks?: readonly number[]
}) {
  const top = most(values) * 1.15 || 1
  const x = (i: number) => LEFT + (i / Math.max(1, values.length - 1)) * (WIDTH - LEFT - 8)
  const y = (value: number) => 6 + (1 - Math.min(1, value / top)) * (HEIGHT - 14)
  const path = values.map((value, i) => `${i === 0 ? 'M' : 'L'}${x(i).toFixed(1)} ${y(value).toFixed(1)}`)
  const beyond = peaks.filter((value) => value > top)
  return (
    <div class="timeline">
      <h4>{title}</h4>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <line class="grid" x1={LEFT} x2={WIDTH - 8} y1={y(top * share)} y2={y(top * share)} />
            <text class="tick" x={LEFT - 8} y={y(top * share) + 4} text-anchor="end">
              {share === 0 ? '0' : formatNumber(top * share, 2)}
            </text>
          </g>
        ))}
        {peaks !== values &&
          peaks.map((value, i) => (
            <line
              key={i}
              class={value > top ? 'peak beyond' : 'peak'}
              x1={x(i)}
              x2={x(i)}
              y1={y(values[i]!)}
              y2={y(value)}
            />
          ))}
        <path class="line" d={path.join('')} />
      </svg>
      {peaks !== values && (
        <p class="note">
          Line: mean; thin bars reach up to the slowest chunk.
          {beyond.length > 0 &&
            ` ${beyond.length} go on beyond the picture, to ${formatNumber(most(beyond))} ms.`}
        </p>
      )}
    </div>
  )
}

function most(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), 0)
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / Math.max(1, values.length)
}

// ---------------------------------------------------------------- how to have it again

function Settings({ scenario: { point } }: { scenario: PageScenario }) {
  return (
    <details>
      <summary>Every setting</summary>
      <dl>
        {Object.entries(point).map(([key, value]) => (
          <div key={key}>
            <dt>{capitalised(settingName(key))}</dt>
            <dd>{scalarText(value)}</dd>
          </div>
        ))}
      </dl>
    </details>
  )
}

function Command({ text }: { text: string }) {
  const [said, setSaid] = useState('')
  return (
    <section class="part">
      <h3>Run it again</h3>
      <pre>
        <code>{plain(text)}</code>
      </pre>
      <button
        type="button"
        class="small"
        onClick={async () => setSaid((await copy(text)) ? 'Copied' : 'Not copied: the browser refused')}
      >
        Copy the command
      </button>
      <span class="said" role="status">
        {said}
      </span>
    </section>
  )
}

/** Every measured metric as a column of the scenarios' table, for those that are not in it already. */
export function metricColumns(model: Model, ids: readonly string[], heads: ReadonlySet<string>): Column[] {
  return model.metrics
    .filter(({ title }) => !heads.has(title))
    .map(({ name, title }) => ({
      head: title,
      type: 'number',
      cells: ids.map((id): Cell => {
        const estimate = model.scenarioOf.get(id)?.metrics[name]
        return estimate
          ? { text: estimateText(estimate), value: estimate.value }
          : { text: '—', value: null, tone: 'quiet' }
      }),
    }))
}
