import fc from 'fast-check'
import stringWidth from 'fast-string-width'
import { describe, expect, test } from 'vitest'
import { buildReportModel } from '../../../../harness/report/model.ts'
import { cut, terminalText } from '../../../../harness/report/render/terminal.ts'
import { textPlotLines } from '../../../../harness/report/render/text-plot.ts'
import type { Report, TextPlot } from '../../../../harness/report/section.ts'
import { runReport } from '../../../../harness/report/sections/run.ts'
import { hostileRun } from '../hostile.ts'
import { ordinaryModel, ordinaryReport } from '../ordinary.ts'
import { textOf } from '../rendered.ts'
import { syntheticRun } from '../synthetic.ts'

const reportOf = (run: Omit<ReturnType<typeof syntheticRun>, 'notes'>) =>
  runReport(buildReportModel(run.manifest, run.trials))

const small = (sections: Report['sections']): Report => ({
  kind: 'run',
  title: 'small',
  subtitle: '',
  answer: { text: 'all ok', tone: 'good' },
  sections,
  tables: [],
  checks: [],
  data: {},
  footer: '',
  file: 'report',
  source: null,
  elapsed_s: null,
})

test.each([80, 100, 120, 140])('fits a terminal of %i columns', (width) => {
  const text = textOf(ordinaryReport, width)
  for (const line of text.split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(width)
})

test('a wide terminal shows every column, a narrow one keeps what decides', () => {
  const wide = textOf(ordinaryReport, 140)
  const narrow = textOf(ordinaryReport, 72)
  expect(wide).toMatch(/p50 ms +p95 ms +rows\/s +peak MB +R² +used cores +outcome/)
  expect(narrow).toMatch(/us\/row.* R² +outcome/)
  expect(narrow).not.toContain('rows/s')
})

test('says what was lost and what differs', () => {
  const text = textOf(ordinaryReport, 120)
  expect(text).toContain('1 out of memory')
  expect(text).toContain('48 of 96 comparisons')
  expect(text).toContain('! Not every trial was ok')
})

test('columns line up: every row ends its numbers at the same place', () => {
  const columns = [
    { head: 'name', type: 'text' as const, cells: ['a', '日本', '❤️', '🇩🇪', 'é'].map((text) => ({ text })) },
    { head: 'x', type: 'number' as const, cells: [1, 1000, 2, 3, 4].map((n) => ({ text: String(n) })) },
  ]
  const report = small([{ id: 'a', title: '', blocks: [{ kind: 'table', table: { columns } }] }])
  const lines = textOf(report, 80).split('\n').slice(-6)
  expect(lines.map((line) => stringWidth(line))).toEqual(Array(6).fill(10))
  expect(lines[3]).toBe('❤️       2')
  expect(lines[4]).toBe('🇩🇪       3')
})

test('cuts lists and tables short only where a file has the rest', () => {
  const items = Array.from({ length: 12 }, (_, i) => ({ text: `item ${i}` }))
  const notices = [
    { level: 'problem' as const, text: 'wrong' },
    { level: 'note' as const, text: 'by the way' },
  ]
  const report = small([
    { id: 'a', title: '', blocks: [{ kind: 'list', items, file: 'all.md' }] },
    { id: 'b', title: '', blocks: [{ kind: 'notices', notices, file: 'all.md' }] },
  ])
  const there = textOf(report)
  expect(there).toContain('item 7')
  expect(there).not.toContain('item 8')
  expect(there).toContain('4 more lines in all.md')
  expect(there).toContain('! wrong\n1 more note in all.md')
  const missing = terminalText(report, { colour: false, width: 80, hasFile: () => false })
  expect(missing).toContain('item 11')
  expect(missing).toContain('- by the way')
  expect(missing).not.toContain('all.md')
})

test('colour only when asked for, and nothing that steers a terminal ever', () => {
  const start = String.fromCharCode(27)
  expect(textOf(ordinaryReport, 100)).not.toContain(start)
  expect(textOf(ordinaryReport, 100, true)).toContain(`${start}[1m`)
  const hostile = textOf(reportOf(hostileRun()), 100)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of these may be there.
  expect(hostile).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
})

test('runs without trials, without accuracy, without axes', () => {
  const lone = { chunk_size: [64], batch_size: [8], max_memory_mb: [64], max_compute_units: [0.5], runs: 2 }
  for (const run of [
    { manifest: syntheticRun().manifest, trials: [] },
    syntheticRun({ ...lone, accuracy: null }),
  ]) {
    const text = textOf(reportOf(run), 80)
    expect(text).not.toMatch(/NaN|undefined|null/)
  }
})

test('a long grid shows what is recommended and its front first, and counts the rest', () => {
  const run = syntheticRun({ max_compute_units: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 1], runs: 2 })
  const lines = textOf(reportOf(run)).split('\n')
  const front = lines.findIndex((line) => line.startsWith('>*  '))
  expect(front).toBe(lines.findIndex((line) => line.includes('outcome')) + 1)
  expect(lines.some((line) => /^56 more rows in benchmarks\/constraint_experiment\.csv/.test(line))).toBe(
    true,
  )
})

const WIDE = ['漢', '字', 'か', 'é', '🦀', '👩‍💻']
const written = (characters: string[], most: number) =>
  fc.array(fc.constantFrom(...characters), { minLength: 1, maxLength: most }).map((all) => all.join(''))

describe('a plot of the front in characters', () => {
  const plotIn = (text: string) => {
    const lines = text.split('\n')
    const end = lines.findIndex((line) => /└[─┬]+$/.test(line))
    const first = lines.findLastIndex((line, i) => i < end && !/[│┤]/.test(line))
    return end < 0 ? [] : lines.slice(first, end + 3)
  }
  const draw = (report: Report, width: number, height?: number) =>
    plotIn(terminalText(report, { colour: false, width, ...(height !== undefined && { height }) }))

  test('marks what is recommended and the front, between the ends of both axes', () => {
    const lines = draw(ordinaryReport, 100, 40)
    const { recommendation, scenarios, latency } = ordinaryModel
    const marked = scenarios.find(({ id }) => id === recommendation!.choice!.scenario)!
    expect(marked.metrics[latency]).not.toBeNull()
    expect(lines[0]).toBe('R²')
    expect(lines.at(-1)).toMatch(/^ +Latency per row \(us\)/)
    const cells = lines.slice(1, -3).map((line) => line.replace(/^.*?[│┤]/, ''))
    expect(cells).toHaveLength(12)
    expect(cells.join('').match(/>/g)).toHaveLength(1)
    expect(cells.join('')).toContain('*')
    expect(cells.join('')).toContain('·')
    // The most accurate is in no lower row than the others.
    const best = Math.max(...scenarios.flatMap(({ metrics }) => metrics['r2']?.value ?? []))
    const top = cells.findIndex((row) => /[>*·]/.test(row))
    if (marked.metrics['r2']!.value === best) expect(cells[top]).toContain('>')
  })

  test('is there only where the size of the terminal is known and large enough', () => {
    expect(draw(ordinaryReport, 100)).toEqual([])
    expect(draw(ordinaryReport, 100, 23)).toEqual([])
    expect(draw(ordinaryReport, 39, 40)).toEqual([])
    expect(draw(ordinaryReport, 40, 24)).not.toEqual([])
  })

  test('is never wider than the terminal, whatever its axes are called and its values are', () => {
    const title = written(['a', ' ', ...WIDE], 80)
    const value = fc.double({ min: 1e-6, max: 1e9, noNaN: true })
    const axis = fc.record({ title, isLog: fc.boolean(), low: value, span: value })
    const points = fc.array(fc.tuple(value, value, fc.constantFrom('other', 'front', 'recommended')), {
      minLength: 1,
    })
    const property = fc.property(
      axis,
      axis,
      points,
      fc.integer({ min: 40, max: 200 }),
      (x, y, drawn, width) => {
        const of = ({ title, isLog, low, span }: typeof x) => ({
          title,
          isLog,
          domain: [low, low + span] as [number, number],
          ticks: [low, low + span / 3, low + span].map((value) => ({
            value,
            text: value.toLocaleString('en-US'),
          })),
        })
        const text: TextPlot = {
          x: of(x),
          y: of(y),
          points: drawn.map(([x, y, kind]) => ({ x, y, kind })) as TextPlot['points'],
        }
        const lines = textPlotLines(text, { width, height: 40 }, cut)
        expect(lines).toHaveLength(17)
        for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width)
      },
    )
    fc.assert(property, { numRuns: 100 })
  })
})

test('lines are no wider than the terminal with words of any script, of 40 columns or of 200', () => {
  // A longer word of letters, such as a path, stays whole so that it can be copied; scripts without spaces break anywhere.
  const word = fc.oneof(fc.stringMatching(/^[a-zé]{1,36}$/u), written(WIDE, 60))
  const sentence = fc.array(word, { minLength: 1, maxLength: 30 }).map((words) => words.join(' '))
  const property = fc.property(
    sentence,
    fc.array(sentence, { minLength: 3, maxLength: 3 }),
    fc.constantFrom(40, 80, 200),
    (text, cells, width) => {
      const column = (head: string) => ({
        head,
        type: 'text' as const,
        cells: cells.map((cell) => ({ text: cell })),
      })
      const report: Report = {
        ...ordinaryReport,
        title: text,
        answer: { text, tone: 'good' },
        sections: [
          {
            id: 'any',
            title: '',
            blocks: [
              { kind: 'text', text },
              { kind: 'list', items: [{ text }] },
              { kind: 'notices', notices: [{ level: 'problem', text }] },
              { kind: 'table', table: { columns: [column(text), column('b'), column('c')] } },
            ],
          },
        ],
      }
      for (const line of terminalText(report, { colour: false, width }).split('\n'))
        expect(stringWidth(line)).toBeLessThanOrEqual(width)
    },
  )
  fc.assert(property, { numRuns: 60 })
})
