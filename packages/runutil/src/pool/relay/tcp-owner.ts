import { readFileSync } from 'node:fs'
import { endianness } from 'node:os'

/** Whether this system shows the users of processes and connections. */
export const knowsOwners = process.platform === 'linux'

/** The current effective user of a process; undefined when the process has ended. Only where `knowsOwners`. */
export function ownerOfProcess(pid: number): number | undefined {
  // The real, effective, saved and file system user; sockets belong to the effective one.
  const [, effective] = /^Uid:\s*\d+\s+(\d+)/m.exec(readText(`/proc/${pid}/status`)) ?? []
  return effective === undefined ? undefined : Number(effective)
}

/** The user at the remote end of a loopback connection; undefined when there is no such connection. */
export function ownerOfConnection(from: number, to: number): number | undefined {
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readText(table).split('\n').slice(1)) {
      const [, local = '', remote = '', , , , , uid] = line.trim().split(/\s+/)
      // Written as an IPv6 address, 127.0.0.1 ends with the same digits.
      if (local.endsWith(`${LOOPBACK}:${port(from)}`) && remote.endsWith(`${LOOPBACK}:${port(to)}`)) {
        return Number(uid)
      }
    }
  }
  return undefined
}

/** 127.0.0.1 in the machine's byte order. */
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
