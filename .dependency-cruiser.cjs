// Which part may import which: dependencies point one way.
const data = '^harness/(format|metrics|own|random|sweep/(types|rounds)|record/types)\\.ts$'

/** A rule that `from` imports nothing of `to`, other than what `except` names. */
const forbid = (name, comment, from, to, except) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: to, ...(except && { pathNot: except }) },
})

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Files that import each other cannot be read one at a time.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'every-import-resolves',
      comment: 'What cannot be found cannot be held to these rules.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'nothing-imports-cli',
      comment: 'The command line stands on top.',
      severity: 'error',
      from: { pathNot: '^harness/cli/' },
      to: { path: '^harness/cli/' },
    },
    forbid(
      'cli-through-index',
      'The command line is built on what users import: what it lacks belongs into harness/api/.',
      '^harness/cli/',
      '^(harness|workers)/',
      '^harness/(cli/|index\\.ts$)',
    ),
    {
      name: 'nothing-imports-index',
      comment: 'The public face stands above all that it shows.',
      severity: 'error',
      from: { path: '^(harness|workers)/', pathNot: '^harness/cli/' },
      to: { path: '^harness/index\\.ts$' },
    },
    {
      name: 'nothing-imports-api',
      comment: 'What users import is gathered in harness/index.ts; nothing within is built on it.',
      severity: 'error',
      from: { path: '^(harness|workers)/', pathNot: '^harness/(api/|index\\.ts$)' },
      to: { path: '^harness/api/' },
    },
    forbid(
      'workers-without-harness',
      'What runs in a trial process knows no coordinator.',
      '^workers/',
      '^harness/',
    ),
    forbid(
      'harness-through-contract',
      'The coordinator starts workers by the URLs of their entry files and shares types, the check of what they send, the limits on both, and small functions on texts.',
      '^harness/',
      '^workers/',
      '^workers/(brokers/|protocol/|(workload|untrusted|data/types|data/((csv|plain)-text|nearest)|caps/limits)\\.ts$)',
    ),
    forbid(
      'pipeline-is-one-workload',
      "The built-in workload has no more than a user's own, the contract, and reads data.",
      '^workers/pipeline/',
      '^workers/',
      '^workers/(pipeline/|data/|kernels\\.ts$|workload\\.ts$)',
    ),
    forbid(
      'data-stands-alone',
      'How data is read hangs neither on what learns from it nor on the process that reads it.',
      '^workers/data/',
      '^workers/',
      '^workers/(data/|brokers/|kernels\\.ts$)',
    ),
    forbid(
      'brokers-stand-alone',
      'How a broker is reached hangs on nothing else.',
      '^workers/brokers/',
      '^(harness|workers)/',
      '^workers/brokers/',
    ),
    forbid(
      'kernels-stand-alone',
      'Kernels know numbers and bytes, and hang on nothing else.',
      '^workers/kernels(/|\\.ts$)',
      '^(harness|workers)/',
      '^workers/kernels/',
    ),
    {
      name: 'analyse-is-pure',
      comment: 'Statistics do no I/O: no modules of Node.',
      severity: 'error',
      from: { path: '^harness/analyse/' },
      to: { dependencyTypes: ['core'] },
    },
    forbid(
      'analyse-stands-alone',
      'Statistics know plain data and their mathematics, nothing else.',
      '^harness/analyse/',
      '.',
      [
        '^harness/analyse/',
        data,
        '^workers/(protocol/|(workload|data/types)\\.ts$)',
        'node_modules/(jstat|arquero)/',
      ],
    ),
    forbid(
      'stats-is-pure',
      'What users import as stint/stats brings nothing but statistics along.',
      '^harness/stats\\.ts$',
      '.',
      '^harness/analyse/',
    ),
    forbid(
      'sweep-comes-first',
      'A sweep is read before anything runs.',
      '^harness/sweep/',
      '^harness/(execute|record|gate|report)/',
    ),
    forbid(
      'execute-below-results',
      'Running a trial knows nothing of what becomes of it.',
      '^harness/execute/',
      '^harness/(gate|report)/',
    ),
    forbid(
      'parts-below-a-session',
      'A session puts the parts together; none of them knows of it.',
      '^harness/(sweep|plan|execute|record|analyse|report|ownership)/',
      '^harness/session/',
    ),
    forbid(
      'ownership-stands-alone',
      'Whose a process or a folder is hangs on nothing else.',
      '^harness/ownership/',
      '^(harness|workers)/',
      '^harness/ownership/',
    ),
    forbid(
      'record-below-results',
      'A record is kept, not judged.',
      '^harness/record/',
      '^harness/(execute|gate|report)/',
    ),
    forbid(
      'client-is-an-asset',
      'What runs in a browser is built apart and read as a file.',
      '^(harness|workers)/(?!report/client/)',
      '^harness/report/client/',
    ),
    {
      name: 'client-in-a-browser',
      comment: 'A browser has no modules of Node.',
      severity: 'error',
      from: { path: '^harness/report/client/' },
      to: { dependencyTypes: ['core'] },
    },
    forbid(
      'report-from-records',
      'A report is made from what was recorded or decided, not from how.',
      '^harness/report/',
      '^harness/(execute|gate)/',
      '^harness/gate/types\\.ts$',
    ),
  ],
  options: {
    // dependency-cruiser knows TypeScript below 7 only; swc reads the sources instead.
    parser: 'swc',
    tsPreCompilationDeps: true,
    // It reads no JSX: what the page's client holds is looked at when it is built.
    exclude: { path: '\\.tsx$' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.mjs', '.js', '.json'],
      conditionNames: ['import', 'node', 'default', 'types'],
      exportsFields: ['exports'],
    },
  },
}
