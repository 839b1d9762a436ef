/** Every environment variable that Stint reads, or sets for the processes of a run. */
export interface Variable {
  name: string
  /** Who gives it a value. */
  from: 'you' | 'your system' | 'GitHub Actions' | 'git' | 'Stint'
  meaning: string
}

export const ENVIRONMENT: readonly Variable[] = [
  {
    name: 'STINT_COMPUTE_MECHANISM',
    from: 'you',
    meaning:
      'the only mechanism for compute caps: `cgroup_v2`, `cgroup_v1` or `duty_cycle`; by default the best that works',
  },
  {
    name: 'STINT_MEMORY_BACKSTOP',
    from: 'you',
    meaning: '`none` leaves out the cgroup that backs up the other memory mechanisms',
  },
  {
    name: 'STINT_POWERCAP_ROOT',
    from: 'you',
    meaning: 'folder with the energy counters (RAPL); `/sys/class/powercap` by default',
  },
  {
    name: 'STINT_NATS_CREDS',
    from: 'you',
    meaning: 'file with the credentials for a NATS server (`.creds`: a JWT and a seed)',
  },
  { name: 'STINT_NATS_USER', from: 'you', meaning: 'user name for a NATS server' },
  { name: 'STINT_NATS_PASSWORD', from: 'you', meaning: 'password for a NATS server' },
  { name: 'STINT_NATS_TOKEN', from: 'you', meaning: 'token for a NATS server' },
  {
    name: 'STINT_NATS_CA',
    from: 'you',
    meaning: "file (PEM) with the authority that signed a NATS server's certificate; encrypts the connection",
  },
  { name: 'STINT_MQTT_USER', from: 'you', meaning: 'user name for an MQTT broker' },
  { name: 'STINT_MQTT_PASSWORD', from: 'you', meaning: 'password for an MQTT broker' },
  {
    name: 'STINT_MQTT_CA',
    from: 'you',
    meaning: "file (PEM) with the authority that signed an MQTT broker's certificate, for `mqtts://`",
  },
  { name: 'NO_COLOR', from: 'you', meaning: 'any value turns colors off, as `--no-color` does' },
  {
    name: 'FORCE_COLOR',
    from: 'you',
    meaning: 'any value but `0` turns colors on where the output is no terminal; `NO_COLOR` wins',
  },
  { name: 'TERM', from: 'your system', meaning: '`dumb`: no colors' },
  { name: 'PATH', from: 'your system', meaning: 'where `git`, `taskset` and `perf` are looked for' },
  {
    name: 'XDG_RUNTIME_DIR',
    from: 'your system',
    meaning:
      'where systemd is asked for a scope, so that a plain user has cgroups; `stint doctor` says when it is missing',
  },
  {
    name: '_',
    from: 'your system',
    meaning: 'the program that started Stint: under `nohup` a run survives a hang-up',
  },
  { name: 'GITHUB_ACTIONS', from: 'GitHub Actions', meaning: '`true`: a gate prints annotations' },
  {
    name: 'GITHUB_STEP_SUMMARY',
    from: 'GitHub Actions',
    meaning: 'file that a gate adds its table to',
  },
  {
    name: 'GITHUB_WORKSPACE',
    from: 'GitHub Actions',
    meaning: 'top of the checkout: files in annotations are named from there',
  },
  {
    name: 'NODE_OPTIONS',
    from: 'your system',
    meaning: 'not passed on to trials: V8 flags such as `--max-old-space-size` would defeat the memory cap',
  },
  {
    name: 'NODE_V8_COVERAGE',
    from: 'your system',
    meaning: 'not passed on to trials, which it would slow down',
  },
  {
    name: 'NODE_EXTRA_CA_CERTS',
    from: 'your system',
    meaning:
      'passed on to trials only where the sweep says `env: [NODE_EXTRA_CA_CERTS]`: Node 20 reads the file at every start, which takes some 40 ms',
  },
  ...['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_PREFIX', 'GIT_COMMON_DIR'].map(
    (name): Variable => ({
      name,
      from: 'git',
      meaning:
        'set inside a hook: not passed on to the `git` that Stint runs, which finds its repository by folder',
    }),
  ),
  {
    name: 'XDG_CACHE_HOME',
    from: 'your system',
    meaning:
      'where `stint agent` keeps data, code and results that are not handed in yet, in `stint/agent`, and where hashes of the files that Stint wrote tell them from yours, in `stint/written`; `~/.cache` by default',
  },
  {
    name: 'STINT_OWNER',
    from: 'Stint',
    meaning: 'marks every process of a run, so that the next run can end those that a killed one left',
  },
  {
    name: 'STINT_CLEARS',
    from: 'Stint',
    meaning:
      'marks the supervisor of a run, which clears up after a killed one by itself and so is not ended',
  },
]
