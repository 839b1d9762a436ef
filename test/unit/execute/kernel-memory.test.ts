import { expect, it } from 'vitest'
import { MemoryCapError, MemoryCheck, readWorkerMemory } from '../../../workers/caps/memory.ts'
import { type Kernels, openKernels } from '../../../workers/kernels.ts'

const MIB = 1024 * 1024

it('counts the memory of kernels once, and gives it to the next that opens them', () => {
  // One that an earlier test left may have room already; the one after it is new.
  const earlier = openKernels() as Kernels
  const before = readWorkerMemory().externalBytes
  const kernels = openKernels() as Kernels
  const used = () => (readWorkerMemory().externalBytes - before) / MIB
  const numbers = kernels.floats(MIB)
  expect(used()).toBeGreaterThan(7.9)
  // Were it counted by V8 as well, it would be 16.
  expect(used()).toBeLessThan(9)
  numbers.fill(1)
  kernels.close()
  const next = openKernels() as Kernels
  expect(next).toBe(kernels)
  // What is handed out again is zeros again.
  expect(next.floats(MIB).every((value) => value === 0)).toBe(true)
  expect(used()).toBeLessThan(9)
  next.close()
  earlier.close()
})

it('holds the cap against the memory of kernels', () => {
  const earlier = openKernels() as Kernels
  const kernels = openKernels() as Kernels
  const check = new MemoryCheck(readWorkerMemory(), 64, () => {})
  check.check(0)
  const held = kernels.ints(20 * MIB)
  expect(() => check.check(0)).toThrow(MemoryCapError)
  kernels.free(held)
  kernels.close()
  earlier.close()
})

it('hands out room that was given back, and moves no array as it grows', () => {
  const kernels = openKernels() as Kernels
  const kept = kernels.floats(1000).fill(7)
  const first = kernels.ints(5000)
  const second = kernels.bytes(100)
  kernels.free(first)
  expect(kernels.ints(4000).byteOffset).toBe(first.byteOffset)
  const large = kernels.floats(5 * MIB)
  large[5 * MIB - 1] = 3
  expect(kept.every((value) => value === 7)).toBe(true)
  expect(second.length).toBe(100)
  kernels.free(large)
  expect(kernels.floats(10).byteOffset).toBeLessThan(large.byteOffset + 1)
  kernels.close()
})
