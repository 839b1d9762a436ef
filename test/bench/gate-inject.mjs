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

/** Passes over the data, each with and without the injected work; the fastest of either was disturbed least. */
const PASSES = 40
const TRIED_SHARE = 0.1

/**
 * Turns of `spin` that take the CPU time of one row of the workload, by this process alone: a first guess, corrected by
 * what a tenth of it adds to passes over the data.
 */
export async function turnsOfRow(base, context) {
  let [row, turn, without, along] = new Array(4).fill(Number.POSITIVE_INFINITY)
  const many = 5_000_000
  for (let pass = 0; pass < PASSES; pass++) {
    row = Math.min(row, await cpuOfRow(base, context))
    turn = Math.min(turn, (await cpuOf(() => spin(many, 1))) / many)
  }
  const guess = row / turn
  const bare = inject(base, 0)
  const wrapped = inject(base, TRIED_SHARE * guess)
  for (let pass = 0; pass < PASSES; pass++) {
    without = Math.min(without, await cpuOfRow(bare, context))
    along = Math.min(along, await cpuOfRow(wrapped, context))
  }
  return (guess * TRIED_SHARE) / (along / without - 1)
}

async function cpuOfRow(workload, context) {
  const open = await workload.open(context)
  let rows = 0
  const cpu = await cpuOf(async () => {
    for (let report = await open.step(); report !== null; report = await open.step()) rows += report.rows
  })
  await open.close?.()
  return cpu / rows
}

async function cpuOf(work) {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}
