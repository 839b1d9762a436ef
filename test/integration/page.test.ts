/** The pages of reports in a real browser, which loads each from a file as a reader does. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { GateResult, GateRow, HistorySeries } from '../../harness/gate/types.ts'
import { summariseLogs } from '../../harness/report/chunk-logs.ts'
import { compareRuns } from '../../harness/report/compare.ts'
import { recordedSearch } from '../../harness/report/found.ts'
import { buildReportModel } from '../../harness/report/model.ts'
import { scenarioDetails } from '../../harness/report/page.ts'
import { gateProfilePlot } from '../../harness/report/plots/gate-profile.ts'
import { historyPlots } from '../../harness/report/plots/history.ts'
import { significancePlot } from '../../harness/report/plots/significance.ts'
import { htmlText } from '../../harness/report/render/html.ts'
import type { Report } from '../../harness/report/section.ts'
import { compareReport, forestOf } from '../../harness/report/sections/compare.ts'
import { findReport } from '../../harness/report/sections/find.ts'
import { gateReport } from '../../harness/report/sections/gate.ts'
import { historyReport } from '../../harness/report/sections/history.ts'
import { runReport } from '../../harness/report/sections/run.ts'
import type { ChunkLogLine } from '../../workers/protocol/trial-result.ts'
import { ended } from '../fixtures/trials.ts'
import { hostileRun } from '../unit/report/hostile.ts'
import { syntheticRun } from '../unit/report/synthetic.ts'

const CHROMIUM = '/usr/bin/chromium'
const FULL = process.env['STINT_FULL'] === '1'
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

const WIDE = { width: 1400, height: 900 }

const folder = mkdtempSync(join(tmpdir(), 'stint-browser-'))
let browser: Browser
/** The tab that tests share, one after another: a browser takes a second of computing to open another. */
let tab: Page
/** What went wrong in the page that is open, or what it asked the network for. */
let faults: string[] = []

const chunks = Array.from(
  { length: 300 },
  (_, i): ChunkLogLine => ({
    ...{ chunk: i, rows: 64, first_row: i * 64, service_ms: 1, cpu_ms: 1, external_mb: 1 },
    ...{ latency_ms: i === 100 ? 50 : 2, heap_mb: 10 + i / 100 },
  }),
)

const run = syntheticRun({
  ...{ chunk_size: [64, 256], batch_size: [8, 64], max_memory_mb: [256], runs: 4 },
  alter: (trial) =>
    trial.round === 1 && trial.scenario.startsWith('c256-b8')
      ? ended(trial, 'crashed', { message: 'the worker was lost', exit: 'SIGSEGV' })
      : trial,
})
const model = buildReportModel(run.manifest, run.trials)
const logs = summariseLogs(run.manifest, run.trials, () => chunks)
const runPage = runReport(model, scenarioDetails(run.manifest, run.trials, model.measured, logs))

describe.skipIf(!existsSync(CHROMIUM))(`the page of a report (skipped without ${CHROMIUM})`, () => {
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
    tab = await newTab()
    await save('run', runPage)
  })
  afterEach(async () => {
    await tab.emulateMedia({ colorScheme: null, media: null })
    await tab.setViewportSize(WIDE)
    expect(faults).toEqual([])
  })
  afterAll(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('filters every table and picture by the axes, and its address brings the choice back', async () => {
    const page = await open('run')
    await eventually(() => rowsOf(page, 'results')).toBe(12)
    await eventually(() => marksOf(page, 'results')).toBe(12)
    await page.getByRole('group', { name: 'Chunk size' }).getByLabel('64', { exact: true }).check()
    await page.getByRole('group', { name: 'Compute cap' }).getByLabel('0.25').check()
    await page.getByRole('group', { name: 'Compute cap' }).getByLabel('0.5').check()
    expect(await page.locator('.count').textContent()).toContain('4 of 12 scenarios')
    await eventually(() => rowsOf(page, 'results')).toBe(4)
    await eventually(() => rowsOf(page, 'caps')).toBe(4)
    await eventually(() => marksOf(page, 'results')).toBe(4)
    await load(`${urlOf('run')}${new URL(page.url()).hash}`)
    await eventually(() => rowsOf(page, 'results')).toBe(4)
    expect(await page.getByRole('checkbox', { name: '0.25' }).isChecked()).toBe(true)
    await page.getByRole('button', { name: 'Clear all' }).click()
    await eventually(() => rowsOf(page, 'results')).toBe(12)
    await eventually(() => new URL(page.url()).hash).toBe('')
  })

  it('finds scenarios by words', async () => {
    const page = await open('run')
    await page.getByLabel('Search').fill('batch 64 chunk 256')
    await eventually(() => rowsOf(page, 'results')).toBe(3)
    await page.getByLabel('Search').fill('nothing is called so')
    expect(await page.locator('#results .none').textContent()).toBe('No row is left by the filters.')
  })

  it('sorts by the keyboard, what is unknown last, and says so', async () => {
    const page = await open('run')
    const head = page.locator('#results th', { hasText: 'Throughput' })
    const values = () =>
      page.locator('#results tbody tr').evaluateAll((rows, column) => {
        const at = [...document.querySelectorAll('#results thead th')].findIndex(({ textContent }) =>
          textContent?.startsWith(column),
        )
        return rows.map((row) =>
          Number.parseFloat((row as HTMLTableRowElement).cells[at]!.textContent.replaceAll(',', '')),
        )
      }, 'Throughput')
    const measured = model.scenarios.flatMap(({ metrics }) => metrics['throughput_rows_s']?.value ?? [])
    await head.getByRole('button').focus()
    await page.keyboard.press('Enter')
    await eventually(() => head.getAttribute('aria-sort')).toBe('descending')
    expect((await values())[0]).toBe(Math.round(Math.max(...measured)))
    await page.keyboard.press('Enter')
    await eventually(() => head.getAttribute('aria-sort')).toBe('ascending')
    expect((await values())[0]).toBe(Math.round(Math.min(...measured)))
    await eventually(() => new URL(page.url()).hash).toMatch(/^#s\.results-2=\d+$/)
  })

  it('shows a scenario whose point is clicked: trials, caps, errors, timeline and the command', async () => {
    const page = await open('run')
    await marksIn(page, 'results').first().click({ force: true })
    const panel = page.getByRole('complementary')
    const heading = panel.getByRole('heading', { level: 2 })
    expect(await heading.evaluate((element) => element === document.activeElement)).toBe(true)
    await page.goto(`${urlOf('run')}#open=6`)
    await eventually(() => heading.textContent()).toBe('chunk 256, batch 8, 0.25 cores')
    const text = await panel.textContent()
    expect(text).toContain('1 trial crashed: the worker was lost (SIGSEGV)')
    expect(text).toContain('cgroup_v1')
    expect(text).toContain('300 chunks of trial c256-b8-m256-u0.25-r000')
    expect(text).toContain(
      'stint run edge.yaml --runs 10 --set chunk_size=256 --set batch_size=8 --set max_compute_units=0.25',
    )
    expect(await panel.getByRole('region', { name: 'Trials' }).locator('tbody tr').count()).toBe(4)
    await panel.getByRole('button', { name: 'Next scenario' }).click()
    expect(await heading.textContent()).toBe('chunk 256, batch 8, 0.5 cores')
  })

  it('opens from the table by the keyboard, and gives the focus back', async () => {
    const page = await open('run')
    const opener = page.locator('#results tbody').getByRole('button').first()
    await opener.focus()
    await page.keyboard.press('Enter')
    expect(await page.getByRole('complementary').count()).toBe(1)
    await page.keyboard.press('Escape')
    expect(await page.getByRole('complementary').count()).toBe(0)
    const hasFocus = () => opener.evaluate((element) => element === document.activeElement)
    expect(await hasFocus()).toBe(true)
    // And where the panel is closed before the browser has painted it.
    const wasOpen = await opener.evaluate((element) => {
      ;(element as HTMLElement).click()
      return new Promise((done) => {
        setTimeout(() => {
          const panel = document.querySelector('aside')
          dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }))
          done(panel?.contains(document.activeElement))
        })
      })
    })
    expect(wasOpen).toBe(true)
    expect(await page.getByRole('complementary').count()).toBe(0)
    expect(await hasFocus()).toBe(true)
  })

  it('gives the focus to the table where a filter has taken away the row that opened a scenario', async () => {
    const page = await open('run')
    await page.locator('#results tbody').getByRole('button').first().focus()
    await page.keyboard.press('Enter')
    const group = page.getByRole('group', { name: 'Chunk size' })
    await group.getByLabel('256', { exact: true }).evaluate((box: HTMLElement) => box.click())
    await eventually(() => rowsOf(page, 'results')).toBe(6)
    await page.keyboard.press('Escape')
    const table = page.locator('#results section.table').first()
    await eventually(() => table.evaluate((element) => element === document.activeElement)).toBe(true)
    // Where the reader has put it elsewhere meanwhile, it stays.
    await page.locator('#results tbody').getByRole('button').first().click()
    await page.getByLabel('Search').focus()
    await page.keyboard.press('Escape')
    expect(await page.getByRole('complementary').count()).toBe(0)
    const search = page.getByLabel('Search')
    expect(await search.evaluate((element) => element === document.activeElement)).toBe(true)
  })

  it('compares two scenarios by what the run tested, and claims nothing of a pair that it did not', async () => {
    const page = await open('run', '#open=0')
    const panel = page.getByRole('complementary')
    await panel.getByLabel('Compare with').selectOption({ label: 'chunk 64, batch 8, 1 core' })
    const row = model.comparisons.find(
      ({ a, b, metric }) =>
        b === 'c64-b8-m256-u0.25' && a === 'c64-b8-m256-u1' && metric === 'latency_p50_ms',
    )!
    const cells = panel.locator('tr', { hasText: 'Median chunk latency' }).first()
    expect(await cells.textContent()).toMatch(
      new RegExp(
        `slower, ${row.ratio!.toPrecision(3)}× \\[${row.ratio_ci_low!.toPrecision(3)}, .*p < 0\\.001`,
      ),
    )
    await panel.getByLabel('Compare with').selectOption({ label: 'chunk 256, batch 64, 0.5 cores' })
    expect(await panel.textContent()).toContain('did not test this pair')
    expect(await panel.textContent()).not.toContain('slower')
    await eventually(() => new URL(page.url()).hash).toBe('#open=0&beside=10')
  })

  it('selects what a drag surrounds, dims the rest and shows only its rows', async () => {
    const page = await open('run')
    const drawing = page.locator('#results .drawing').first()
    await drawing.evaluate((element) => element.scrollIntoView({ block: 'start' }))
    const box = (await drawing.boundingBox())!
    await page.mouse.move(box.x + 4, box.y + 4)
    await page.mouse.down()
    const point = (await marksIn(page, 'results').first().boundingBox())!
    await page.mouse.move(point.x + point.width + 2, box.y + box.height - 60, { steps: 3 })
    expect(await page.locator('.brush').count()).toBe(1)
    await page.mouse.up()
    expect(await page.locator('.brush').count()).toBe(0)
    const selected = Number.parseInt((await page.locator('.pill').textContent())!, 10)
    expect(selected).toBeGreaterThan(0)
    expect(selected).toBeLessThan(12)
    await eventually(() => rowsOf(page, 'results')).toBe(selected)
    const dimmed = await marksIn(page, 'results').evaluateAll(
      (marks) => marks.filter((mark) => (mark as SVGElement).dataset['state'] === 'faded').length,
    )
    expect(dimmed).toBe(12 - selected)
    await page.locator('.pill').click()
    await eventually(() => rowsOf(page, 'results')).toBe(12)
  })

  it('gives away what is shown, as CSV, as JSON and on the clipboard, in full and without formulas', async () => {
    const page = await open('run', '#f.chunk_size=64&f.max_compute_units=1')
    const tools = page.locator('#results .tools')
    await tools.getByText('Columns').click()
    await tools.getByLabel('Peak heap (MB)').check()
    await tools.getByText('Columns').click()
    const saved = async (name: string) => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        tools.getByRole('button', { name, exact: true }).click(),
      ])
      return readFileSync(await download.path(), 'utf8')
    }
    const wanted = model.scenarios.filter(({ id }) => /^c64-.*-u1$/.test(id))
    const rows = JSON.parse(await saved('JSON')) as Record<string, unknown>[]
    expect(rows.map((one) => one['Peak heap (MB)'])).toEqual(
      wanted.map(({ metrics }) => metrics['peak_heap_mb']!.value),
    )
    const csv = (await saved('CSV')).trimEnd().split('\n')
    expect(csv).toHaveLength(1 + wanted.length)
    expect(csv[0]).toContain('Peak heap (MB)')
    expect(csv[1]).toContain(String(wanted[0]!.metrics['latency_mean_ms']!.value))
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await tools.getByRole('button', { name: 'Copy' }).click()
    await eventually(() => tools.getByRole('status').textContent()).toBe('Copied')
    expect((await page.evaluate(() => navigator.clipboard.readText())).trimEnd().split('\n')).toEqual(csv)
  })

  const states = [
    ['dark', 1400, '#open=6&beside=8'],
    ['light', 1400, ''],
    ['light', 400, '#f.chunk_size=64'],
  ] as const
  // The first has most in it; a page in light is that of a gate.
  it.each(FULL ? states : states.slice(0, 1))(
    'is accessible: %s, %d px wide %s',
    async (colorScheme, width, hash) => {
      await tab.emulateMedia({ colorScheme })
      await tab.setViewportSize({ width, height: 900 })
      const page = await open('run', hash)
      expect(await violations(page)).toEqual([])
    },
  )

  it('prints what is chosen, without what is only for hands', async () => {
    const page = await open('run', '#f.chunk_size=64&open=6')
    await page.emulateMedia({ media: 'print' })
    for (const hands of ['nav', '.give', '.filters form', '.step', '.opener'])
      expect(await page.locator(hands).first().isVisible(), hands).toBe(false)
    // Paper has no boxes that show what was chosen.
    expect(await page.locator('.count').textContent()).toContain('Chunk size 64')
    expect(await page.locator('.count .on-paper').isVisible()).toBe(true)
    // Buttons would leave heads blank where a browser repeats them on the next page.
    const heads = page.locator('#results thead button')
    expect(await heads.first().evaluate((button) => getComputedStyle(button).display)).toBe('contents')
    const clipped = await page
      .locator('.table')
      .evaluateAll((tables) => tables.filter((table) => table.scrollHeight > table.clientHeight + 1).length)
    expect(clipped).toBe(0)
    expect((await page.pdf()).byteLength).toBeGreaterThan(20_000)
  })

  it('prints each picture on one page, and says how many rows it does not print', async () => {
    const gate = gateOf()
    const [row] = gate.rows
    const [profile] = gate.profiles
    const many = Array.from({ length: 260 }, (_, i) => `s${i}`)
    gate.rows = many.map((scenario) => ({ ...row!, scenario, label: scenario }))
    gate.profiles = many.map((scenario) => ({ ...profile!, scenario, label: scenario }))
    await save('long', gateReport(gate, 'edge.yaml', gateProfilePlot(gate, 'gate-profile.png')))
    const page = await open('long')
    const note = page.locator('#rows .on-paper')
    expect(await note.isVisible()).toBe(false)
    // A4 between its margins, at 96 px an inch.
    await page.setViewportSize({ width: 703, height: 1016 })
    await page.emulateMedia({ media: 'print' })
    expect(await note.textContent()).toContain('Printed are 50 of 260 rows')
    expect(await note.isVisible()).toBe(true)
    const rest = page.locator('details.rest')
    expect(await rest.locator('summary').first().isVisible()).toBe(false)
    expect(await rest.locator('li').first().isVisible()).toBe(true)
    const { height } = (await page.locator('#where .drawing svg').boundingBox())!
    expect(height).toBeGreaterThan(400)
    expect(height).toBeLessThan(900)
    await page.emulateMedia({ media: null })
    await page.getByRole('button', { name: 'Show all 260 rows' }).click()
    await eventually(() => rowsOf(page, 'rows')).toBe(200)
    await page.locator('#rows .table').evaluate((table) => table.scrollTo(0, table.scrollHeight))
    await eventually(() => rowsOf(page, 'rows')).toBe(260)
  })

  it('says all in plain HTML where no script runs', async () => {
    const devtools = await tab.context().newCDPSession(tab)
    await devtools.send('Emulation.setScriptExecutionDisabled', { value: true })
    await tab.goto(urlOf('run'))
    expect(await tab.locator('html[data-drawn]').count()).toBe(0)
    expect(await tab.locator('#results tbody tr').count()).toBe(12)
    expect(await tab.locator('body').textContent()).toContain('benchmarks/latency_vs_accuracy.png')
    expect(await tab.locator('#caps h2').textContent()).toBe('Caps: asked for and achieved')
    await devtools.send('Emulation.setScriptExecutionDisabled', { value: false })
  })

  it('shows whatever users wrote as text', async () => {
    const hostile = hostileRun()
    const evil = [
      '__proto__',
      '</script><img src=x onerror=alert(1)>',
      "'><svg onload=alert(2)>",
      'constructor',
    ]
    hostile.manifest.sweep.axes = ['params.__proto__', 'params.<b>']
    for (const [i, { point }] of hostile.manifest.sweep.scenarios.entries())
      Object.defineProperties(point, {
        'params.__proto__': { value: evil[i], enumerable: true },
        'params.<b>': { value: evil[3 - i], enumerable: true },
      })
    for (const trial of hostile.trials)
      if (trial.outcome === 'ok')
        trial.metrics = JSON.parse(`{"__proto__": 1, "<i>": 2, ${JSON.stringify(trial.metrics).slice(1)}`)
    const built = buildReportModel(hostile.manifest, hostile.trials)
    await save('hostile', runReport(built, scenarioDetails(hostile.manifest, hostile.trials, built.measured)))
    const page = await open(
      'hostile',
      '#open=1&beside=0&f.params.__proto__=__proto__&f.__proto__=x&s.__proto__=1',
    )
    expect(await page.locator('img, svg[onload], b:not(#tip b), i').count()).toBe(0)
    await eventually(() => rowsOf(page, 'results')).toBe(1)
    expect(await page.getByRole('group', { name: 'proto' }).getByLabel('__proto__').isChecked()).toBe(true)
    const panel = page.getByRole('complementary')
    expect(await panel.getByRole('heading', { level: 2 }).textContent()).toContain('</script><img src=x')
    expect(await panel.locator('tr', { hasText: 'proto' }).count()).toBeGreaterThan(0)
    await page.keyboard.press('Escape')
    await page.locator('#results').getByRole('button', { name: 'JSON' }).click()
    expect(await page.evaluate(() => Object.hasOwn(Object.prototype, 'polluted'))).toBe(false)
  })

  it('is the same for a gate: rows by scenario, metric and verdict, and the picture with them', async () => {
    const gate = gateOf()
    await save('gate', gateReport(gate, 'edge.yaml', gateProfilePlot(gate, 'gate-profile.png')))
    const page = await open('gate')
    await eventually(() => rowsOf(page, 'rows')).toBe(4)
    await page.getByRole('group', { name: 'Verdict' }).getByLabel('REGRESSION').check()
    await eventually(() => rowsOf(page, 'rows')).toBe(1)
    await eventually(() => marksOf(page, 'where')).toBe(20)
    expect(await violations(page)).toEqual([])
  })

  it('is the same for a search: the values that were tried, each with its trials', async () => {
    const { manifest, trials } = syntheticRun({
      ...{ chunk_size: [64], batch_size: [8], max_memory_mb: [256], runs: 12 },
      max_compute_units: [0.1, 0.25, 0.5, 0.75, 1],
      goal: {
        objective: null,
        subject_to: [{ metric: 'latency_p50_ms', operator: '<=', bound: 0.6 }],
      },
    })
    const values = [0.1, 0.25, 0.5, 0.75, 1]
    manifest.sweep.search = {
      ...{ axis: 'max_compute_units', best: 'min', over: null, values, lines: [null] },
      ...{ resolution: 0.5, trials: 12 },
    }
    const recorded = recordedSearch({ manifest, trials })
    const of = buildReportModel(manifest, trials)
    const details = scenarioDetails(manifest, trials, of.measured)
    await save('find', findReport(of, recorded, details))
    const page = await open('find')
    expect(await page.locator('.answer').textContent()).toContain('max_compute_units 0.75 is the smallest')
    const tried = recorded.lines[0]!.tried
    await eventually(() => rowsOf(page, 'tried')).toBe(tried.length)
    await eventually(() => marksOf(page, 'found')).toBe(recorded.lines[0]!.steps.length)
    await page.locator('#tried tbody').getByRole('button').first().click()
    const panel = page.getByRole('complementary')
    expect(await panel.getByRole('region', { name: 'Trials' }).locator('tbody tr').count()).toBe(12)
    if (FULL) expect(await violations(page)).toEqual([])
    await page.keyboard.press('Escape')
    await page.getByRole('group', { name: 'Compute cap' }).getByLabel('0.75').check()
    await eventually(() => rowsOf(page, 'tried')).toBe(1)
  })

  it('tells curves that are told as one of the scenarios that are chosen', async () => {
    const many = syntheticRun({
      ...{ chunk_size: [16, 32, 64, 128, 256], batch_size: [8, 16, 32], max_memory_mb: [256], runs: 1 },
    })
    const of = buildReportModel(many.manifest, many.trials)
    const read = (trial: string) =>
      chunks.map((chunk) => ({ ...chunk, latency_ms: Number(/^c(\d+)/.exec(trial)![1]) }))
    const plots = ['latency_ecdf']
    const logs = summariseLogs(many.manifest, many.trials, read)
    await save('many', latencyOnly(runReport(of, [], { plots, logs })))
    const page = await open('many')
    const lines = page.locator('#latency .drawing .role-mark.mark-line path')
    const drawn = () => lines.evaluateAll((paths) => paths.map((path) => path.getAttribute('d')).sort())
    await eventually(() => lines.count()).toBeGreaterThan(0)
    const all = await drawn()
    await page.getByRole('group', { name: 'Chunk size' }).getByLabel('256', { exact: true }).check()
    await eventually(drawn).not.toEqual(all)
    await page.getByRole('button', { name: 'Clear all' }).click()
    await eventually(drawn).toEqual(all)
  })

  it('tells bars that are means of the scenarios that are chosen', async () => {
    const many = syntheticRun({
      ...{ chunk_size: [16, 32, 64, 128, 256], batch_size: [8, 16], max_memory_mb: [256], runs: 1 },
    })
    const of = buildReportModel(many.manifest, many.trials)
    // As slow as the chunk is large with one batch size, and ten times as slow with the other.
    const read = (trial: string) => {
      const [, chunk, batch] = /^c(\d+)-b(\d+)/.exec(trial)!
      const ms = Number(chunk) * (batch === '8' ? 1 : 10)
      return chunks.map((one) => ({ ...one, service_ms: ms, operators_ms: { learn: ms } }))
    }
    const plots = ['operators']
    const logs = summariseLogs(many.manifest, many.trials, read)
    await save('bars', latencyOnly(runReport(of, [], { plots, logs })))
    const page = await open('bars')
    const bars = page.locator('#latency .drawing .mark-rect.role-mark path')
    const labels = () => page.locator('#latency .drawing .role-axis-label text').allTextContents()
    const widths = () => bars.evaluateAll((paths) => paths.map((path) => path.getBoundingClientRect().width))
    await eventually(() => bars.count()).toBeGreaterThan(1)
    const [before, axis] = [await widths(), await labels()]
    const group = page.getByRole('group', { name: 'Batch size' })
    await group.getByLabel('8', { exact: true }).check()
    // The same bars along another axis, or fewer of them where the bars are of batch sizes.
    await eventually(labels).not.toEqual(axis)
    await bars.first().click()
    expect(await page.locator('.count').textContent()).toMatch(/selected/)
    await page.getByRole('button', { name: 'Clear all' }).click()
    await eventually(labels).toEqual(axis)
    await eventually(widths).toEqual(before)
  })

  it('is the same for a comparison of runs', async () => {
    const other = syntheticRun({
      seed: 9,
      chunk_size: [64, 256],
      batch_size: [8],
      max_memory_mb: [256],
      runs: 4,
    })
    const comparison = compareRuns([
      { name: 'before', ...run },
      { name: 'after', ...other },
    ])
    await save(
      'compare',
      compareReport(comparison, [significancePlot(forestOf(comparison), 'significance.png')]),
    )
    const page = await open('compare')
    const all = await rowsOf(page, 'comparisons')
    await page.getByRole('group', { name: 'Metric' }).getByLabel('throughput').check()
    await eventually(() => rowsOf(page, 'comparisons')).toBe(comparison.lines.length / 4)
    expect(all).toBe(comparison.lines.length)
    if (FULL) expect(await violations(page)).toEqual([])
  })

  it('is the same for a history: series to choose, with the pictures of those that changed', async () => {
    const series = ['latency_mean_ms', 'r2'].map((metric) => seriesOf(metric))
    const history = { runs: 12, events: [], series, notes: [] }
    await save('history', historyReport(history, 'results', historyPlots(history)))
    const page = await open('history')
    await eventually(() => rowsOf(page, 'series')).toBe(2)
    await page.getByRole('group', { name: 'Change' }).getByLabel('worse').check()
    await eventually(() => rowsOf(page, 'series')).toBe(1)
    await eventually(() => marksOf(page, 'series')).toBe(12)
    // No title stands over nothing.
    expect(await page.locator('main h2').allTextContents()).toEqual(['Over the runs'])
    if (FULL) expect(await violations(page)).toEqual([])
  })
})

// ---------------------------------------------------------------- pages

async function save(name: string, report: Report): Promise<void> {
  writeFileSync(join(folder, `${name}.html`), await htmlText(report))
}

/** To draw the others of many scenarios takes seconds. */
function latencyOnly(report: Report): Report {
  return { ...report, sections: report.sections.filter(({ id }) => id === 'latency') }
}

function urlOf(name: string): string {
  return pathToFileURL(join(folder, `${name}.html`)).href
}

async function newTab(): Promise<Page> {
  const page = await browser.newPage({ viewport: WIDE, reducedMotion: 'reduce' })
  page.on('console', (message) => faults.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`)
    dialog.dismiss()
  })
  page.on('request', (request) => {
    if (!/^(?:file|blob|data):/.test(request.url())) faults.push(`asked for ${request.url()}`)
  })
  return page
}

async function open(name: string, hash = ''): Promise<Page> {
  faults = []
  // Another address of the same page, in which nothing is chosen that is not named.
  if (tab.url().startsWith(urlOf(name))) await tab.goto(`${urlOf(name)}#again=1&${hash.slice(1)}`)
  else await load(urlOf(name) + hash)
  await settled()
  return tab
}

/** What follows a choice later is faded until it does. */
async function settled(): Promise<void> {
  await eventually(() => tab.locator('[aria-busy=true]').count()).toBe(0)
}

/** Loads a page anew, also where it is the one that is open. */
async function load(url: string): Promise<void> {
  await tab.goto('about:blank')
  await tab.goto(url)
  await tab.locator('html[data-drawn]').waitFor()
  // Every picture is drawn in time, whether or not it is in sight.
  await tab.waitForFunction(() =>
    [...document.querySelectorAll('.drawing')].every((drawing) => drawing.querySelector('svg') !== null),
  )
}

/** In the end: a busy machine takes its time. */
function eventually<Value>(read: () => Value | Promise<Value>) {
  return expect.poll(read, { timeout: 20_000 })
}

function rowsOf(page: Page, section: string): Promise<number> {
  return page.locator(`#${section} .data tbody`).first().locator('tr').count()
}

/** The points of the first picture of a section. */
function marksIn(page: Page, section: string) {
  return page.locator(`#${section} .drawing`).first().locator('.role-mark.mark-symbol path')
}

function marksOf(page: Page, section: string): Promise<number> {
  return marksIn(page, section).evaluateAll(
    (marks) => marks.filter((mark) => (mark as SVGElement).dataset['state'] !== 'left-out').length,
  )
}

async function violations(page: Page): Promise<string[]> {
  await settled()
  await page.evaluate(readFileSync(AXE, 'utf8'))
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: {
        run(
          options: object,
        ): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }>
      }
    }
    const { violations } = await axe.run({ resultTypes: ['violations'] })
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0]!.html} ${nodes[0]!.failureSummary}`)
  })
}

// ---------------------------------------------------------------- what they are of

function gateOf(): GateResult {
  const row = (scenario: string, metric: string, verdict: GateRow['verdict']): GateRow => ({
    ...{
      scenario,
      label: `chunk_size=${scenario}`,
      metric,
      unit: 'ms',
      direction: 'lower_is_better',
      verdict,
    },
    ...{ margin: 0.02, ratio: { value: 1.1, low: 1.05, high: 1.2 }, baseline: 1, candidate: 1.1 },
    ...{ n: 18, source: 'duets', note: null, outlook: null },
  })
  const profile = (scenario: string): GateResult['profiles'][number] => ({
    ...{ scenario, label: `chunk_size=${scenario}`, chunks: 1000, duets: 18 },
    ratio: Array.from({ length: 20 }, (_, i) => 1 + i / 100),
    low: Array.from({ length: 20 }, (_, i) => 0.98 + i / 100),
    high: Array.from({ length: 20 }, (_, i) => 1.02 + i / 100),
    where: { shape: 'everywhere' },
  })
  return {
    ...{ verdict: 'regression', name: 'edge', baseline: 'main', candidate: 'the working copy' },
    rows: [
      row('64', 'latency_mean_ms', 'regression'),
      row('64', 'peak_memory_mb', 'ruled_out'),
      row('256', 'latency_mean_ms', 'undecided'),
      row('256', 'peak_memory_mb', 'ruled_out'),
    ],
    coverage: [],
    profiles: [profile('64'), profile('256')],
    functions: null,
    operators: null,
    ...{ untested: [], notes: [], alpha: 0.01, tests: 4, duets: 18, cores: [1], trials: 4 },
    ...{ elapsed_s: 41.2, ended: 'decided' },
  }
}

function seriesOf(metric: string): HistorySeries {
  const worse = metric !== 'r2'
  return {
    ...{ sweep: 'edge', machine: 'a board', scenario: 's1', label: 'chunk_size=64', metric, unit: 'ms' },
    ...{ direction: 'lower_is_better', compared_by: 'ratio', outliers: [] },
    points: Array.from({ length: 12 }, (_, i) => ({
      run: `run ${i}`,
      commit: `c0ffee${i}`,
      started_at: `2026-11-${String(i + 1).padStart(2, '0')}T00:00:00.000Z`,
      value: worse && i >= 6 ? 12 + (i % 3) / 10 : 10 + (i % 3) / 10,
    })),
    changes: worse
      ? [{ kind: 'step', verdict: 'worse', index: 6, low: 5, high: 7, before: 10.1, after: 12.1, p: 0.001 }]
      : [],
  }
}
