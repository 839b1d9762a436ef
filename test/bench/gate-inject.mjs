// Wraps a workload so that every chunk takes a share longer: the change that a gate must find.
export default function inject(base, share) {
  return {
    describe: () => base.describe(),
    async open(context) {
      const open = await base.open(context)
      let typical = null
      const burn = (begin) => {
        const took = performance.now() - begin
        typical = typical === null ? took : typical + 0.05 * (Math.min(took, 2 * typical) - typical)
        // A chunk in which another process had the core must not make the injected work longer.
        const until = performance.now() + share * Math.min(took, 2 * typical)
        while (performance.now() < until);
      }
      return {
        step() {
          const begin = performance.now()
          const report = open.step()
          if (typeof report?.then === 'function') {
            return report.then((value) => {
              if (value !== null) burn(begin)
              return value
            })
          }
          if (report !== null) burn(begin)
          return report
        },
        finish: () => open.finish(),
        close: () => open.close?.(),
      }
    },
  }
}
