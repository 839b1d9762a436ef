// Wraps a workload so that every row costs some turns of a loop more: the change that a gate must find.

/** Arithmetic that the compiler cannot leave out. */
export function spin(turns, state) {
  let x = state
  for (let turn = 0; turn < turns; turn++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
  }
  return x
}

export default function inject(base, turnsPerRow) {
  return {
    describe: () => base.describe(),
    async open(context) {
      const open = await base.open(context)
      let state = 1
      const after = (report) => {
        if (report !== null) state = spin(Math.round(report.rows * turnsPerRow), state) || 1
        return report
      }
      return {
        step() {
          const report = open.step()
          return typeof report?.then === 'function' ? report.then(after) : after(report)
        },
        finish: () => open.finish(),
        close: () => open.close?.(),
      }
    },
  }
}
