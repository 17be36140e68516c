import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { brandError } from '../../core/brand.ts'

/** A process other than the spawned one answered, usually one that a wrapper started. */
export class WrongPidError extends Error {
  readonly code = 'ERR_WRONG_PID'
  static {
    brandError(this, 'WrongPidError')
  }

  constructor(child: ChildProcess, answered: number) {
    super(`expected the pid spawned, ${child.pid}; got ${answered}${advice(child, answered)}`)
  }
}

/** Whether a process descends from another, as far as the system shows. */
export function descendsFrom(pid: number, ancestor: number): boolean {
  for (let at = pid, steps = 0; at > 1 && steps < 16; steps++) {
    at = parentOf(at)
    if (at === ancestor) return true
  }
  return false
}

function parentOf(pid: number): number {
  try {
    return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

const SHELLS = ['sh', 'bash', 'dash', 'zsh', 'ash', 'busybox']
const RUNNERS = ['npm', 'npx', 'pnpm', 'yarn', 'bunx', 'corepack', 'env', 'dotenv', 'cross-env']

/** The suggested command, based on what was spawned. */
function advice({ spawnfile, spawnargs }: ChildProcess, answered: number): string {
  const [name = '', script = ''] = [spawnfile, spawnargs[1]].map((path) => path && basename(path))
  const rest = spawnargs.slice(1).join(' ')
  const start = `: pid ${answered} is what '${spawnargs.join(' ')}' started, and a worker must be the process itself; write`
  if (name === 'tsx' || script === 'tsx') {
    return `${start} [process.execPath, '--import', 'tsx', '${spawnargs.at(-1)}'] instead of tsx`
  }
  if (SHELLS.includes(name)) return `${start} exec before the last command, as in sh -c 'exec php worker.php'`
  if (RUNNERS.includes(name)) return `${start} the program that ${name} runs, without ${name}`
  return `${start} the command without its wrapper${rest === '' ? '' : ', or have the wrapper end with exec'}`
}
