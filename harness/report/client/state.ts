/** What the reader has chosen, kept in the page's address, so that a link brings it back. */
import { useEffect, useState } from 'preact/hooks'
import type { Filter } from '../section.ts'
import type { Model } from './model.ts'

export interface Choice {
  /** Values by filter, as indices; a filter that is not here lets everything through. */
  filters: ReadonlyMap<string, ReadonlySet<number>>
  search: string
  /** Items by index; empty: none were selected, and all count. */
  selected: ReadonlySet<number>
  /** The item whose details are shown, and the one beside it. */
  open: number | null
  beside: number | null
  /** By table: the column and whether the largest comes first. */
  sorts: ReadonlyMap<string, { column: number; desc: boolean }>
}

export const NOTHING: Choice = {
  filters: new Map(),
  search: '',
  selected: new Set(),
  open: null,
  beside: null,
  sorts: new Map(),
}

/** The choice, and what it lets through. */
export interface State {
  choice: Choice
  chosen: Chosen
}

export interface Store {
  get(): State
  set(change: Partial<Choice>): void
  subscribe(listener: () => void): () => void
}

export function createStore(model: Model): Store {
  const first = fromHash(location.hash, model)
  let state: State = { choice: first, chosen: chosenItems(model, first) }
  const listeners = new Set<() => void>()
  const change = (choice: Choice) => {
    const { choice: old, chosen } = state
    const isSame =
      choice.filters === old.filters && choice.search === old.search && choice.selected === old.selected
    state = { choice, chosen: isSame ? chosen : chosenItems(model, choice) }
    for (const listener of listeners) listener()
  }
  addEventListener('hashchange', () => {
    // A link within the page is no choice.
    if (location.hash !== '' && !location.hash.includes('=')) return
    change(fromHash(location.hash, model))
  })
  return {
    get: () => state,
    set(some) {
      const choice = { ...state.choice, ...some }
      const hash = toHash(choice, model)
      // Not one step back per letter typed.
      history.replaceState(null, '', hash === '' ? location.pathname + location.search : hash)
      change(choice)
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** The choice, and again whenever it changes. */
export function useShown(store: Store): State {
  const [state, setState] = useState(store.get)
  useEffect(() => {
    setState(store.get())
    return store.subscribe(() => setState(store.get()))
  }, [store])
  return state
}

// ---------------------------------------------------------------- the address

function toHash({ filters, search, selected, open, beside, sorts }: Choice, { explore }: Model): string {
  const words = new URLSearchParams()
  for (const filter of explore?.filters ?? [])
    for (const index of filters.get(filter.key) ?? [])
      words.append(`f.${filter.key}`, filter.values[index] ?? '')
  if (search !== '') words.set('q', search)
  if (selected.size > 0) words.set('sel', [...selected].join('.'))
  if (open !== null) words.set('open', String(open))
  if (beside !== null) words.set('beside', String(beside))
  for (const [table, { column, desc }] of sorts) words.set(`s.${table}`, `${column}${desc ? '-' : ''}`)
  const text = words.toString()
  return text === '' ? '' : `#${text}`
}

/** Whatever a link says, nothing is chosen that is not there. */
function fromHash(hash: string, { explore, items }: Model): Choice {
  if (!hash.includes('=')) return NOTHING
  const words = new URLSearchParams(hash.slice(1))
  const index = (text: string | null) => {
    const value = text === null || !/^\d+$/.test(text) ? Number.NaN : Number(text)
    return value < items.length ? value : null
  }
  const filters = new Map<string, Set<number>>()
  for (const { key, values } of explore?.filters ?? []) {
    const wanted = words.getAll(`f.${key}`).map((text) => values.indexOf(text))
    const known = wanted.filter((value) => value >= 0)
    if (known.length > 0) filters.set(key, new Set(known))
  }
  const selected = (words.get('sel') ?? '').split('.').map(index)
  const sorts = new Map<string, { column: number; desc: boolean }>()
  for (const [key, text] of words) {
    const parts = /^(\d+)(-?)$/.exec(text)
    if (key.startsWith('s.') && parts)
      sorts.set(key.slice(2), { column: Number(parts[1]), desc: parts[2] === '-' })
  }
  const open = index(words.get('open'))
  return {
    filters,
    search: words.get('q') ?? '',
    selected: new Set(selected.filter((value) => value !== null)),
    open,
    beside: open === null ? null : index(words.get('beside')),
    sorts,
  }
}

// ---------------------------------------------------------------- what is chosen

export interface Chosen {
  /** By index of the item: it passes the filters and the search. */
  passes: readonly boolean[]
  /** It passes, and it is selected where something is. */
  shown: readonly boolean[]
  count: number
}

export function chosenItems({ items, explore }: Model, { filters, search, selected }: Choice): Chosen {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  const kept = (explore?.filters ?? []).map((filter: Filter) => filters.get(filter.key))
  const passes = items.map(
    ({ label, id, at }) =>
      kept.every((values, i) => values === undefined || values.has(at[i]!)) &&
      (words.length === 0 || words.every((word) => label.toLowerCase().includes(word) || id === word)),
  )
  const shown = selected.size === 0 ? passes : passes.map((is, i) => is && selected.has(i))
  return { passes, shown, count: shown.filter(Boolean).length }
}

/** Whether something that is about these items, by index, is among the chosen; what is about none always is. */
export function isAmong(flags: readonly boolean[], members: readonly number[]): boolean {
  // A loop, since it is asked of thousands of marks.
  for (const index of members) if (flags[index]) return true
  return members.length === 0
}

/** Indices of these items, as far as the page has them. */
export function indicesOf(about: readonly string[], { indexOf }: Model): number[] {
  return about.flatMap((id) => indexOf.get(id) ?? [])
}
