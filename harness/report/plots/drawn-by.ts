/** A picture that can be drawn, whose spec is made when something first looks at it. */
import type { Plot } from '../section.ts'

/**
 * Texts in a spec are measured with the pictures' own font, by a library that takes a third of a second to load: tables
 * and texts of a report name its pictures without that.
 */
export function drawnBy(said: Omit<Plot, 'spec' | 'skipped'>, makeSpec: () => object): Plot {
  let spec: object | null = null
  return {
    ...said,
    get spec() {
      spec ??= makeSpec()
      return spec
    },
  }
}
