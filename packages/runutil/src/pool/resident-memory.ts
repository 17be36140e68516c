import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Whether a process's memory can be read synchronously, without spawning `ps`. */
export const readsAtOnce = process.platform === 'linux'

/** The resident memory of a process in bytes; 0 when the process has ended. Only where `readsAtOnce`. */
export function residentBytes(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    return Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

/** As `residentBytes`, for several processes, on any system with `ps`. */
export function residentBytesByPs(pids: readonly number[]): Promise<ReadonlyMap<number, number>> {
  return new Promise((resolve) => {
    execFile('ps', ['-o', 'pid=,rss=', '-p', pids.join(',')], (_, stdout) => {
      const rows = stdout.trim().split('\n')
      resolve(
        new Map(
          rows.map((row) => {
            const [pid, kilobytes] = row.trim().split(/\s+/).map(Number)
            return [pid!, kilobytes! * 1024]
          }),
        ),
      )
    })
  })
}
