/** The page, drawn from the report that stands in it. */
import { type ComponentChildren, render } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { plain } from '../../format.ts'
import type { Block, Section } from '../section.ts'
import { Filters } from './filters.tsx'
import { Following } from './following.tsx'
import { type Model, readModel } from './model.ts'
import { Picture } from './plot.tsx'
import { metricColumns, ScenarioPanel } from './scenario.tsx'
import { createStore, type Store } from './state.ts'
import { DataTable } from './table.tsx'

interface Shown {
  model: Model
  store: Store
}

/** Drawn once: what hangs on the reader's choice asks the store for it. */
function Page(shown: Shown) {
  const { model } = shown
  const titled = model.sections.filter(({ title }) => title !== '')
  const hasSide = titled.length > 1 || model.items.length > 1
  return (
    <div class={hasSide ? 'page with-side' : 'page'}>
      <header class="top">
        <h1>{plain(model.title)}</h1>
        <p class={`answer ${model.answer.tone}`}>{plain(model.answer.text)}</p>
        {model.subtitle !== '' && <p class="lead">{plain(model.subtitle)}</p>}
      </header>
      {hasSide && (
        <div class="side">
          {titled.length > 1 && (
            <nav aria-label="Sections">
              {titled.map(({ id, title }) => (
                <a key={id} href={`#${id}`} onClick={(event) => follow(event, id)}>
                  {title}
                </a>
              ))}
            </nav>
          )}
          <Filters {...shown} />
        </div>
      )}
      <main>
        {model.sections.map((section) => (
          <SectionView key={section.id} section={section} {...shown} />
        ))}
      </main>
      <footer>{plain(model.footer)}</footer>
      <ScenarioPanel {...shown} />
    </div>
  )
}

/** The address holds what was chosen, which a jump must not take away. */
function follow(event: MouseEvent, id: string): void {
  event.preventDefault()
  const target = document.getElementById(id)
  target?.scrollIntoView()
  target?.focus({ preventScroll: true })
}

function SectionView({ section: { id, title, blocks }, ...shown }: Shown & { section: Section }) {
  return (
    <section id={id} tabIndex={-1}>
      {title !== '' && <h2>{title}</h2>}
      {blocks.map((block, i) => (
        <BlockView key={i} block={block} id={`${id}-${i}`} title={title} {...shown} />
      ))}
    </section>
  )
}

function BlockView({ block, id, title, ...shown }: Shown & { block: Block; id: string; title: string }) {
  switch (block.kind) {
    case 'text':
      return <p class={block.tone}>{plain(block.text)}</p>
    case 'facts':
      return (
        <dl>
          {block.facts.map(([name, value], i) => (
            <div key={i}>
              <dt>{plain(name)}</dt>
              <dd>{plain(value)}</dd>
            </div>
          ))}
        </dl>
      )
    case 'list':
      return <Items items={block.items.map(({ text, tone }) => ({ text, class: tone ?? '' }))} />
    case 'notices':
      return (
        <Items
          items={block.notices.map(({ level, text }) => ({
            text,
            class: level === 'problem' ? 'bad problem' : '',
          }))}
        />
      )
    case 'picture':
      return block.plot.spec === undefined ? (
        <p class="quiet">
          No picture of {block.plot.alt.charAt(0).toLowerCase() + block.plot.alt.slice(1)}:{' '}
          {block.plot.skipped}.
        </p>
      ) : (
        <Following store={shown.store} later>
          {(state) => <Picture plot={block.plot} state={state} {...shown} />}
        </Following>
      )
    case 'code':
      return (
        <pre>
          <code>{block.lines.map(plain).join('\n')}</code>
        </pre>
      )
    case 'details':
      return (
        <Folded title={block.title}>
          {() =>
            block.blocks.map((inner, i) => (
              <BlockView key={i} block={inner} id={`${id}-${i}`} title={block.title} {...shown} />
            ))
          }
        </Folded>
      )
    case 'table':
      return <TableView table={block.table} id={id} name={title} {...shown} />
  }
}

/** What nobody has unfolded is not drawn: a choice need not wait for it. */
function Folded({ title, children }: { title: string; children: () => ComponentChildren }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{title}</summary>
      {isOpen && children()}
    </details>
  )
}

type TableProps = Omit<Parameters<typeof DataTable>[0], 'further' | 'state'>

function TableView({ table, id, name, model, store }: TableProps) {
  // The table of all scenarios has every metric, if asked.
  const further = useMemo(() => {
    const { about = [], columns } = table
    const isWhole =
      about.length === model.items.length && about.every(([one, ...more]) => one && more.length === 0)
    if (!id.startsWith('results-') || !isWhole) return []
    return metricColumns(
      model,
      about.map(([one]) => one!),
      new Set(columns.map(({ head }) => head)),
    )
  }, [model, table, id])
  const props = { table, further, id, model, store, name: name === '' ? model.title : name }
  return (
    <Following store={store}>{(state) => <DataTable {...props} state={state ?? store.get()} />}</Following>
  )
}

/** More items than these are folded. */
const MOST_ITEMS = 12

function Items({ items }: { items: readonly { text: string; class: string }[] }) {
  if (items.length === 0) return <p>Nothing to report.</p>
  const list = (some: typeof items) => (
    <ul>
      {some.map((item, i) => (
        <li key={i} class={item.class}>
          {plain(item.text)}
        </li>
      ))}
    </ul>
  )
  if (items.length <= MOST_ITEMS + 2) return list(items)
  return (
    <>
      {list(items.slice(0, MOST_ITEMS))}
      <details class="rest">
        <summary>{items.length - MOST_ITEMS} more</summary>
        {list(items.slice(MOST_ITEMS))}
      </details>
    </>
  )
}

const root = document.getElementById('page')!
const model = await readModel(document.getElementById('report')!)
root.replaceChildren()
render(<Page model={model} store={createStore(model)} />, root)
performance.mark('drawn')
document.documentElement.dataset['drawn'] = ''
