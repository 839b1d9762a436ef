// Anomaly scores for a sensor: an exponentially weighted mean and variance, one alarm per outlying reading.
// The stream is synthetic and follows from random_seed only, so the true anomalies are known.
export default {
  describe: () => ({
    name: 'sensor-anomalies',
    dataset: 'none',
    accuracy: 'f1',
    params: {
      readings: { type: 'integer', default: 100_000, minimum: 1, description: 'readings in the stream' },
      half_life: {
        type: 'number',
        default: 200,
        minimum: 1,
        description: 'readings until the past counts half',
      },
      threshold: {
        type: 'number',
        default: 4,
        minimum: 0,
        description: 'standard deviations that raise an alarm',
      },
    },
    metrics: {
      f1: {
        unit: '',
        direction: 'higher_is_better',
        kind: 'deterministic',
        description: 'F1 score of alarms',
      },
    },
  }),
  open({ params, settings }) {
    const weight = 1 - 0.5 ** (1 / params.half_life)
    const random = generator(settings.random_seed)
    let [seen, mean, variance, hits, alarms, anomalies] = [0, 20, 1, 0, 0, 0]
    const read = () => {
      const anomaly = random() < 0.005
      const noise = random() + random() + random() + random() - 2
      const value = 20 + 3 * Math.sin(seen++ / 2000) + noise + (anomaly ? 8 * (random() - 0.5) : 0)
      const distance = value - mean
      const alarm = distance * distance > params.threshold ** 2 * variance
      if (anomaly) anomalies++
      if (alarm) alarms++
      if (anomaly && alarm) hits++
      if (alarm) return
      mean += weight * distance
      variance += weight * (distance * distance - variance)
    }
    return {
      step() {
        const rows = Math.min(settings.chunk_size, params.readings - seen)
        for (let row = 0; row < rows; row++) read()
        return rows === 0 ? null : { rows }
      },
      finish: () => ({
        metrics: { f1: alarms + anomalies === 0 ? null : (2 * hits) / (alarms + anomalies) },
      }),
    }
  },
}

// Park and Miller's minimal standard generator.
function generator(seed) {
  let state = (seed % 2147483646) + 1
  return () => {
    state = (state * 48271) % 2147483647
    return state / 2147483647
  }
}
