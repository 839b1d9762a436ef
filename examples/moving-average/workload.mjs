// A workload in one file without a dependency: it forecasts a noisy wave by the mean of its last values.
// Try it: npx stint run examples/moving-average/sweep.yaml

/** The same numbers for the same seed, on every machine. */
function generator(seed) {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

export default {
  describe: () => ({
    name: 'moving-average',
    dataset: 'none',
    params: {
      window: { type: 'integer', default: 16, minimum: 1, description: 'values that the mean is taken over' },
      rows: { type: 'integer', default: 20_000, minimum: 1, description: 'values in the stream' },
    },
    metrics: {
      mae: {
        unit: '',
        direction: 'lower_is_better',
        kind: 'deterministic',
        description: 'mean absolute error of the forecasts',
      },
    },
    accuracy: 'mae',
  }),

  open({ params, settings }) {
    const random = generator(settings.random_seed)
    const recent = []
    let row = 0
    let error = 0
    let scored = 0
    return {
      // One chunk: at most `offer.rows` values; null once the stream is used up.
      step(offer) {
        if (row === params.rows) return null
        const rows = Math.min(offer.rows, params.rows - row)
        for (let i = 0; i < rows; i++, row++) {
          const value = Math.sin(row / 50) + random() / 5
          if (recent.length > 0) {
            const forecast = recent.reduce((sum, x) => sum + x, 0) / recent.length
            error += Math.abs(forecast - value)
            scored++
          }
          recent.push(value)
          if (recent.length > params.window) recent.shift()
        }
        return { rows }
      },
      finish: () => ({ metrics: { mae: scored === 0 ? null : error / scored } }),
    }
  },
}
