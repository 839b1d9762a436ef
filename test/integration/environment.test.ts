/** What a trial sees of the environment in which Stint was started. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CliEnd, Sandbox } from '../fixtures/cli.ts'

/** A value that must be nowhere in a run folder. */
const SECRET = 'f2d7-hand-me-over'
const SURROUNDINGS = {
  STINT_TEST_SECRET: SECRET,
  SOMETHING_ELSE: 'x',
  NODE_EXTRA_CA_CERTS: '/dev/null',
  STINT_NATS_PASSWORD: 'y',
  NODE_ENV: 'production',
  PYTHONHASHSEED: '1',
  LC_TIME: 'C',
  TZ: 'Asia/Tokyo',
}

/** Tells the names that it sees, when it describes itself and in a trial. */
const MODULE = `
const names = () => Object.keys(process.env).sort().join(' ')
const described = names()
export default {
  describe: () => ({ name: 'seen', params: { described: { type: 'string', default: names(), description: 'd' } }, metrics: {}, dataset: 'optional' }),
  open({ params }) {
    let left = 1
    const info = { trial: names(), described: params.described, secret: String(process.env.STINT_TEST_SECRET?.length), zone: process.env.TZ }
    return { step: () => (left-- > 0 ? { rows: 1 } : null), finish: () => ({ metrics: {}, info }) }
  },
}
`
const PROGRAM = `
import { createInterface } from 'node:readline'
for await (const line of createInterface({ input: process.stdin })) {
  const { op } = JSON.parse(line)
  const answers = { open: {}, step: { done: true }, finish: { metrics: {}, info: { trial: Object.keys(process.env).sort().join(' ') } }, close: {} }
  console.log(JSON.stringify(answers[op] ?? {}))
}
`

let box: Sandbox
beforeAll(() => {
  box = new Sandbox()
  box.write('seen.mjs', MODULE)
  box.write('program.mjs', PROGRAM)
})
afterAll(() => box.remove())

async function run(sweep: string, environment: Record<string, string> = SURROUNDINGS): Promise<CliEnd> {
  return await box.stintWith(environment, 'run', box.write('sweep.yaml', sweep), '--out', box.results)
}

function told(): { info: Record<string, string>; manifest: Record<string, unknown>; all: string } {
  const folder = box.runs().at(-1)!
  const texts = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
  const [line] = readFileSync(join(folder, 'trials.jsonl'), 'utf8').split('\n')
  return {
    info: JSON.parse(line!).info,
    manifest: JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')),
    all: texts.join('\n'),
  }
}

const listed = (names: string | undefined) => (names ?? '').split(' ')

describe('a trial', () => {
  it('sees what the sweep names and what programs need, and no value is recorded', async () => {
    const { code, stderr } = await run(
      'name: swept\nworkload: ./seen.mjs\nbenchmark_runs: 1\nwarmup_chunks: 0\nenv: [STINT_TEST_SECRET]\n',
    )
    expect([code, stderr]).toEqual([0, expect.any(String)])
    const { info, manifest, all } = told()
    for (const names of [listed(info['trial']), listed(info['described'])]) {
      expect(names).toEqual(expect.arrayContaining(['PATH', 'TMPDIR', 'TZ', 'LC_TIME', 'STINT_TEST_SECRET']))
      for (const name of ['SOMETHING_ELSE', 'NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS', 'NODE_ENV'])
        expect(names).not.toContain(name)
    }
    expect(listed(info['trial'])).not.toContain('STINT_NATS_PASSWORD')
    expect(info).toMatchObject({ secret: String(SECRET.length), zone: 'Asia/Tokyo' })
    expect(manifest['sweep']).toMatchObject({ env: ['STINT_TEST_SECRET'] })
    expect(all).not.toContain(SECRET)
    const note =
      'trials do not see NODE_ENV, set in this environment; "env: [NODE_ENV]" in the sweep hands over what is named'
    expect(manifest['notes']).toContainEqual(note)
    expect(stderr).toContain(note)
  })

  it('of a program sees the same', async () => {
    const { code, stderr } = await run(
      `name: swept\nworkload: { command: [${process.execPath}, program.mjs] }\nbenchmark_runs: 1\nwarmup_chunks: 0\nenv: [SOMETHING_ELSE]\n`,
    )
    expect([code, stderr]).toEqual([0, expect.stringContaining('trials do not see PYTHONHASHSEED,')])
    const names = listed(told().info['trial'])
    expect(names).toEqual(expect.arrayContaining(['PATH', 'TMPDIR', 'SOMETHING_ELSE']))
    expect(names).not.toContain('STINT_TEST_SECRET')
    expect(names).not.toContain('PYTHONHASHSEED')
  })

  it('does not run without a variable that the sweep hands over', async () => {
    const { code, stderr } = await run(
      'name: swept\nworkload: ./seen.mjs\nenv: [STINT_TEST_SECRET, NOT_THERE]\n',
    )
    expect(code).toBe(2)
    expect(stderr).toMatch(
      /sweep\.yaml:3:6: key "env": NOT_THERE is not set in this environment\n.*export NOT_THERE=/,
    )
  })
})
