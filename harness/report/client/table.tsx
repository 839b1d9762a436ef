/** A table to sort, that shows the rows of what the reader chose, and gives them away. */
import {
  columnVisibilityFeature,
  constructTable,
  createColumnHelper,
  createSortedRowModel,
  rowSortingFeature,
  tableFeatures,
} from '@tanstack/table-core'
import { storeReactivityBindings } from '@tanstack/table-core/store-reactivity-bindings'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { count, wholeNumber } from '../../format.ts'
import type { Cell, Column, Table } from '../section.ts'
import { copy, csvOf, download, jsonOf } from './files.ts'
import type { Model } from './model.ts'
import { indicesOf, isAmong, type State, type Store } from './state.ts'

/** So many rows are shown until the reader asks for the others. */
const MOST_ROWS = 50
/** And so many more at a time after that, as the reader scrolls: a browser lays out a table as a whole, thousands of rows for seconds. */
const MORE_ROWS = 150

const features = tableFeatures({
  coreReactivityFeature: storeReactivityBindings(),
  rowSortingFeature,
  columnVisibilityFeature,
  sortedRowModel: createSortedRowModel(),
})

type Scrolled = { currentTarget: HTMLElement }

interface Props {
  table: Table
  /** Columns that are there and not shown until they are asked for. */
  further?: readonly Column[]
  /** Unique in the page. */
  id: string
  /** What it is, for its files and for who cannot see it. */
  name: string
  model: Model
  store: Store
  state: State
}

export function DataTable({ table, further = [], id, name, model, store, state }: Props) {
  const { choice, chosen } = state
  const [most, setMost] = useState(MOST_ROWS)
  const isWhole = most > MOST_ROWS
  useEffect(() => {
    if (!isWhole) return
    // Paper does not scroll.
    const all = () => setMost(Number.POSITIVE_INFINITY)
    addEventListener('beforeprint', all)
    return () => removeEventListener('beforeprint', all)
  }, [isWhole])
  const [visibility, setVisibility] = useState<Record<string, boolean>>(() =>
    Object.fromEntries(further.map((_, i) => [String(table.columns.length + i), false])),
  )
  const columns = useMemo(() => [...table.columns, ...further], [table, further])
  const core = useMemo(() => coreTable(columns), [columns])
  const total = columns[0]?.cells.length ?? 0
  const all = useMemo(() => Array.from({ length: total }, (_, row) => ({ row })), [total])
  const sort = choice.sorts.get(id)
  const [sorted, isDescending] =
    columns[sort?.column ?? -1] === undefined ? [null, false] : [sort!.column, sort!.desc]
  core.setOptions((options) => ({
    ...options,
    data: all,
    state: {
      sorting: sorted === null ? [] : [{ id: String(sorted), desc: isDescending }],
      columnVisibility: visibility,
    },
  }))
  // Sorted once and filtered often: of thousands of rows only the second is quick.
  const inOrder = useMemo(
    () => (sorted === null ? all : core.getRowModel().rows.map(({ original }) => original)),
    [core, all, sorted, isDescending],
  )
  const about = useMemo(() => table.about?.map((ids) => indicesOf(ids, model)), [table, model])
  const rows = useMemo(
    () =>
      inOrder
        .map(({ row }) => row)
        .filter((row) => about === undefined || isAmong(chosen.shown, about[row]!)),
    [inOrder, about, chosen.shown],
  )
  const visible = core.getVisibleLeafColumns().map((column) => columns[Number(column.id)]!)
  // Those that matter most come first where there is no room for all, unless the reader sorts.
  const first = sorted === null && rows.length > MOST_ROWS ? (table.first ?? []) : []
  const ordered = first.length === 0 ? rows : firstOnes(rows, first)
  const shown = ordered.slice(0, most)
  const isMore = shown.length < ordered.length
  const onScroll = ({ currentTarget: { scrollTop, clientHeight, scrollHeight } }: Scrolled) => {
    // One screen ahead.
    if (isWhole && isMore && scrollTop + 2 * clientHeight > scrollHeight) setMost(most + MORE_ROWS)
  }
  const opens = model.opens && table.about?.every((ids) => ids.length === 1)
  const toggle = (column: Column) => {
    const index = columns.indexOf(column)
    const numbers = column.type === 'number'
    const next =
      sorted !== index
        ? { column: index, desc: numbers }
        : isDescending === numbers
          ? { column: index, desc: !numbers }
          : null
    const sorts = new Map(choice.sorts)
    if (next === null) sorts.delete(id)
    else sorts.set(id, next)
    store.set({ sorts })
  }
  return (
    <div class="data">
      <div class="tools">
        <span class="rows">
          {rows.length === total
            ? count(total, 'row')
            : `${wholeNumber(rows.length)} of ${count(total, 'row')}`}
        </span>
        {further.length > 0 && (
          <Columns
            columns={columns}
            from={table.columns.length}
            visibility={visibility}
            onChange={setVisibility}
          />
        )}
        <Give name={name} columns={visible} rows={ordered} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <section class="table" aria-label={name} tabIndex={0} onScroll={onScroll}>
        <table>
          <thead>
            <tr>
              {opens && (
                <th scope="col" class="opener">
                  <span class="unseen">Details</span>
                </th>
              )}
              {visible.map((column) => {
                const isSorted = sorted !== null && columns[sorted] === column
                return (
                  <th
                    key={columns.indexOf(column)}
                    scope="col"
                    class={column.type === 'number' ? 'n' : ''}
                    aria-sort={isSorted ? (isDescending ? 'descending' : 'ascending') : undefined}
                  >
                    <button type="button" onClick={() => toggle(column)}>
                      {column.head}
                    </button>
                  </th>
                )
              })}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => {
              const item = opens ? model.indexOf.get(table.about![row]![0]!) : undefined
              return (
                <Row
                  key={row}
                  row={row}
                  columns={visible}
                  isOpen={item !== undefined && (item === choice.open || item === choice.beside)}
                  label={item === undefined ? null : model.items[item]!.label}
                  opens={opens === true}
                  onOpen={() => item !== undefined && store.set({ open: item, beside: null })}
                />
              )
            })}
          </tbody>
        </table>
        {shown.length === 0 && <p class="none">No row is left by the filters.</p>}
      </section>
      {isMore && isWhole && (
        <p class="note">
          {wholeNumber(shown.length)} of {wholeNumber(ordered.length)} rows are here; more come as you scroll.
        </p>
      )}
      {isMore && !isWhole && (
        <>
          <button type="button" class="more" onClick={() => setMost(MOST_ROWS + MORE_ROWS)}>
            Show all {wholeNumber(ordered.length)} rows
          </button>
          <p class="note on-paper">
            Printed are {wholeNumber(shown.length)} of {wholeNumber(ordered.length)} rows; "Show all" before
            printing prints the others.
          </p>
        </>
      )}
      {table.note !== undefined && <p class="note">{table.note}</p>}
    </div>
  )
}

/** The index of a row. */
interface DataRow {
  row: number
}

const helper = createColumnHelper<typeof features, DataRow>()

function coreTable(columns: readonly Column[]) {
  return constructTable({
    features,
    columns: helper.columns(
      columns.map(({ cells }, i) =>
        helper.accessor(({ row }): unknown => sortKey(cells[row]!), {
          id: String(i),
          sortFn: (a, b) => compare(a.getValue(String(i)), b.getValue(String(i))),
          // What is unknown is neither the smallest nor the largest.
          sortUndefined: 'last',
        }),
      ),
    ),
    data: [] as DataRow[],
    getRowId: ({ row }: DataRow) => String(row),
  })
}

function sortKey({ text, value }: Cell): string | number | undefined {
  return value === null ? undefined : (value ?? text)
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a).localeCompare(String(b), 'en', { numeric: true })
}

function firstOnes(rows: readonly number[], first: readonly number[]): number[] {
  const [there, wanted] = [new Set(rows), new Set(first)]
  return [...first.filter((row) => there.has(row)), ...rows.filter((row) => !wanted.has(row))]
}

interface RowProps {
  row: number
  columns: readonly Column[]
  isOpen: boolean
  opens: boolean
  label: string | null
  onOpen(): void
}

function Row({ row, columns, isOpen, opens, label, onOpen }: RowProps) {
  // The button is what counts; the rest of the row is only a larger place to click.
  return (
    <tr class={`${opens ? 'opens' : ''}${isOpen ? ' open' : ''}`} onClick={opens ? onOpen : undefined}>
      {opens && (
        <td class="opener">
          <button type="button" aria-label={`Details of ${label}`} aria-pressed={isOpen}>
            ›
          </button>
        </td>
      )}
      {columns.map(({ type, cells }, i) => {
        const { text, spread = '', tone } = cells[row]!
        return (
          <td key={i} class={[type === 'number' ? 'n' : '', tone ?? ''].join(' ').trim()}>
            {text}
            {spread !== '' && <span class="spread">{spread}</span>}
          </td>
        )
      })}
    </tr>
  )
}

interface ColumnsProps {
  columns: readonly Column[]
  /** The first that is not shown by itself. */
  from: number
  visibility: Record<string, boolean>
  onChange(visibility: Record<string, boolean>): void
}

function Columns({ columns, from, visibility, onChange }: ColumnsProps) {
  return (
    <details class="columns">
      <summary>Columns</summary>
      <div class="list">
        {columns.map(({ head }, i) => (
          <label key={i} class={i === from ? 'apart' : ''}>
            <input
              type="checkbox"
              checked={visibility[String(i)] !== false}
              onChange={({ currentTarget: { checked } }) => onChange({ ...visibility, [String(i)]: checked })}
            />
            {head}
          </label>
        ))}
      </div>
    </details>
  )
}

function Give({
  name,
  columns,
  rows,
}: {
  name: string
  columns: readonly Column[]
  rows: readonly number[]
}) {
  const [said, setSaid] = useState('')
  const file = name.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  return (
    <span class="give">
      <button
        type="button"
        onClick={async () => {
          setSaid((await copy(csvOf(columns, rows))) ? 'Copied' : 'Not copied: the browser refused')
          setTimeout(() => setSaid(''), 2500)
        }}
      >
        Copy
      </button>
      <button type="button" onClick={() => download(`${file}.csv`, 'text/csv', csvOf(columns, rows))}>
        CSV
      </button>
      <button
        type="button"
        onClick={() => download(`${file}.json`, 'application/json', jsonOf(columns, rows))}
      >
        JSON
      </button>
      <span class="said" role="status">
        {said}
      </span>
    </span>
  )
}
