/** The ways to use memory without end of the fixtures, for a sweep. */
import allocate from '../../fixtures/workloads/allocate.mjs'

export default {
  ...allocate,
  describe: () => ({
    ...allocate.describe(),
    params: {
      how: { type: 'string', default: 'steady', description: 'the way' },
      live_mb: { type: 'number', default: 24, description: 'memory that "steady" keeps' },
    },
  }),
  // What must be ended by its cap has no end of its own.
  open: ({ params }) =>
    allocate.open({ params: { ...params, steps: params.how === 'steady' ? 40 : Number.POSITIVE_INFINITY } }),
}
