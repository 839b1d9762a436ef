/** The reader's choices: search, and a filter for every axis. */
import { plain, wholeNumber } from '../../format.ts'
import type { Filter } from '../section.ts'
import type { Model } from './model.ts'
import { type Choice, NOTHING, type Store, useShown } from './state.ts'

/** More values than these are a list to pick from instead of boxes to tick. */
const MOST_BOXES = 8

interface Props {
  model: Model
  store: Store
}

export function Filters({ model, store }: Props) {
  const { choice, chosen } = useShown(store)
  const { explore, items } = model
  if (explore === null || items.length < 2) return null
  const active = choice.filters.size + (choice.search === '' ? 0 : 1) + (choice.selected.size > 0 ? 1 : 0)
  return (
    <search aria-label={`Filter ${plural(explore.noun)}`}>
      <details class="filters" open={matchMedia('(min-width: 1100px)').matches}>
        <summary>
          Filter {plural(explore.noun)}
          {active > 0 && <span class="badge">{active}</span>}
        </summary>
        <form onSubmit={(event) => event.preventDefault()}>
          <label class="search">
            <span>Search</span>
            <input
              type="search"
              value={choice.search}
              placeholder={`in ${plural(explore.noun)}`}
              onInput={(event) => store.set({ search: event.currentTarget.value })}
            />
          </label>
          {explore.filters.map((filter, i) => (
            <FilterField
              key={filter.key}
              filter={filter}
              id={`filter-${i}`}
              values={choice.filters.get(filter.key)}
              onChange={(values) => store.set({ filters: withFilter(choice, filter.key, values) })}
            />
          ))}
        </form>
      </details>
      <p class="count" role="status">
        {chosen.count === items.length
          ? `All ${wholeNumber(items.length)} ${plural(explore.noun)}`
          : `${wholeNumber(chosen.count)} of ${wholeNumber(items.length)} ${plural(explore.noun)}`}
        {active > 0 && <span class="on-paper">{chosenWords(explore.filters, choice)}</span>}
        {choice.selected.size > 0 && (
          <button type="button" class="pill" onClick={() => store.set({ selected: new Set() })}>
            {wholeNumber(choice.selected.size)} selected <span aria-hidden="true">×</span>
            <span class="unseen"> (clear the selection)</span>
          </button>
        )}
        {active > 0 && (
          <button
            type="button"
            class="link"
            onClick={() => store.set({ filters: NOTHING.filters, search: '', selected: NOTHING.selected })}
          >
            Clear all
          </button>
        )}
      </p>
    </search>
  )
}

/** Paper shows no boxes: `Chunk size 64 or 256; search "ridge"`. */
function chosenWords(filters: readonly Filter[], { filters: chosen, search }: Choice): string {
  const words = filters.flatMap(({ key, title, values }) => {
    const some = [...(chosen.get(key) ?? [])].map((index) => values[index])
    return some.length === 0 ? [] : [`${plain(title)} ${some.join(' or ')}`]
  })
  return [...words, ...(search === '' ? [] : [`search "${plain(search)}"`])].join('; ')
}

export function plural(noun: string): string {
  return noun.endsWith('s') ? noun : `${noun}s`
}

function withFilter(choice: Choice, key: string, values: ReadonlySet<number>): Choice['filters'] {
  const filters = new Map(choice.filters)
  if (values.size === 0) filters.delete(key)
  else filters.set(key, values)
  return filters
}

interface FieldProps {
  filter: Filter
  id: string
  values: ReadonlySet<number> | undefined
  onChange(values: ReadonlySet<number>): void
}

function FilterField({ filter, id, values = new Set(), onChange }: FieldProps) {
  if (filter.values.length > MOST_BOXES) {
    const [only] = values
    return (
      <label class="field" for={id}>
        <span>{plain(filter.title)}</span>
        <select
          id={id}
          value={values.size > 1 ? 'several' : (only ?? '')}
          onChange={({ currentTarget: { value } }) =>
            value !== 'several' && onChange(new Set(value === '' ? [] : [Number(value)]))
          }
        >
          <option value="">any</option>
          {values.size > 1 && <option value="several">{values.size} values</option>}
          {filter.values.map((text, index) => (
            <option key={text} value={index}>
              {text}
            </option>
          ))}
        </select>
      </label>
    )
  }
  return (
    <fieldset class="field">
      <legend>{plain(filter.title)}</legend>
      <div class="boxes">
        {filter.values.map((text, index) => (
          <label key={text} class="box">
            <input
              type="checkbox"
              checked={values.has(index)}
              onChange={({ currentTarget: { checked } }) => {
                const next = new Set(values)
                if (checked) next.add(index)
                else next.delete(index)
                // All of them is as none: nothing is left out.
                onChange(next.size === filter.values.length ? new Set() : next)
              }}
            />
            <span>{text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  )
}
