import { readFile, readlink } from 'node:fs/promises'
import { hostname, uptime } from 'node:os'

/** Identifies a process, as distinct from a later one with the same pid, and from one in another container or on another machine. */
export interface ProcessIdentity {
  readonly pid: number
  readonly host: string
  /** The kernel's boot id, the same in all containers of a machine. Undefined without /proc. */
  readonly boot?: string | undefined
  /** The pid namespace in which `pid` is valid. */
  readonly namespace?: string | undefined
  /** When the process started, in clock ticks since that boot. */
  readonly began?: string | undefined
}

/** 'unknown': the pid is of another namespace, or may have been reused. */
export type Liveness = 'alive' | 'dead' | 'unknown'

export async function thisProcess(): Promise<ProcessIdentity> {
  const [boot, namespace, own] = await Promise.all([
    readOrNothing(readFile('/proc/sys/kernel/random/boot_id', 'utf8')),
    readOrNothing(readlink('/proc/self/ns/pid')),
    readStat('self'),
  ])
  return { pid: process.pid, host: hostname(), boot: boot?.trim(), namespace, began: own?.began }
}

/** Whether the process `other` is alive, as far as `me` can tell. */
export async function livenessOf(other: ProcessIdentity, me: ProcessIdentity): Promise<Liveness> {
  if (!sharesPids(other, me)) return 'unknown'
  if (!isThere(other.pid)) return 'dead'
  const found = await statOf(other.pid)
  if (found === undefined || other.began === undefined) return isThere(other.pid) ? 'unknown' : 'dead'
  return !found.zombie && found.began === other.began ? 'alive' : 'dead'
}

/** Whether both run on the same kernel boot, and so share a clock. */
export function sharesMachine(one: ProcessIdentity, other: ProcessIdentity): boolean {
  return one.boot !== undefined && one.boot === other.boot
}

/**
 * Whether the process has ended because its machine has rebooted since. For a false positive, another machine with the same
 * name would need a clock that is behind by more than this machine's uptime.
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

/** Host names do not identify machines reliably, but without a boot id they are all there is. */
function sharesPids(one: ProcessIdentity, other: ProcessIdentity): boolean {
  if (one.boot === undefined && other.boot === undefined) return one.host === other.host
  return sharesMachine(one, other) && one.namespace !== undefined && one.namespace === other.namespace
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: the process exists and belongs to another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

interface ProcessStat {
  readonly began: string
  readonly zombie: boolean
}

/** Undefined if /proc was mounted in another pid namespace: its pids are other processes. */
async function statOf(pid: number): Promise<ProcessStat | undefined> {
  const self = await readOrNothing(readlink('/proc/self'))
  return self === String(process.pid) ? readStat(String(pid)) : undefined
}

async function readStat(process: string): Promise<ProcessStat | undefined> {
  const stat = await readOrNothing(readFile(`/proc/${process}/stat`, 'utf8'))
  if (stat === undefined) return undefined
  // The fields follow the process name, which is in parentheses and may contain anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { began: fields[19]!, zombie: fields[0] === 'Z' || fields[0] === 'X' }
}

async function readOrNothing(reading: Promise<string>): Promise<string | undefined> {
  return reading.catch(() => undefined)
}
