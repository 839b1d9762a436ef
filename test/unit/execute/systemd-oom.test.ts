import { expect, it } from 'vitest'
import { isStoppedByKills, unitsOf } from '../../../workers/caps/systemd-oom.ts'

it('finds the units that a group is in, and whose manager runs them', () => {
  expect(unitsOf('/lim.slice/job.service/sub')).toEqual([{ name: 'job.service', user: false }])
  expect(unitsOf('/user.slice/user-1000.slice/user@1000.service/app.slice/job.service')).toEqual([
    { name: 'user@1000.service', user: false },
    { name: 'job.service', user: true },
  ])
  expect(unitsOf('/')).toEqual([])
})

it.each([
  ['stop', true],
  ['kill', true],
  ['continue', false],
  // A unit that systemd does not know, as in a container whose groups have such names.
  ['', false],
  [null, false],
])('a unit with OOMPolicy %s: %s', async (policy, stopped) => {
  expect(await isStoppedByKills('/system.slice/job.service', async () => policy)).toBe(stopped)
})
