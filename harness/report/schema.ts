/** The shape of a report as JSON: of `--json`, of `--export json`, and of `reports/report.json` in a run folder. */
import { z } from 'zod'
import { JSON_FORMAT } from './render/json.ts'

const number = z.number()
const numberOrNull = number.nullable()
const text = z.string()
const says = <T extends z.ZodType>(type: T, description: string): T => type.describe(description)
const object = z.looseObject

const scalar = z.union([text, number, z.boolean(), z.null()])
const estimate = says(
  object({
    value: says(number, 'the mean'),
    low: says(numberOrNull, 'lower end of its 95% interval; null for a single value'),
    high: numberOrNull,
    standardError: numberOrNull,
    n: says(number, 'values that entered'),
  }),
  'a mean with its confidence interval',
)

const outcomes = says(
  z.record(text, number),
  'trials by outcome: ok, out_of_memory, crashed, timed_out, failed',
)

const notice = object({
  level: says(z.enum(['problem', 'note']), 'problem: numbers are affected; note: good to know'),
  text,
})

const scenario = object({
  id: says(text, 'the same for the same settings, in any run'),
  label: says(text, "the axes' values in words"),
  point: says(z.record(text, z.union([text, number, z.boolean(), z.null()])), 'every setting by name'),
  trials: says(number, 'trials that ended'),
  outcomes,
  metrics: says(z.record(text, estimate.nullable()), 'by name, over the ok trials; null where none knows it'),
  pareto: says(
    z.boolean().nullable(),
    'true where no other scenario has both a lower latency and a better accuracy; null where a mean is not known',
  ),
  pareto_share: says(
    numberOrNull,
    'how often it is on that front when the trials are drawn again; null where a mean is not known',
  ),
  pareto_memory: says(z.boolean().nullable(), 'the same for peak memory and accuracy'),
  energy_source: says(text.nullable(), 'of energy_j, such as rapl or estimate; null where there is none'),
  forced: says(
    number,
    'ok trials that stint resume --force ran under other conditions, among those of every mean',
  ),
  forced_left_out: says(number, 'trials that it ran under other conditions, and that are in no number here'),
  compute: object({
    asked: says(numberOrNull, 'as the sweep asks; null without a cap'),
    in_force: says(numberOrNull, 'cores of the machine that ran; null where none was put in force'),
    achieved: says(estimate.nullable(), 'share of a core'),
    achieved_max: numberOrNull,
    over_cap: z.boolean(),
    mechanisms: z.array(text),
    period_ms: numberOrNull,
    enforced: says(z.boolean().nullable(), 'null without a cap'),
    notes: z.array(text),
  }),
  memory: object({
    asked_mb: says(numberOrNull, 'as the sweep asks; null without a cap'),
    in_force_mb: says(numberOrNull, 'the least that the workload of a trial could use; null where not known'),
    peak: estimate.nullable(),
    peak_max_mb: numberOrNull,
    mechanisms: z.array(text),
    enforced: z.boolean().nullable(),
    notes: z.array(text),
  }),
  failures: says(
    z.array(object({ outcome: text, reason: text, count: number, first_trial: text })),
    'trials that were not ok, those that ended alike together',
  ),
  precision: says(
    object({ state: text, halfWidth: numberOrNull }).optional(),
    'how well the mean that ends the rounds is known',
  ),
})

const comparison = object({
  metric: text,
  unit: text,
  scale: says(z.enum(['log', 'natural']), 'on which the sides are compared'),
  a: says(text, 'id of the reference; of several seeds, all ids joined by +'),
  b: text,
  a_label: text,
  b_label: text,
  n_a: says(number, 'trials that entered, or seeds where the seed is the unit'),
  n_b: number,
  mean_a: says(numberOrNull, "in the metric's unit"),
  mean_b: numberOrNull,
  difference: says(numberOrNull, 'mean_b - mean_a'),
  difference_ci_low: says(numberOrNull, 'of the test on the natural scale'),
  difference_ci_high: numberOrNull,
  compared_by: says(
    z.enum(['ratio', 'difference']),
    'what the margin bounds: difference for metrics that may be zero or negative, such as R2',
  ),
  ratio: says(numberOrNull, 'b / a: of geometric means on the log scale, else of arithmetic means'),
  ratio_ci_low: numberOrNull,
  ratio_ci_high: numberOrNull,
  t: numberOrNull,
  df: numberOrNull,
  p: says(numberOrNull, 'of the primary test; null where values were compared exactly'),
  p_adjusted: says(numberOrNull, 'corrected over the pairs of this metric'),
  correction: z.enum(['holm', 'bh']),
  hedges_g: numberOrNull,
  hedges_g_low: numberOrNull,
  hedges_g_high: numberOrNull,
  verdict: says(text, 'slower, faster, worse, better, higher, lower, equivalent, undecided or not_tested'),
  test: says(z.enum(['welch', 'paired_by_seed', 'paired_by_round', 'exact']).nullable(), 'the primary test'),
  seeds: object({ keys: z.array(text), n: number }).nullable(),
  secondary_tests: z.record(text, z.union([number, text, z.null()])),
  warnings: says(z.array(object({ kind: text })), 'what to know before trusting the row'),
})

const operatingPoint = object({
  goal: says(text, 'in words, such as lowest latency_mean_ms'),
  metric: text,
  unit: text,
  scenario: says(text, 'id of the scenario with the best mean'),
  label: text,
  estimate,
  tied: says(
    z.array(object({ scenario: text, label: text, estimate, p_adjusted: numberOrNull })),
    'scenarios whose difference from the best is not significant',
  ),
  warnings: z.array(object({ kind: text })),
})

// ---------------------------------------------------------------- what only the page needs, in a file and not on stdout

const tone = z.enum(['good', 'bad', 'quiet', 'strong'])

const block = says(
  object({ kind: z.enum(['text', 'facts', 'list', 'notices', 'table', 'picture', 'code', 'details']) }),
  'one thing that a section says; a picture holds its Vega-Lite specification',
)

const trialDetail = object({
  trial: text,
  round: number,
  outcome: text,
  started_at: text,
  duration_ms: number,
  metrics: says(z.record(text, numberOrNull), 'by name; empty for a trial that was not ok'),
  compute: object({ in_force: numberOrNull, achieved: numberOrNull, throttled_ms: numberOrNull }),
  memory: object({ in_force_mb: numberOrNull, peak_mb: numberOrNull }),
  noise: object({
    run_queue_wait_share: numberOrNull,
    others_cores: numberOrNull,
    steal_share: numberOrNull,
    involuntary_context_switches: numberOrNull,
    disturbed: z.array(text).nullable(),
  }),
  error: object({ name: text, message: text, exit: text.nullable() }).nullable(),
  notes: z.array(text),
})

const timeline = object({
  trial: text,
  chunks: number,
  chunks_per_value: says(number, 'the last value may stand for fewer'),
  latency_ms: says(z.array(number), 'mean of so many chunks'),
  latency_max_ms: z.array(number),
  memory_mb: says(z.array(number), 'heap and external memory, the largest reading'),
})

const page = object({
  title: text,
  subtitle: text,
  answer: object({ text, tone }),
  sections: z.array(object({ id: text, title: text, blocks: z.array(block) })),
  footer: text,
  explore: says(
    object({
      noun: says(text, 'what one item is called, such as scenario'),
      filters: z.array(object({ key: text, title: text, values: z.array(text) })),
      items: z.array(
        object({ id: text, label: text, at: says(z.array(number), 'index of its value in each filter') }),
      ),
    }).nullable(),
    'what its reader chooses among; rows of tables and of plots name the items that they are about',
  ),
  metrics: says(z.array(object({ name: text, title: text, unit: text, direction: text })), 'measured ones'),
  details: says(
    z.array(
      object({
        scenario: text,
        command: says(text.nullable(), 'runs only this scenario again'),
        trials: says(z.array(trialDetail), 'numbers with six digits; trials.jsonl has them in full'),
        timeline: says(timeline.nullable(), 'of one trial; null where no chunks were logged or read'),
      }),
    ),
    'of a run, trial by trial',
  ),
})
  // Every kind has it: told once in the schema.
  .meta({ id: 'page', description: 'in files only: all that the HTML page shows' })
  .optional()

const recommendation = object({
  text: says(text, 'all of it in one sentence'),
  reason: says(
    z.enum([
      'meets_goal',
      'knee',
      'same_accuracy',
      'most_accurate',
      'fastest',
      'nothing_meets',
      'nothing_ok',
    ]),
    'nothing_meets: scenario is the nearest, and not recommended',
  ),
  scenario: says(text.nullable(), 'id; of several seeds, all ids joined by +; null where there is none'),
  label: text.nullable(),
  of: says(number, 'scenarios that took part'),
  unreliable: says(number, 'scenarios left out because not every trial was ok'),
  objective: says(text.nullable(), "metric that the sweep's goal seeks; null without one"),
  limits: says(
    z.array(
      object({
        metric: text,
        unit: text,
        op: z.enum(['<=', '<', '>=', '>']),
        value: number,
        state: says(z.enum(['met', 'by_mean', 'missed']), 'met: by the whole interval of the mean'),
        estimate: estimate.nullable(),
      }),
    ),
    "the goal's, and how the scenario stands to them",
  ),
  meeting: says(number, 'scenarios that meet every limit by their intervals'),
  unsure: says(number, 'scenarios that meet them by their means only'),
  share: says(
    numberOrNull,
    'how often the scenario is on the front, or within the limits, when its trials are drawn again',
  ),
  tied: says(z.array(object({ scenario: text, label: text })), 'others that cannot be told from it'),
  priced: says(z.boolean(), 'whether caps vary, so that one scenario can be cheaper than another'),
  cheaper: says(text.nullable(), 'id of one that meets the limits under a lower cap'),
  front: says(
    object({ size: number, fastest: text, most_accurate: text }).nullable(),
    'of latency and accuracy: scenarios on it, and its ends; null where it played no part',
  ),
})

const sensitivity = object({
  axes: says(z.array(text), 'those with effects of their own'),
  determined: says(z.array(object({ axis: text, by: text })), 'axes whose values another axis determines'),
  seeds: says(z.array(text), 'settings that seed, whose values are repetitions'),
  metrics: z.array(
    object({
      metric: text,
      scale: z.enum(['log', 'natural']),
      n: says(number, 'trials that entered; scenarios for a metric without noise'),
      effects: z.array(
        object({
          axes: says(z.array(text), 'one, or two for their interaction'),
          df: number,
          share: says(number, 'omega squared: share of the variance that it explains'),
          low: says(numberOrNull, '95% interval'),
          high: numberOrNull,
        }),
      ),
      rest: says(number, 'share that none of them explains'),
      exact: z.boolean(),
      interactions: z.boolean(),
    }),
  ),
})

const growth = object({
  metric: text,
  power: says(number, 'the metric grows as rows to this power'),
  low: says(number, '95% interval'),
  high: number,
  orders: says(z.array(text), 'orders of growth within the interval, the nearest first'),
  rows: object({ least: number, most: number }),
  n: number,
  settings: number,
})

const format = z.literal(JSON_FORMAT)

const run = object({
  format,
  kind: z.literal('run'),
  page,
  name: says(text, "the sweep's"),
  trials: object({ planned: number, finished: number, outcomes }),
  latency: says(text, 'the metric by which latency is compared: per row where chunks differ in size'),
  accuracy: says(text.nullable(), "the workload's accuracy metric"),
  scenarios: z.array(scenario),
  comparisons: z.array(comparison),
  operating_points: says(z.array(operatingPoint), 'the scenario to use, by goal'),
  recommendation: says(
    recommendation.nullable(),
    'the scenario to use; null where there is nothing to choose',
  ),
  sensitivity: says(sensitivity.nullable(), 'what the axes explain; null where fewer than two vary'),
  growth: says(z.array(growth), 'over the rows of the data, where they are an axis'),
  notices: z.array(notice),
  run_folder: says(text.optional(), 'on stdout only'),
  files: says(z.array(text).optional(), 'on stdout only: what was written'),
}).describe('a run')

const found = object({
  at: says(z.record(text, scalar), 'by the axis of `over`; empty without one'),
  meets: says(
    number.nullable(),
    'the value looked for, confirmed to meet the goal; null where the range has none',
  ),
  fails: says(
    number.nullable(),
    'the value nearest to it confirmed to fail the goal; null where there is none',
  ),
  confidence: says(
    number.nullable(),
    'at least the probability that every confirmed verdict is right; null where they contradict each other',
  ),
  trials: number,
  undecided: says(z.array(number), 'values between the two that could not be decided'),
  violations: says(z.array(number), 'values that fail beyond one that meets'),
})

const find = object({
  format,
  kind: z.literal('find'),
  page,
  name: says(text, "the sweep's"),
  axis: text,
  best: z.enum(['min', 'max']),
  goal: text,
  test: object({
    alpha: says(number, 'chance that any confirmed verdict at one value of `over` is wrong'),
    power: says(number, 'chance to decide a value whose means lie at least `distance_sd` from their bounds'),
    distance_sd: says(number, 'in standard deviations of a trial'),
    share_meets: says(number, 'a value meets the goal where at least this share of its trials does'),
    share_fails: says(number, 'and fails it where at most this share does'),
    most_trials: says(number, 'of one value'),
  }),
  results: says(z.array(found), 'one for each value of `over`, or one'),
  tried: z.array(
    object({
      at: scalar,
      value: number,
      scenario: text,
      verdict: says(z.enum(['meets', 'fails', 'undecided']).nullable(), 'null: more trials are needed'),
      confirmed: says(z.boolean(), 'by the sequential test; else by a trial or two'),
      check: says(z.boolean(), 'tried to see whether the axis is monotone'),
      trials: number,
      not_ok: number,
      constraints: z.array(
        object({ metric: text, operator: text, bound: number, estimate: estimate.nullable() }),
      ),
    }),
  ),
  scenarios: says(z.array(scenario), 'the values that were tried, with what their trials measured'),
  notices: z.array(notice),
  run_folder: says(text.optional(), 'on stdout only'),
  files: says(z.array(text).optional(), 'on stdout only: what was written'),
}).describe('a search')

const compare = object({
  format,
  kind: z.literal('compare'),
  page,
  title: text,
  recommendation: says(text, 'which side to use, in words'),
  alpha: number,
  correction: z.enum(['holm', 'bh']),
  margin: says(number, 'as a share'),
  lines: z.array(
    object({
      scenario: says(text, 'that both sides share; empty where the sides are scenarios themselves'),
      a: text,
      b: text,
      sides: says(object({ a: text, b: text }), 'the runs, or the values of the reference'),
      row: comparison,
    }),
  ),
  notices: z.array(notice),
}).describe('a comparison of runs')

const gateRow = object({
  scenario: text,
  label: text,
  metric: says(text, 'name of a metric, or outcome'),
  unit: text,
  direction: text,
  verdict: z.enum(['regression', 'ruled_out', 'undecided', 'not_measured']),
  margin: says(numberOrNull, 'the largest change for the worse to tolerate, as a share'),
  ratio: says(
    object({ value: number, low: numberOrNull, high: numberOrNull }).nullable(),
    'candidate / baseline',
  ),
  baseline: says(numberOrNull, "mean, in the metric's unit"),
  candidate: numberOrNull,
  n: says(number, 'values that entered'),
  source: says(text, 'duets, pairs (of trials), trials, runs or exact'),
  note: text.nullable(),
})

const gate = object({
  format,
  kind: z.literal('gate'),
  page,
  verdict: z.enum(['regression', 'ruled_out', 'undecided']),
  exit_code: says(z.literal([0, 1, 3]), 'of the command, by the verdict'),
  machine: says(
    object({
      cpu_model: text,
      cores: number,
      memory_mb: number,
      platform: text,
      kernel: text,
      node: text,
      v8: text,
    }).nullable(),
    'that ran it; null where agents did',
  ),
  load_1m: says(
    object({ start: number, end: number }).nullable(),
    'average number of running and waiting processes over a minute, on that machine',
  ),
  name: text,
  baseline: says(text, 'what people call it'),
  candidate: text,
  rows: z.array(gateRow),
  coverage: says(
    z.array(
      object({
        scenario: text,
        label: text,
        chunks: says(numberOrNull, 'of the whole stream; null where no trial came to its end'),
        compared: says(number, 'chunks in turns, from the first on'),
        duets: number,
      }),
    ),
    'how much of the stream was compared',
  ),
  profiles: says(
    z.array(
      object({
        scenario: text,
        label: text,
        chunks: number,
        ratio: says(z.array(number), 'candidate / baseline, for each equal stretch of the stream'),
        low: z.array(numberOrNull),
        high: z.array(numberOrNull),
        where: says(
          object({ shape: z.enum(['everywhere', 'from', 'between', 'growing']) }),
          'where a change lies',
        ),
        duets: number,
      }),
    ),
    'how the versions compare along the stream, with 95% intervals',
  ),
  functions: says(
    object({
      scenario: text,
      label: text,
      files: object({ baseline: text, candidate: text }),
      functions: z.array(
        object({
          name: text,
          file: says(text, "next to the workload's module"),
          line: says(number, 'in the candidate, from 1; 0 where it has none'),
          baseline_ms: says(number, 'self time'),
          candidate_ms: number,
        }),
      ),
    }).nullable(),
    'functions whose self time grew most, from one trial of each version under the CPU profiler; null where none was profiled',
  ),
  operators: says(
    object({
      scenario: text,
      label: text,
      operators: z.array(
        object({
          name: text,
          baseline_us: says(numberOrNull, 'per row; null where the version has no such operator'),
          candidate_us: numberOrNull,
        }),
      ),
    }).nullable(),
    "times of the workload's own operators, from the first trial of each version, where a scenario takes longer; null for workloads that report none",
  ),
  untested: says(z.array(object({ metric: text, why: text })), 'what could get worse unnoticed'),
  notes: z.array(text),
  alpha: number,
  tests: says(number, 'tests that share the alpha'),
  duets: number,
  cores: says(z.array(number), 'that duets ran on, each on one'),
  trials: number,
  elapsed_s: number,
  ended: z.enum(['decided', 'time_limit', 'all_measured']),
}).describe('a gate')

const bisect = object({
  format,
  kind: z.literal('bisect'),
  page,
  name: text,
  good: says(text, 'the ref that every commit was compared with'),
  bad: text,
  found: says(text.nullable(), 'hash of the first commit that is worse; null where it was not found'),
  candidates: says(z.array(text), 'commits that may be the first, where those skipped leave several'),
  steps: z.array(
    object({
      commit: text,
      verdict: z.enum(['regression', 'ruled_out', 'undecided', 'skipped']),
      why: text,
    }),
  ),
}).describe('a search for the commit that made it worse')

const pipeline = object({
  format,
  kind: z.literal('pipeline'),
  page,
  dataset_fingerprint: object({}),
  reproducibility: object({}),
  batch: object({}),
  streaming: object({}),
  benchmark: object({}),
  constraint_experiment: object({ grid: z.array(object({})), operating_points: z.array(object({})) }),
  quality: object({}),
  scaling: object({}),
  not_measured: says(z.record(text, text), 'why a column is empty, by file and column'),
  notices: z.array(notice),
}).describe('stint pipeline')

const historyChange = {
  kind: z.enum(['step', 'drift', 'spread']),
  verdict: z.enum(['worse', 'better', 'changed']),
  index: says(number, "of the likeliest first run after the change, among the series' points"),
  low: says(number, 'first run that it may have been, with 95% confidence; of a drift, its first run'),
  high: says(number, 'last run that it may have been; of a drift, its last run'),
  before: says(number, "level before, in the metric's unit; of spread, the standard deviation"),
  after: number,
  p: number,
}

const historyPoint = object({ run: text, commit: text.nullable(), started_at: text, value: number })

const history = object({
  format,
  kind: z.literal('history'),
  page,
  runs: says(number, 'that were read, each once'),
  events: says(
    z.array(
      object({
        sweep: text,
        machine: text,
        verdict: z.enum(['worse', 'better', 'changed', 'mixed']),
        kind: z.enum(['step', 'drift', 'spread']),
        good: says(historyPoint, 'the newest run that is surely of before'),
        first: says(historyPoint, 'first run that may be the first after the change'),
        last: says(historyPoint, 'last run that may be'),
        new: says(z.boolean(), 'it could not have been told without the newest run'),
        members: z.array(
          object({
            ...historyChange,
            ...{ scenario: says(text, 'id'), label: text, metric: text, unit: text },
            compared_by: z.enum(['ratio', 'difference']),
          }),
        ),
      }),
    ),
    'changes of all series that may lie in one place',
  ),
  series: z.array(
    object({
      sweep: text,
      machine: text,
      scenario: says(text, 'id'),
      label: text,
      metric: text,
      unit: text,
      direction: text,
      compared_by: z.enum(['ratio', 'difference']),
      points: says(z.array(historyPoint), 'one per run, in order of time'),
      outliers: says(z.array(number), 'indices of runs that stand apart'),
      changes: z.array(object(historyChange)),
    }),
  ),
  notes: z.array(text),
}).describe('a history of runs')

const doctor = object({
  format,
  kind: z.literal('doctor'),
  page,
  machine: object({ cpu_model: text, cores: number, memory_mb: number, platform: text, node: text }),
  limits: says(
    object({
      version: z.enum(['v1', 'v2', 'none']),
      cores: says(number, 'that can be used: by the set of cores that the process is held to, and the quota'),
      cpu_quota_cores: numberOrNull,
      cpu_quota_group: text.nullable(),
      memory_mb: says(number, 'of the machine, or the limit where that is less'),
      memory_limit_mb: numberOrNull,
      memory_limit_group: text.nullable(),
    }),
    'what Stint and all its trials together may use: the smallest limit of all groups from its own upwards',
  ),
  checks: z.array(
    object({
      area: z.enum(['compute', 'memory', 'energy', 'noise']),
      name: text,
      able: says(z.boolean().nullable(), 'null where it was not measured, as on a machine that is too slow'),
      found: says(text, 'what happened when it was tried'),
      remedy: says(
        text.nullable(),
        'the one command that would enable it; null where none is needed or known',
      ),
    }),
  ),
  kernel_ops_s: says(
    numberOrNull,
    'operations a second of CPU time that one core does of the fixed kernel; null where that was not measured',
  ),
  quiet: says(
    object({
      runs: says(number, 'trials of each of two sides that are the same'),
      variation: says(numberOrNull, "coefficient of variation of the trials' time, as a share"),
      apparent_change: numberOrNull,
      smallest_change: says(numberOrNull, 'that as many runs find with 80% power at alpha 5%, as a share'),
      disturbed: says(number, 'trials that were disturbed by other work'),
    }).nullable(),
    'null where no trials were asked for',
  ),
}).describe('a machine')

const profiles = object({
  format,
  kind: z.literal('profiles'),
  page,
  profiles: z.array(
    object({
      name: text,
      description: text,
      settings: z.record(text, scalar),
      watts: says(object({}).nullable(), 'for an estimate of energy'),
      kernel_ops_s: says(numberOrNull, 'speed of one core by the fixed kernel'),
      path: text,
    }),
  ),
}).describe('the hardware profiles that ship')

const param = object({
  type: z.enum(['number', 'integer', 'string', 'boolean']),
  default: scalar,
  values: says(z.array(scalar).optional(), 'the only values allowed, where they are few'),
  minimum: number.optional(),
  maximum: number.optional(),
  description: text,
})

const params = object({
  format,
  kind: z.literal('params'),
  page,
  workload: text,
  params: says(z.record(text, param).nullable(), 'by name; null where any is handed over as given'),
  choices: says(
    z.record(text, z.record(text, object({ description: text, params: z.record(text, param) }))),
    'by parameter and value, such as a learner: what this value takes',
  ),
}).describe('the parameters of a workload')

/** Further keys may come with the same format; none of these goes or changes its meaning without a new one. */
export const reportSchema = z.discriminatedUnion('kind', [
  run,
  find,
  compare,
  gate,
  bisect,
  pipeline,
  history,
  doctor,
  profiles,
  params,
])

/** As JSON Schema, which ships as docs/report.schema.json. */
export function reportJsonSchema(): object {
  return z.toJSONSchema(reportSchema, { target: 'draft-7', io: 'input' })
}
