/** Tells a machine from another that has a copy of its disk, such as boards with the same image. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { basename, join } from 'node:path'

/** Boards say it by their device tree. */
const SERIAL = 'sys/firmware/devicetree/base/serial-number'
const NETWORK = 'sys/class/net'
/** Only root may read it on most systems. */
const UUID = 'sys/class/dmi/id/product_uuid'
/** Was given to the hardware by its maker. */
const PERMANENT = '0'
const MAC = /^(?!00:00:00:00:00:00$)[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/

/**
 * Stays the same as long as the machine keeps its board or its own network card. It is a hash, so that it gives away no serial number;
 * null where the system tells none of that, as in a container.
 * @param root of the system's files
 */
export function hardwareMark(root = '/'): string | null {
  const number = read(join(root, SERIAL)) ?? firstCard(root) ?? read(join(root, UUID))
  return number === null ? null : createHash('sha256').update(`stint ${number}`).digest('hex').slice(0, 16)
}

/** The address of a network card that stays: one by USB may be put into another machine, one without a cable invents some. */
function firstCard(root: string): string | null {
  const folder = join(root, NETWORK)
  if (!existsSync(folder)) return firstOwn()
  const cards = readdirSync(folder).flatMap((name) => {
    const of = (part: string) => join(folder, name, part)
    const address = read(of('address'))
    if (!existsSync(of('device')) || address === null || !MAC.test(address)) return []
    if (read(of('addr_assign_type')) !== PERMANENT) return []
    const loose = Number(busOf(of('device/subsystem')) === 'usb') * 2 + Number(existsSync(of('wireless')))
    return [{ address, loose }]
  })
  cards.sort((a, b) => a.loose - b.loose || (a.address < b.address ? -1 : 1))
  return cards[0]?.address ?? null
}

/** Where there is no such folder, as on macOS: the first address that a maker gave. */
function firstOwn(): string | null {
  const addresses = Object.values(networkInterfaces())
    .flatMap((of) => of ?? [])
    .map(({ mac }) => mac.toLowerCase())
  return addresses.filter((mac) => MAC.test(mac) && isByMaker(mac)).sort()[0] ?? null
}

function isByMaker(mac: string): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 2) === 0
}

function busOf(link: string): string | null {
  try {
    return basename(readlinkSync(link))
  } catch {
    return null
  }
}

/** Without the zero byte that ends a text of a device tree; null where there is nothing. */
function read(path: string): string | null {
  try {
    return readFileSync(path, 'latin1').replaceAll('\0', '').trim().toLowerCase() || null
  } catch {
    return null
  }
}
