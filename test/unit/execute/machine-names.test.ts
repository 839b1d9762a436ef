/** Two machines never share a name in a record, whatever their agents are called. */
import { expect, it } from 'vitest'
import { differenceOf, MachineNames } from '../../../harness/execute/fleet/names.ts'
import type { AgentRecord } from '../../../harness/execute/fleet/options.ts'
import { readMachine } from '../../../harness/record/machine.ts'
import type { FleetMachine } from '../../../harness/record/types.ts'

const BOARD: FleetMachine = {
  ...{ name: 'pi', id: 'a', labels: ['pi4'], stint: '1', build: 'b', machine: readMachine() },
  ...{ limits: { max_memory_mb: null, max_cores: null }, clock: null, kernel_ops_s: null },
}
const more = (changes: Partial<FleetMachine>): FleetMachine => ({ ...BOARD, ...changes })
const processor = (cpu_model: string) => more({ machine: { ...BOARD.machine, cpu_model } })

it('gives a machine the name of its agent, and the second of that name another', () => {
  const names = new MachineNames()
  const other = processor('another')
  expect(names.nameOf(BOARD)).toBe('pi')
  expect(names.nameOf(other)).toBe('pi (2)')
  expect(names.nameOf(more({ id: 'c' }))).toBe('pi (3)')
  expect(names.nameOf(more({ limits: { max_memory_mb: 64, max_cores: null } }))).toBe('pi (4)')
  expect(names.nameOf(more({ name: 'server', id: 'c' }))).toBe('server')
  // Whatever else it says of itself meanwhile.
  const clock = { offset_ms: 3_600_000, error_ms: 1 }
  expect(names.nameOf(more({ clock, kernel_ops_s: 1, labels: [] }))).toBe('pi')
  expect(names.nameOf({ ...other, clock })).toBe('pi (2)')
})

it('goes on with the names of the record, whichever machine comes first', () => {
  const other = processor('another')
  const names = new MachineNames([BOARD, { ...other, name: 'pi (2)' }])
  expect(names.nameOf(other)).toBe('pi (2)')
  expect(names.nameOf(processor('a third'))).toBe('pi (3)')
  expect(names.nameOf(more({ clock: { offset_ms: 1, error_ms: 1 } }))).toBe('pi')
})

it('knows two machines by what runs them, then by what they are and what they give', () => {
  const record = (boot: string, machine = BOARD, hardware: string | null = null): AgentRecord =>
    ({ ...machine, process: boot, at: { host: 'raspberrypi', pid: 1, boot, hardware } }) as AgentRecord
  expect(differenceOf(record('1f'), record('1f'))).toBe(null)
  // Alike, with one image for both.
  expect(differenceOf(record('1f'), record('2e'))).toBe('that is another machine')
  // A system that has no such id.
  expect(differenceOf(record('0'), record('2e'))).toBe(null)
  expect(differenceOf(record('0', BOARD, 'a1'), record('0', BOARD, 'b2'))).toBe('that is another machine')
  expect(differenceOf(record('0', BOARD, 'a1'), record('0', BOARD, 'a1'))).toBe(null)
  expect(differenceOf(record('0', BOARD, 'a1'), record('0'))).toBe(null)
  expect(differenceOf(record('0'), record('2e', processor('another')))).toMatch(
    /^the processor is another there and .+ here$/,
  )
  const small = more({ limits: { max_memory_mb: 64, max_cores: null } })
  expect(differenceOf(record('1f'), record('1f', small))).toBe(
    'the most memory that an agent gives, MB is 64 there and none here',
  )
})
