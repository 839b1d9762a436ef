/** The ways to use memory without end of the fixtures, for a sweep. */
import allocate from '../../fixtures/workloads/allocate.mjs'

export default {
  ...allocate,
  describe: () => ({
    ...allocate.describe(),
    params: {
      how: { type: 'string', default: 'steady', description: 'the way' },
      live_mb: { type: 'number', default: 24, description: 'memory that "steady" keeps' },
      steps: { type: 'number', default: 40, description: 'after which it would end' },
    },
  }),
}
