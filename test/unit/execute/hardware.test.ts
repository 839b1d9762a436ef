/** What tells two boards of one image apart. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { hardwareMark } from '../../../harness/execute/fleet/hardware.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hardware-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

function card(
  name: string,
  address: string,
  { bus = 'pci', assigned = 0, isReal = true, isRadio = false } = {},
) {
  const folder = `sys/class/net/${name}`
  write(`${folder}/address`, `${address}\n`)
  write(`${folder}/addr_assign_type`, `${assigned}\n`)
  if (isRadio) mkdirSync(join(root, folder, 'wireless'))
  if (!isReal) return
  mkdirSync(join(root, folder, 'device'))
  symlinkSync(`../../bus/${bus}`, join(root, folder, 'device/subsystem'))
}

it('is null where the system tells nothing, and of no network that software made', () => {
  card('lo', '00:00:00:00:00:00')
  card('veth1', '9a:00:00:00:00:01', { isReal: false })
  card('wlan0', '9a:00:00:00:00:02', { assigned: 3 })
  expect(hardwareMark(root)).toBe(null)
})

it('stays with a card by USB, a radio or an address that comes later, and differs with the own card', () => {
  card('eth0', 'dc:a6:32:00:00:09')
  const own = hardwareMark(root)
  expect(own).toMatch(/^[0-9a-f]{16}$/)
  card('eth1', '00:0a:00:00:00:01', { bus: 'usb' })
  card('wlan0', '00:0b:00:00:00:01', { isRadio: true })
  card('docker0', '02:42:00:00:00:01', { isReal: false })
  expect(hardwareMark(root)).toBe(own)
  write('sys/class/net/eth0/address', 'dc:a6:32:00:00:0a\n')
  expect(hardwareMark(root)).not.toBe(own)
})

it("goes by a board's serial number before its network, and by the system's id where there is neither", () => {
  card('lo', '00:00:00:00:00:00')
  write('sys/class/dmi/id/product_uuid', '4C4C4544-0001\n')
  const byId = hardwareMark(root)
  card('eth0', 'dc:a6:32:00:00:09')
  const byCard = hardwareMark(root)
  write('sys/firmware/devicetree/base/serial-number', '100000003d1d1c36\0')
  const bySerial = hardwareMark(root)
  expect(new Set([byId, byCard, bySerial, null]).size).toBe(4)
  write('sys/class/net/eth0/address', 'dc:a6:32:00:00:0a\n')
  expect(hardwareMark(root)).toBe(bySerial)
})
