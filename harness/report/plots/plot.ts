/** What a picture is to its renderers: a Vega-Lite 6 spec, or the reason why there is none. */

export type Plot = {
  /** Below the run folder, such as `benchmarks/caps.png`. */
  file: string
  /** What it would show, for readers who cannot see it or when it is skipped. */
  alt: string
} & ({ spec: object; skipped?: never } | { spec?: never; skipped: string })
