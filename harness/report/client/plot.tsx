/** A picture that follows the reader's choice: points can be hidden, clicked, and selected by a drag. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { bundleRows, stackRows } from '../bundle.ts'
import type { Plot } from '../section.ts'
import type { Model } from './model.ts'
import { indicesOf, isAmong, type State, type Store } from './state.ts'

/** Of Vega, which stands in the page as a script of its own: what is used of it. */
interface Vega {
  Error: number
  parse(spec: object): object
  View: new (runtime: object, options: object) => View
}
interface View {
  tooltip(handler: (handler: unknown, event: MouseEvent, item: unknown, value: unknown) => void): void
  data(name: string, rows: readonly object[]): View
  runAsync(): Promise<unknown>
}
declare const vega: Vega

/** A drawn mark, with the row of data that Vega binds to it. */
type Drawn = SVGElement & { __data__?: { datum?: { about?: string | string[] } } }

/** A drawn mark that is about items of the report, by their index; there are thousands of them. */
interface Mark {
  element: SVGElement
  about: readonly number[]
  /** As its element says, which takes longer to ask. */
  state: '' | 'left-out' | 'opened' | 'faded'
}

/** A drag that is shorter is a click, px. */
const LEAST_DRAG = 6

interface Props {
  plot: Plot
  model: Model
  store: Store
  /** Null: it is not drawn yet. */
  state: State | null
}

export function Picture({ plot, model, store, state }: Props) {
  const frame = useRef<HTMLDivElement>(null)
  const [{ view, marks }, setDrawing] = useState<Drawing>(NOT_DRAWN)
  const isWanted = state !== null
  useLayoutEffect(() => {
    if (isWanted) void draw(frame.current!, plot, model).then(setDrawing)
  }, [isWanted])
  useLayoutEffect(() => {
    if (state !== null) show(marks, state)
  }, [marks, state?.choice, state?.chosen])
  // As it was drawn, which is of all.
  const isWhole = useRef(true)
  useLayoutEffect(() => {
    if (view === null || state === null) return
    const isAll = state.chosen.count === model.items.length
    if (isAll && isWhole.current) return
    isWhole.current = isAll
    void gather(view, plot, model, state).then((isNew) => {
      if (isNew) setDrawing({ view, marks: marksIn(frame.current!, model) })
    })
  }, [view, state?.chosen])
  useBrush(frame, marks, model, store)
  const isLinked = marks.length > 0
  const does = model.opens ? `Click a ${model.explore?.noun} for its trials` : 'Click to select'
  return (
    <figure class={isLinked ? 'linked' : ''}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <div class="drawing" role="img" aria-label={plot.alt} tabIndex={0}>
        {/* What is drawn is told by the label; its hundreds of marks would only be read one by one. */}
        <div class="canvas" ref={frame} aria-hidden="true" />
        {view === null && <p class="note">Drawing…</p>}
      </div>
      {isLinked && <figcaption>{does}; drag to select several.</figcaption>}
    </figure>
  )
}

// ---------------------------------------------------------------- drawing

interface Drawing {
  view: View | null
  /** Those that are about something. */
  marks: readonly Mark[]
}

const NOT_DRAWN: Drawing = { view: null, marks: [] }

/** Text is measured while the layout is made, so the font must be there first. */
const fonts = Promise.all(['400 14px Inter', '600 14px Inter'].map((font) => document.fonts.load(font)))

async function draw(element: HTMLElement, plot: Plot, model: Model): Promise<Drawing> {
  await fonts
  const view = new vega.View(vega.parse(plot.spec!), {
    renderer: 'svg',
    container: element,
    hover: true,
    logLevel: vega.Error,
  })
  view.tooltip(showTip)
  await view.runAsync()
  return { view, marks: marksIn(element, model) }
}

function marksIn(element: HTMLElement, model: Model): Mark[] {
  return [...element.querySelectorAll<Drawn>('path, text, line, rect')].flatMap((drawn): Mark[] => {
    const about = aboutOf(drawn)
    if (about === undefined) return []
    const { state = '' } = drawn.dataset
    return [{ element: drawn, about: indicesOf(about, model), state: state as Mark['state'] }]
  })
}

/**
 * Tells what is told as one of those that are chosen.
 * @returns whether it has other marks now
 */
async function gather(view: View, plot: Plot, model: Model, { chosen }: State): Promise<boolean> {
  const { bundles = [], stacks = [] } = plot
  if (bundles.length === 0 && stacks.length === 0) return false
  const isChosen = (about: readonly string[]) => isAmong(chosen.shown, indicesOf(about, model))
  for (const bundle of bundles) view.data(bundle.data, bundleRows(bundle, isChosen))
  for (const stack of stacks) view.data(stack.data, stackRows(stack, isChosen))
  await view.runAsync()
  return stacks.length > 0
}

function aboutOf(drawn: Drawn): string[] | undefined {
  const about = drawn.__data__?.datum?.about
  return about === undefined ? undefined : [about].flat()
}

/** Hides what the filters leave out, and dims what is not selected. */
function show(marks: readonly Mark[], { choice: { open, beside }, chosen }: State): void {
  for (const mark of marks) {
    const { about, element } = mark
    const [first] = about
    const state = !isAmong(chosen.passes, about)
      ? 'left-out'
      : about.length === 1 && (first === open || first === beside)
        ? 'opened'
        : isAmong(chosen.shown, about)
          ? ''
          : 'faded'
    // A browser takes every change for one, also one to the same.
    if (state === mark.state) continue
    mark.state = state
    if (state === '') element.removeAttribute('data-state')
    else element.setAttribute('data-state', state)
  }
}

function showTip(_: unknown, event: MouseEvent, __: unknown, value: unknown): void {
  const tip = document.getElementById('tip')!
  tip.hidden = value === null || value === undefined || value === ''
  if (tip.hidden) return
  const rows = typeof value === 'object' ? Object.entries(value!) : [['', value]]
  tip.replaceChildren(
    ...rows.map(([name, text]) => {
      const row = document.createElement('div')
      if (name) row.append(Object.assign(document.createElement('b'), { textContent: name }), ' ')
      row.append(String(text))
      return row
    }),
  )
  const { width, height } = tip.getBoundingClientRect()
  tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, innerWidth - width - 8))}px`
  tip.style.top = `${Math.max(8, Math.min(event.clientY + 14, innerHeight - height - 8))}px`
}

// ---------------------------------------------------------------- clicks and drags

function useBrush(
  frame: { current: HTMLDivElement | null },
  marks: readonly Mark[],
  model: Model,
  store: Store,
): void {
  useLayoutEffect(() => {
    const element = frame.current
    if (element === null || marks.length === 0) return
    const box = document.createElement('div')
    box.className = 'brush'
    let start: PointerEvent | null = null
    const down = (event: PointerEvent) => {
      // A finger that moves scrolls the page.
      if (event.button === 0 && event.pointerType !== 'touch') start = event
    }
    const move = (event: PointerEvent) => {
      if (start === null || !isDrag(start, event)) return
      if (box.parentNode === null) {
        element.append(box)
        element.setPointerCapture(event.pointerId)
        getSelection()?.removeAllRanges()
      }
      const from = element.getBoundingClientRect()
      const { left, top, right, bottom } = area(start, event)
      box.style.left = `${left - from.left}px`
      box.style.top = `${top - from.top}px`
      box.style.width = `${right - left}px`
      box.style.height = `${bottom - top}px`
    }
    const up = (event: PointerEvent) => {
      if (start !== null && isDrag(start, event)) select(area(start, event))
      start = null
      box.remove()
    }
    const cancel = () => {
      start = null
      box.remove()
    }
    const click = (event: MouseEvent) => {
      const about = indicesOf(aboutOf(event.target as Drawn) ?? [], model)
      const [open, beside = null] = about
      if (open === undefined) return
      if (!model.opens || about.length > 2) store.set({ selected: new Set(about) })
      // A pair has the reference first: what is compared with it comes first here.
      else store.set(beside === null ? { open, beside } : { open: beside, beside: open })
    }
    const select = ({ left, top, right, bottom }: Area) => {
      const chosen = new Set<number>()
      for (const mark of marks) {
        if (mark.state === 'left-out' || mark.element instanceof SVGTextElement) continue
        const box = mark.element.getBoundingClientRect()
        const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2]
        if (x < left || x > right || y < top || y > bottom) continue
        for (const index of mark.about) chosen.add(index)
      }
      store.set({ selected: chosen })
    }
    element.addEventListener('pointerdown', down)
    element.addEventListener('pointermove', move)
    element.addEventListener('pointerup', up)
    element.addEventListener('pointercancel', cancel)
    element.addEventListener('click', click)
    return () => {
      element.removeEventListener('pointerdown', down)
      element.removeEventListener('pointermove', move)
      element.removeEventListener('pointerup', up)
      element.removeEventListener('pointercancel', cancel)
      element.removeEventListener('click', click)
    }
  }, [frame, marks, model, store])
}

interface Area {
  left: number
  top: number
  right: number
  bottom: number
}

function area(a: PointerEvent, b: PointerEvent): Area {
  return {
    left: Math.min(a.clientX, b.clientX),
    top: Math.min(a.clientY, b.clientY),
    right: Math.max(a.clientX, b.clientX),
    bottom: Math.max(a.clientY, b.clientY),
  }
}

function isDrag(from: PointerEvent, to: PointerEvent): boolean {
  return Math.hypot(to.clientX - from.clientX, to.clientY - from.clientY) >= LEAST_DRAG
}
