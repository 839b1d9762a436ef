import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Samples } from '../../../workers/measured-run.ts'
import type { ChunkLogLine } from '../../../workers/protocol/trial-result.ts'
import { ChunkLog } from '../../../workers/telemetry/chunk-log.ts'
import { EnergyMeter } from '../../../workers/telemetry/energy.ts'
import { readThrottledMs } from '../../../workers/telemetry/meters.ts'
import { mappedFilesMb, ProcessCpuTime, ResidentSize } from '../../../workers/telemetry/process-files.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('Samples', () => {
  it('gives exact quantiles with linear interpolation, whatever the order and beyond its first capacity', () => {
    const samples = new Samples()
    for (let i = 4999; i >= 0; i--) samples.add(i)
    expect(samples.count).toBe(5000)
    expect(samples.mean()).toBe(2499.5)
    expect(samples.quantiles([0, 0.5, 0.9, 1])).toEqual([0, 2499.5, 4499.1, 4999])
  })

  it('knows nothing of no samples', () => {
    expect(new Samples().mean()).toBeNull()
    expect(new Samples().quantiles([0.5])).toEqual([null])
  })
})

describe('EnergyMeter', () => {
  const domain = (name: string, label: string, microjoules: number, range = 1000_000_000) => {
    mkdirSync(join(folder, name), { recursive: true })
    writeFileSync(join(folder, name, 'name'), `${label}\n`)
    writeFileSync(join(folder, name, 'energy_uj'), `${microjoules}\n`)
    writeFileSync(join(folder, name, 'max_energy_range_uj'), `${range}\n`)
  }

  it('adds packages, and neither their subdomains, nor the platform, nor the second interface', () => {
    const all = (add: number) => {
      domain('intel-rapl:0', 'package-0', 1_000_000 + add)
      domain('intel-rapl:0:0', 'core', 500_000 + add)
      domain('intel-rapl:1', 'package-1', 7_000_000 + 2 * add)
      domain('intel-rapl:2', 'psys', 9_000_000 + 5 * add)
      domain('intel-rapl-mmio:0', 'package-0', 1_000_000 + add)
    }
    all(0)
    const meter = new EnergyMeter(folder)
    all(2_500_000)
    expect(meter.stop(1000)).toEqual({ joules: 7.5, source: 'rapl' })
    // The kernel updates them once a ms: 5% of 20 ms.
    expect(meter.stop(19)).toEqual({ joules: null, source: 'rapl' })
    expect(meter.stop(20)).toEqual({ joules: 7.5, source: 'rapl' })
  })

  it('corrects a counter that wrapped', () => {
    domain('intel-rapl:0', 'package-0', 9_900_000, 10_000_000)
    const meter = new EnergyMeter(folder)
    domain('intel-rapl:0', 'package-0', 400_000, 10_000_000)
    expect(meter.stop(1000)).toEqual({ joules: 0.5, source: 'rapl' })
  })

  it('knows nothing where there is no RAPL or a package has no counter to read', () => {
    expect(new EnergyMeter(join(folder, 'absent')).stop(1000)).toEqual({ joules: null, source: null })
    domain('intel-rapl:0', 'package-0', 1)
    domain('intel-rapl:1', 'package-1', 1)
    rmSync(join(folder, 'intel-rapl:1', 'energy_uj'))
    expect(new EnergyMeter(folder).stop(1000)).toEqual({ joules: null, source: null })
  })

  it('takes a counter that reads empty for none, not for 0', () => {
    domain('intel-rapl:0', 'package-0', 5_000_000)
    const meter = new EnergyMeter(folder)
    writeFileSync(join(folder, 'intel-rapl:0', 'energy_uj'), '')
    expect(meter.stop(1000)).toEqual({ joules: null, source: null })
    expect(new EnergyMeter(folder).stop(1000)).toEqual({ joules: null, source: null })
  })
})

describe('readThrottledMs', () => {
  it('reads both versions of cpu.stat', () => {
    const file = join(folder, 'cpu.stat')
    writeFileSync(file, 'nr_periods 10\nnr_throttled 4\nthrottled_time 12500000\n')
    expect(readThrottledMs(file)).toBe(12.5)
    writeFileSync(file, 'usage_usec 5\nnr_periods 10\nnr_throttled 4\nthrottled_usec 12500\n')
    expect(readThrottledMs(file)).toBe(12.5)
    writeFileSync(file, 'usage_usec 5\n')
    expect(readThrottledMs(file)).toBeNull()
    expect(readThrottledMs(join(folder, 'absent'))).toBeNull()
  })
})

describe('ChunkLog', () => {
  const numbers = { latency_ms: 1, service_ms: 0.5, cpu_ms: 0.25, heap_mb: 2, external_mb: 3 }
  const read = (path: string) =>
    readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((text): ChunkLogLine => JSON.parse(text))

  it('writes every line, in order, in a folder it makes, and leaves no temporary file', () => {
    const path = join(folder, 'chunks', 't.jsonl')
    const log = new ChunkLog(path)
    const before = log.bytes
    const count = 3000
    for (let chunk = 0; chunk < count; chunk++) {
      const report = { rows: 2, bytes: chunk, ...(chunk % 7 === 0 ? { operators_ms: { read: chunk } } : {}) }
      log.add(
        { rows: 2, ...numbers, first_row: chunk * 2 },
        { ...report, ...(chunk % 1100 === 5 ? { detail: { chunk } } : {}) },
      )
    }
    expect(log.bytes).toBe(before)
    log.extendLast(41)
    log.close()
    const lines = read(path)
    const expected = Array.from({ length: count }, (_, chunk) => ({
      chunk,
      rows: 2,
      first_row: chunk * 2,
      ...numbers,
      latency_ms: chunk === count - 1 ? 42 : 1,
      bytes: chunk,
      ...(chunk % 7 === 0 ? { operators_ms: { read: chunk } } : {}),
      ...(chunk % 1100 === 5 ? { detail: { chunk } } : {}),
    }))
    expect(lines).toEqual(expected)
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`stint-chunks-${process.pid}-`))).toEqual(
      [],
    )
  })

  it('keeps operators beyond its columns, and texts beyond its buffer', () => {
    const path = join(folder, 't.jsonl')
    const log = new ChunkLog(path)
    const operators_ms = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`operator ${i}`, i]))
    const detail = { text: 'é'.repeat(100_000) }
    for (let chunk = 0; chunk < 8; chunk++) {
      log.add(
        { rows: 1, ...numbers, first_row: chunk },
        { rows: 1, operators_ms, detail: { ...detail, chunk } },
      )
    }
    log.close()
    const lines = read(path)
    expect(lines.map((line) => line.detail?.['chunk'])).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    for (const line of lines) expect(line).toMatchObject({ operators_ms, detail })
  })

  it('is empty after no chunk', () => {
    const path = join(folder, 't.jsonl')
    new ChunkLog(path).close()
    expect(readFileSync(path, 'utf8')).toBe('')
  })
})

describe.skipIf(process.platform !== 'linux')('process files', () => {
  it('agrees with the process itself on resident size', () => {
    const size = new ResidentSize(process.pid)
    const own = process.memoryUsage.rss() / 1024 / 1024
    expect(size.readMb()! / own).toBeGreaterThan(0.8)
    expect(size.readMb()! / own).toBeLessThan(1.25)
    size.close()
  })

  it('tells pages of files from others, and how much of files is mapped', async () => {
    // In a process of its own: this one may give memory back meanwhile.
    const program = `
      process.stdin.once('data', () => { globalThis.keep = Buffer.alloc(64 * 1024 * 1024, 1); process.stdout.write('filled') })
      process.stdout.write('ready')`
    const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
    try {
      await once(child.stdout, 'data')
      const pid = child.pid!
      const size = new ResidentSize(pid)
      const { residentMb, sharedMb } = size.read()!
      const node = statSync(process.execPath).size / 1024 / 1024
      const mapped = mappedFilesMb(pid)!
      // Most of Node's file is mapped, and part of that resident.
      expect(mapped).toBeGreaterThan(node / 2)
      expect(sharedMb).toBeGreaterThan(5)
      expect(sharedMb).toBeLessThan(mapped)
      expect(size.readPrivateMb()! / (residentMb - sharedMb)).toBeCloseTo(1, 1)
      child.stdin.write('fill')
      await once(child.stdout, 'data')
      expect(size.read()!.residentMb).toBeGreaterThan(residentMb + 50)
      expect(size.read()!.sharedMb).toBeLessThan(sharedMb + 20)
      expect(mappedFilesMb(pid)).toBeLessThan(mapped + 20)
      size.close()
    } finally {
      child.kill('SIGKILL')
    }
  })

  it('counts the CPU time of a process from the moment it is watched', () => {
    const before = process.cpuUsage()
    const cpu = new ProcessCpuTime(process.pid)
    const end = performance.now() + 150
    while (performance.now() < end) Math.sqrt(end)
    const used = process.cpuUsage(before)
    const ratio = cpu.readMs()! / ((used.user + used.system) / 1000)
    expect(ratio).toBeGreaterThan(0.5)
    expect(ratio).toBeLessThan(2)
    cpu.close()
  })

  it('tells when a process is gone', () => {
    const pid = Number(execFileSync(process.execPath, ['-p', 'process.pid']))
    expect(() => new ResidentSize(pid)).toThrow()
    expect(new ProcessCpuTime(pid).readMs()).toBeNull()
    expect(mappedFilesMb(pid)).toBeNull()
  })
})
