import { readFileSync } from 'node:fs'
import { endianness } from 'node:os'

/** Whether the user of a process, and that of a connection, can be told here. */
export const knowsOwners = process.platform === 'linux'

/** The user whose process it is now; undefined when it is gone. Only where `knowsOwners`. */
export function ownerOfProcess(pid: number): number | undefined {
  // Real, effective, saved and that of the file system: the second makes sockets.
  const [, effective] = /^Uid:\s*\d+\s+(\d+)/m.exec(readText(`/proc/${pid}/status`)) ?? []
  return effective === undefined ? undefined : Number(effective)
}

/** The user at the far end of a connection of this machine to itself; undefined when there is none. */
export function ownerOfConnection(from: number, to: number): number | undefined {
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readText(table).split('\n').slice(1)) {
      const [, local = '', remote = '', , , , , uid] = line.trim().split(/\s+/)
      // As IPv6 has it, 127.0.0.1 ends with the same digits.
      if (local.endsWith(`${LOOPBACK}:${port(from)}`) && remote.endsWith(`${LOOPBACK}:${port(to)}`)) {
        return Number(uid)
      }
    }
  }
  return undefined
}

/** 127.0.0.1, as the machine's own order of bytes has it. */
const LOOPBACK = endianness() === 'LE' ? '0100007F' : '7F000001'

function port(number: number): string {
  return number.toString(16).toUpperCase().padStart(4, '0')
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
