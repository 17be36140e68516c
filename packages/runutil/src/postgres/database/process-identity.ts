import { readFile } from 'node:fs/promises'

/** A process, told apart from a later one with the same pid where the system lets us. */
export interface ProcessIdentity {
  readonly pid: number
  /** The boot and the moment in it at which the process began. Undefined where there is no /proc. */
  readonly began?: string | undefined
}

export async function thisProcess(): Promise<ProcessIdentity> {
  return { pid: process.pid, began: (await look(process.pid))?.began }
}

export async function isAlive({ pid, began }: ProcessIdentity): Promise<boolean> {
  if (!isThere(pid)) return false
  const found = await look(pid)
  // Either it has ended just now, or nothing more can be known of it.
  if (found === undefined || began === undefined) return isThere(pid)
  return !found.zombie && found.began === began
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

async function look(pid: number): Promise<{ began: string; zombie: boolean } | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
    // The name comes before them in parentheses, and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { began: `${boot.trim()} ${fields[19]}`, zombie: fields[0] === 'Z' || fields[0] === 'X' }
  } catch {
    return undefined
  }
}
