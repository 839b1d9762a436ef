/** What follows the reader's choice: at once where it is in sight, elsewhere when there is time for it. */
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { State, Store } from './state.ts'

/** What is nearer to the window counts as in sight, px. */
const MARGIN = 200
/** Without a quiet moment for so long, what waits does so no longer, ms. */
const PATIENCE = 300
/** So long is worked on what waits before the reader has a turn, ms: a browser takes longer to paint twice than to paint more. */
const TURN = 40

interface Props {
  store: Store
  /** Not made at all before it is in sight or there is time. */
  later?: true
  /** @param state null: not yet */
  children(state: State | null): ComponentChildren
}

export function Following({ store, later, children }: Props) {
  const frame = useRef<HTMLDivElement>(null)
  const [state, setState] = useState(later ? null : store.get)
  const [isBehind, setBehind] = useState(later === true)
  useLayoutEffect(() => {
    let isNear = false
    const catchUp = () => {
      setState(store.get())
      setBehind(false)
    }
    const fallBehind = () => {
      setBehind(true)
      wait(catchUp)
    }
    const observer = new IntersectionObserver(
      (entries) => {
        isNear = entries.at(-1)!.isIntersecting
        if (isNear && waiting.delete(catchUp)) catchUp()
      },
      { rootMargin: `${MARGIN}px` },
    )
    observer.observe(frame.current!)
    if (later) wait(catchUp)
    const stop = store.subscribe(() => (isNear ? catchUp() : fallBehind()))
    return () => {
      stop()
      observer.disconnect()
      waiting.delete(catchUp)
    }
  }, [store])
  return (
    <div class="following" ref={frame} aria-busy={isBehind ? 'true' : undefined}>
      {children(state)}
    </div>
  )
}

// ---------------------------------------------------------------- what waits for a quiet moment

const waiting = new Set<() => void>()
let isPlanned = false

function wait(work: () => void): void {
  waiting.add(work)
  if (isPlanned) return
  isPlanned = true
  // In turns: whatever the reader does comes between.
  if ('requestIdleCallback' in globalThis) requestIdleCallback(workOn, { timeout: PATIENCE })
  else setTimeout(workOn, 30)
}

async function workOn(): Promise<void> {
  isPlanned = false
  const start = performance.now()
  for (const work of waiting) {
    waiting.delete(work)
    work()
    // A change of state is drawn after what made it.
    await null
    if (performance.now() - start > TURN) break
  }
  const [after] = waiting
  if (after !== undefined) wait(after)
}

// Paper shows all of it.
addEventListener('beforeprint', () => {
  for (const work of waiting) work()
  waiting.clear()
})
