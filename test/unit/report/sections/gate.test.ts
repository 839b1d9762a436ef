import { describe, expect, it } from 'vitest'
import type { GateResult, GateRow } from '../../../../harness/gate/types.ts'
import { annotationLines } from '../../../../harness/report/render/annotations.ts'
import { csvText } from '../../../../harness/report/render/csv.ts'
import { htmlText } from '../../../../harness/report/render/html.ts'
import { junitText } from '../../../../harness/report/render/junit.ts'
import { gateReport } from '../../../../harness/report/sections/gate.ts'
import { markdownOf, reportIn, scriptsIn, textOf } from '../rendered.ts'

const reportOf = (result: GateResult) => gateReport(result, '/repo/s.yaml')
const gateText = (result: GateResult, width = 1000) => textOf(reportOf(result), width)
const gateMarkdown = (result: GateResult) => markdownOf(reportOf(result))
const gateJunit = (result: GateResult) => junitText(reportOf(result))
const gateAnnotations = (result: GateResult, file = '/repo/s.yaml') =>
  annotationLines(gateReport(result, file), '/repo')

const row: GateRow = {
  scenario: 's1',
  label: 'chunk_size=64',
  metric: 'latency_mean_ms',
  unit: 'ms',
  direction: 'lower_is_better',
  verdict: 'regression',
  margin: 0.02,
  ratio: { value: 1.098, low: 1.061, high: 1.13 },
  baseline: 1,
  candidate: 1.098,
  n: 18,
  source: 'duets',
  note: null,
  outlook: null,
}

const result = (verdict: GateResult['verdict'], rows: GateRow[]): GateResult => ({
  verdict,
  name: 'small',
  baseline: 'main (1a2b3c4)',
  candidate: 'the working copy',
  rows,
  coverage: [],
  profiles: [],
  functions: null,
  operators: null,
  untested: [],
  notes: [],
  alpha: 0.01,
  tests: 3,
  duets: 18,
  cores: [1],
  trials: 4,
  elapsed_s: 41.2,
  ended: 'decided',
})

const undecided: GateRow = {
  ...row,
  verdict: 'undecided',
  ratio: { value: 1.01, low: 0.9, high: 1.1 },
  outlook: { findable: 0.084, moreSeconds: 130, atLeast: false },
}

describe('a gate that found a regression', () => {
  const found = result('regression', [row])
  const sentence =
    'mean chunk latency of chunk 64: +9.8% [+6.1, +13] (1.00 ms → 1.10 ms), over 18 duets, margin 2%'

  it('says on a terminal which scenario and metric, by how much, and from what', () => {
    const text = gateText(found, 120)
    expect(text).toContain('REGRESSION: the working copy against main (1a2b3c4): mean chunk latency worse')
    expect(text).toContain(sentence)
    expect(text).toContain('18 duets on core 1 and 4 trials in 41 s, decided')
  })

  it('says the same in Markdown, with what users named escaped', () => {
    const markdown = gateMarkdown({ ...found, name: '<b>|x' })
    expect(markdown).toContain('### &lt;b&gt;\\|x\n\n❌ REGRESSION: ')
    expect(markdown).toContain(
      '| chunk 64 | mean chunk latency | 1.00 ms | 1.10 ms | +9.8% \\[+6.1, +13\\] | 2% | 18 duets | REGRESSION |',
    )
  })

  it('is an error beside the sweep on GitHub, on one line', () => {
    const [line, ...rest] = gateAnnotations(
      { ...found, rows: [{ ...row, label: 'a\nb' }] },
      '/repo/a,b:c.yaml',
    )
    expect(rest).toEqual([])
    expect(line).toMatch(
      /^::error file=a%2Cb%3Ac\.yaml,title=stint gate%3A small::mean chunk latency of a b: \+9\.8%25 /,
    )
  })

  it('names scenarios in words for people, and by their labels for programs', () => {
    const label = 'chunk_size=64 max_compute_units=1 params.learner=ridge max_memory_mb=none'
    const report = reportOf({
      ...found,
      rows: [{ ...row, label }],
      notes: [`${label}: the output alpha is new`],
    })
    const text = textOf(report, 1000)
    const words = 'chunk 64, 1 core, learner ridge, no memory cap'
    expect(text).toContain(`mean chunk latency of ${words}: +9.8%`)
    expect(text).toContain(`- ${words}: the output alpha is new`)
    expect(text).not.toContain('chunk_size=')
    expect(junitText(report)).toContain(`classname="${label}"`)
    expect(csvText(report.tables[0]!)).toContain(`,${label},`)
    expect(report.data['rows']).toMatchObject([{ label }])
  })

  it('is a failure in JUnit XML', () => {
    const xml = gateJunit({ ...found, rows: [{ ...row, label: 'a"<&' }] })
    expect(xml).toContain('tests="1" failures="1" errors="0" skipped="0"')
    expect(xml).toContain('<testcase classname="a&quot;&lt;&amp;" name="mean chunk latency">')
    expect(xml).toContain('<failure type="regression" message="mean chunk latency of a&quot;&lt;&amp;: +9.8%')
  })
})

it('leaves open in JUnit XML, rather than wrong, what a regression kept it from', () => {
  const xml = gateJunit(result('regression', [row, { ...undecided, metric: 'cpu_s' }]))
  expect(xml).toContain('tests="2" failures="1" errors="0" skipped="1"')
  expect(xml).toContain('left open')
})

describe('a gate that is undecided', () => {
  const open = result('undecided', [undecided])

  it('says what it would have found and how much longer it takes', () => {
    expect(gateText(open)).toContain(
      'Mean chunk latency of chunk 64 is undecided: a change for the worse of 8.4% or more would have been found in four of five cases; about 3 min more would decide it.',
    )
  })

  it('is not called decided, though every test is', () => {
    const doubted = { ...undecided, outlook: null, note: 'whole trials contradict the duets' }
    expect(gateText(result('undecided', [doubted]))).toContain(
      '18 duets on core 1 and 4 trials in 41 s, all was',
    )
    expect(gateText(result('regression', [row]))).toContain('in 41 s, decided.')
  })

  it('is a warning on GitHub and an error, not a pass, in JUnit', () => {
    expect(gateAnnotations(open)).toEqual([expect.stringMatching(/^::warning file=s\.yaml,/)])
    expect(gateJunit(open)).toContain('failures="0" errors="1"')
  })

  it('says in one sentence what is to be said of several metrics, and how much time all scenarios need', () => {
    const cpu = { ...undecided, metric: 'cpu_s' }
    const other = { ...undecided, scenario: 's2', label: 'chunk_size=256' }
    const text = gateText(result('undecided', [undecided, cpu, other]))
    expect(text).toContain('Mean chunk latency and CPU time of chunk 64 are undecided: a change')
    expect(text.match(/is undecided|are undecided/g)).toHaveLength(2)
    // 41 s and a fifth more than twice 130 s.
    expect(text).toContain('Try --time-limit 6m for 2 scenarios,')
  })

  it('says which scenarios were not reached, and what time all of them would take', () => {
    const never = (scenario: string): GateRow => ({
      ...row,
      ...{ scenario, label: `label ${scenario}`, metric: 'outcome', unit: '', verdict: 'undecided' },
      ...{ ratio: null, baseline: null, candidate: null, margin: null, n: 0, source: 'exact' },
      ...{ ends: { baseline: 'not played', candidate: 'not played' }, cut: 'before' },
      note: 'the time was up before its first trial',
    })
    const text = gateText(result('undecided', [undecided, never('s2'), never('s3')]))
    expect(text).toContain('2 of 3 scenarios were not reached before the time was up.')
    expect(text).toContain('Try --time-limit 10m for 3 scenarios, fewer scenarios')
    expect(text).toMatch(/label s3 +outcome +not played/)
  })

  it('says why a row with a note is open, and names a regression beyond what was accepted', () => {
    const note = 'only the first 4 chunks of 47 were compared'
    const text = gateText(result('undecided', [{ ...undecided, outlook: null, note }]))
    expect(text).toContain(`Mean chunk latency of chunk 64 is undecided: ${note}.`)
    const worse = gateText(result('regression', [{ ...row, note: 'accepted until 2026-12-31: checks more' }]))
    expect(worse).toContain('mean chunk latency worse by more than the margin')
  })

  it('names the largest change for the worse in its first line, and where', () => {
    const other: GateRow = {
      ...row,
      ...{ scenario: 's2', label: 'chunk_size=256', ratio: { value: 1.3, low: 1.2, high: 1.41 } },
    }
    const first = (rows: GateRow[]) => reportOf(result('regression', rows)).answer.text
    expect(first([row])).toMatch(/worse by more than the margin, \+9\.8% \[\+6\.1, \+13\]$/)
    expect(first([row, other])).toMatch(/the margin, the largest \+30% \[\+20, \+41\] in chunk 256$/)
    expect(first([row, { ...other, verdict: 'ruled_out' }])).toMatch(
      /the margin, \+9\.8% \[\+6\.1, \+13\] in chunk 64$/,
    )
  })

  it('names what was not measured', () => {
    const missing: GateRow = {
      ...row,
      verdict: 'not_measured',
      ratio: null,
      note: 'the duet failed: no data',
    }
    expect(gateText(result('undecided', [missing]))).toContain('is undecided: the duet failed: no data.')
  })
})

it('shows what was let pass for a reason, once for all scenarios of which the same is to be said', () => {
  const ok: GateRow = { ...row, verdict: 'ruled_out' }
  const accepted = {
    ...ok,
    metric: 'cpu_s',
    margin: 0.12,
    note: 'accepted until 2026-12-31: validates every row',
  }
  const other = { scenario: 's2', label: 'chunk_size=256' }
  expect(gateText(result('ruled_out', [ok, accepted]))).toContain(
    '- CPU time of chunk 64: +9.8% [+6.1, +13] (1.00 ms → 1.10 ms), over 18 duets, margin 12%; accepted until 2026-12-31: validates every row.',
  )
  const both = gateMarkdown(result('ruled_out', [accepted, { ...accepted, ...other }]))
  expect(both).toContain(
    '- CPU time of 2 scenarios: margin 12%; accepted until 2026-12-31: validates every row.',
  )
  const amount = {
    ...ok,
    ratio: null,
    difference: { value: 1, low: 0, high: 2 },
    note: 'an amount and no ratio',
  }
  expect(gateMarkdown(result('ruled_out', [ok, amount]))).not.toContain('an amount')
})

it('has no heading in Markdown over a section with nothing in it', () => {
  expect(gateMarkdown(result('ruled_out', [row]))).not.toContain('Along the stream')
})

it('is a notice on GitHub where a regression is ruled out', () => {
  const passed = result('ruled_out', [{ ...row, verdict: 'ruled_out' }])
  expect(gateAnnotations(passed)).toEqual([
    '::notice file=s.yaml,title=stint gate%3A small::ok: the working copy against main (1a2b3c4), a regression beyond the margin is ruled out',
  ])
})

describe('what is unusual', () => {
  const outcome: GateRow = {
    ...row,
    metric: 'outcome',
    unit: '',
    direction: 'neutral',
    margin: null,
    ratio: null,
    baseline: null,
    candidate: null,
    source: 'exact',
    ends: { baseline: 'ok', candidate: 'out of memory' },
    note: 'was ok; is out of memory',
  }

  it('is said of a scenario that no longer runs, and how each version ended', () => {
    const text = gateText(result('regression', [outcome, row]))
    expect(text).toContain(
      'a scenario that was ok no longer is; mean chunk latency worse by more than the margin',
    )
    expect(text).toMatch(/outcome +ok +out of memory/)
    expect(gateMarkdown(result('regression', [outcome]))).toContain('| outcome | ok | out of memory |')
  })

  it('is said where no scenario ran in both versions: why there is no answer', () => {
    const only: GateRow = {
      ...outcome,
      verdict: 'ruled_out',
      ends: { baseline: 'failed', candidate: 'ok' },
      note: 'was failed: no model; is ok',
    }
    const open = result('undecided', [only])
    expect(gateText(open)).toContain('nothing could be compared, since no scenario ran in both')
    expect(gateText(open)).toContain('Outcome of chunk 64: was failed: no model; is ok.')
    expect(gateAnnotations(open)).toEqual([expect.stringContaining('no model')])
  })

  it('is no row of digits: a value before the first look, an end that is unknown, a margin in MB', () => {
    const cells = (changes: Partial<GateRow>) =>
      gateMarkdown(result('regression', [{ ...row, ...changes }])).split('\n')[6]
    expect(cells({ ratio: { value: 0.989, low: 3.92e-18, high: 1.32 } })).toContain('−1.1% \\[?, +32\\]')
    expect(cells({ ratio: { value: 1.2, low: null, high: null } })).toContain('| +20% |')
    expect(cells({ ratio: null, baseline: -0.3528563491952397, candidate: 0.35891776067179954 })).toContain(
      '| -0.352856 → 0.358918 |',
    )
    const tiny = { value: 1.0001, low: 1.0001, high: 1.0001 }
    expect(cells({ source: 'exact', ratio: tiny, baseline: 10000, candidate: 10001 })).toContain(
      '| 10000 → 10001 |',
    )
    expect(cells({ metric: 'peak_memory_mb', unit: 'MB', margin: 0.46, marginAmount: 1 })).toContain(
      '| 1 MB |',
    )
  })

  it('is foreseen with care where little was measured, and the limit that would do is named', () => {
    const outlook = { findable: null, moreSeconds: 12, atLeast: true }
    const text = gateText(result('undecided', [{ ...undecided, outlook }]))
    expect(text).toContain(
      'too little was measured to say what could have been found; at least 12 s more are needed.',
    )
    expect(text).toContain('Try --time-limit 1m,')
    const hopeless = { ...undecided, outlook: { findable: 0.1, moreSeconds: null, atLeast: false } }
    expect(gateText(result('undecided', [hopeless]))).not.toContain('--time-limit')
  })
})

it('has the rows that matter first where a page has no room for all', () => {
  const verdicts = ['ruled_out', 'undecided', 'not_measured', 'regression', 'ruled_out'] as const
  const { sections } = reportOf(
    result(
      'regression',
      verdicts.map((verdict) => ({ ...row, verdict })),
    ),
  )
  const [block] = sections[0]!.blocks
  expect(block!.kind === 'table' && block!.table.first).toEqual([3, 1])
})

it('is an HTML page that loads nothing, with its rows to sort and to choose from', async () => {
  const html = await htmlText(
    reportOf(result('regression', [{ ...row, label: '<script>alert(1)</script>' }])),
  )
  expect(html).toContain('<h1>small</h1>')
  expect(html).toContain('class="answer bad">REGRESSION: the working copy against main')
  const { page } = reportIn(html)
  expect(page.sections[0].blocks[0].table.columns[4].cells[0].value).toBe(1.098)
  expect(page.explore.items).toHaveLength(1)
  expect(html).toContain('&lt;script&gt;alert(1)')
  expect(html).not.toContain('<script>alert')
  // Nothing is drawn, so that the code that draws is left out.
  expect(scriptsIn(html)).toHaveLength(1)
  expect(html.match(/script-src[^;]*/)![0]).not.toContain('unsafe-eval')
})

it('is a failure in JUnit, and no pass, where a regression was only seen in a repeated row', () => {
  const repeated: GateRow = { ...row, metric: 'throughput_rows_s', note: 'as latency', repeats: true }
  const found = result('regression', [row, repeated])
  expect(gateJunit(found)).toContain('failures="2"')
  expect(gateAnnotations(found)).toHaveLength(1)
})
