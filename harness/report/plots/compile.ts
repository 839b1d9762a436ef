/** A Vega-Lite spec in, a Vega spec out. */
import type { Spec } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'

/** Warnings are errors here, since our own specs must raise none. */
export function compileSpec(spec: object): Spec {
  const warnings: string[] = []
  const logger = {
    level: () => logger,
    error: (...words: readonly unknown[]) => note(words),
    warn: (...words: readonly unknown[]) => note(words),
    info: () => logger,
    debug: () => logger,
  }
  function note(words: readonly unknown[]) {
    warnings.push(words.join(' '))
    return logger
  }
  // biome-ignore lint/suspicious/noExplicitAny: the library's logger type cannot express a level() that gets and sets.
  const compiled = compile(spec as TopLevelSpec, { logger: logger as any })
  if (warnings.length > 0) throw new Error(`Plot specification: ${warnings.join('; ')}`)
  return compiled.spec
}
