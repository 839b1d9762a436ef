// Wraps a workload so that every chunk takes a share more CPU time: the change that a gate must find.
export default function inject(base, share) {
  const used = () => {
    const { user, system } = process.cpuUsage()
    return user + system
  }
  return {
    describe: () => base.describe(),
    async open(context) {
      const open = await base.open(context)
      const burn = (begin) => {
        const until = used()
        const end = until + share * (until - begin)
        // CPU time, so that another process that had the core makes the injected work no longer.
        while (used() < end);
      }
      return {
        step() {
          const begin = used()
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
