/** What stands in the page, read back: the report as JSON, its pictures ready to draw. */
import type { ComparisonRow } from '../../analyse/comparison.ts'
import type { ExploredItem, PageModel, ScenarioDetail } from '../section.ts'
import type { ScenarioReport } from '../types.ts'

/** A scenario as `report.json` has it. */
export type PageScenario = Omit<ScenarioReport, 'front'> & { pareto: boolean | null }

export interface PageReport {
  kind: string
  page: PageModel
  /** Of a run or a search only. */
  scenarios?: PageScenario[]
  /** Of a run only. */
  comparisons?: ComparisonRow[]
}

/** The report with what is looked up by id. */
export interface Model extends PageModel {
  kind: string
  /** Whether an item is a scenario, with trials to show. */
  opens: boolean
  items: readonly ExploredItem[]
  indexOf: ReadonlyMap<string, number>
  scenarioOf: ReadonlyMap<string, PageScenario>
  detailOf: ReadonlyMap<string, ScenarioDetail>
  comparisons: readonly ComparisonRow[]
}

/** @throws where the browser lacks what unpacks it */
export async function readModel(element: HTMLElement): Promise<Model> {
  const packed = Uint8Array.from(atob(element.textContent ?? ''), (character) => character.charCodeAt(0))
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw'))
  const { kind, page, scenarios = [], comparisons = [] } = (await new Response(stream).json()) as PageReport
  const items = page.explore?.items ?? []
  const opens = kind === 'run' || kind === 'find'
  return {
    ...page,
    kind,
    opens,
    items,
    comparisons: kind === 'run' ? comparisons : [],
    indexOf: new Map(items.map(({ id }, i) => [id, i])),
    scenarioOf: new Map(opens ? scenarios.map((scenario) => [scenario.id, scenario]) : []),
    detailOf: new Map(page.details.map((detail) => [detail.scenario, detail])),
  }
}
