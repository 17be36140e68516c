import { readFile, readlink } from 'node:fs/promises'
import { hostname, uptime } from 'node:os'

/** A process, told apart from a later one with the same pid, and from one of another container or machine. */
export interface ProcessIdentity {
  readonly pid: number
  readonly host: string
  /** The kernel's start that it runs in, the same in all containers of a machine. Undefined where there is no /proc. */
  readonly boot?: string | undefined
  /** In which its pid means it. */
  readonly namespace?: string | undefined
  /** The moment since that boot at which it began. */
  readonly began?: string | undefined
}

/** 'unknown': its pid means nothing here, or may have become another process's. */
export type Standing = 'alive' | 'dead' | 'unknown'

export async function thisProcess(): Promise<ProcessIdentity> {
  const [boot, namespace, own] = await Promise.all([
    readOrNothing(readFile('/proc/sys/kernel/random/boot_id', 'utf8')),
    readOrNothing(readlink('/proc/self/ns/pid')),
    look('self'),
  ])
  return { pid: process.pid, host: hostname(), boot: boot?.trim(), namespace, began: own?.began }
}

/** What can be said from here of the process that wrote this. */
export async function standingOf(other: ProcessIdentity, me: ProcessIdentity): Promise<Standing> {
  if (!sharesPids(other, me)) return 'unknown'
  if (!isThere(other.pid)) return 'dead'
  const found = await lookAt(other.pid)
  if (found === undefined || other.began === undefined) return isThere(other.pid) ? 'unknown' : 'dead'
  return !found.zombie && found.began === other.began ? 'alive' : 'dead'
}

/** Whether both were started by one kernel; then both go by one clock too. */
export function sharesMachine(one: ProcessIdentity, other: ProcessIdentity): boolean {
  return one.boot !== undefined && one.boot === other.boot
}

/**
 * Whether it has ended because its machine was started anew since. Another machine of the same name would have to be
 * behind by its clock for longer than this one runs.
 *
 * @param now in ms since the epoch
 */
export function isOfEarlierBoot(
  { claim, renewedAt }: { claim: ProcessIdentity; renewedAt: number },
  me: ProcessIdentity,
  now: number,
): boolean {
  if (claim.host !== me.host || claim.namespace !== me.namespace || sharesMachine(claim, me)) return false
  return renewedAt < now - uptime() * 1000
}

/** Host names alone don't tell machines apart, but where there is no more, they have to do. */
function sharesPids(one: ProcessIdentity, other: ProcessIdentity): boolean {
  if (one.boot === undefined && other.boot === undefined) return one.host === other.host
  return sharesMachine(one, other) && one.namespace !== undefined && one.namespace === other.namespace
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // It belongs to another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

interface Found {
  readonly began: string
  readonly zombie: boolean
}

/** Of a /proc that was mounted in another pid namespace, its numbers are of others. */
async function lookAt(pid: number): Promise<Found | undefined> {
  const self = await readOrNothing(readlink('/proc/self'))
  return self === String(process.pid) ? look(String(pid)) : undefined
}

async function look(process: string): Promise<Found | undefined> {
  const stat = await readOrNothing(readFile(`/proc/${process}/stat`, 'utf8'))
  if (stat === undefined) return undefined
  // The name comes before them in parentheses, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { began: fields[19]!, zombie: fields[0] === 'Z' || fields[0] === 'X' }
}

async function readOrNothing(reading: Promise<string>): Promise<string | undefined> {
  return reading.catch(() => undefined)
}
