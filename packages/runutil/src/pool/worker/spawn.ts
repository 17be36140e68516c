import { type ChildProcess, spawn } from 'node:child_process'
import { describe } from '../../core/describe.ts'
import { InvalidArgumentError } from '../../core/errors.ts'
import { TOKEN_VARIABLE } from '../relay/handshake.ts'
import type { OutputSocket } from '../relay/output-socket.ts'
import type { Stdio } from '../relay/relay.ts'

/** How to start a worker's process. */
export interface SpawnSpec {
  /** A program by its path, or by a name in PATH. No shell is involved. */
  command: string
  /** Default: none. */
  args?: string[] | undefined
  /** The folder that it runs in. Default: that of this process. */
  cwd?: string | undefined
  /** Added to the pool's own environment. */
  env?: Record<string, string | undefined> | undefined
}

/** The program and its arguments, or a function that is called for each new process. */
export type Command = string[] | (() => SpawnSpec)

/**
 * Starts a process in a process group of its own, so that its own children can be killed with it and a Ctrl-C in
 * the terminal reaches the pool alone, which then stops it gracefully.
 */
export function spawnChild(
  { command, args, cwd, env }: SpawnSpec,
  relay: string,
  token: string,
  stdio: Stdio,
  output: OutputSocket | undefined,
): ChildProcess {
  return spawn(command, args ?? [], {
    cwd,
    detached: true,
    env: { ...process.env, ...env, RR_RELAY: relay, [TOKEN_VARIABLE]: token },
    stdio: [stdio === 'relay' ? 'pipe' : 'ignore', output?.childEnd ?? 'pipe', 'pipe'],
  })
}

/** Sends SIGKILL to the process and its group. Does nothing if they have already ended. */
export function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // ESRCH, or EPERM where all that is left of the group is a zombie (macOS).
  }
}

/** The spec of the next process. @throws InvalidArgumentError, errors of the function */
export function specOf(command: Command): SpawnSpec {
  if (typeof command === 'function') return checkedSpec(command())
  return { command: command[0]!, args: command.slice(1) }
}

function checkedSpec(spec: unknown): SpawnSpec {
  if (typeof (spec as SpawnSpec | undefined)?.command === 'string') return spec as SpawnSpec
  throw new InvalidArgumentError(
    `ProcessPool: command: expected the function to return { command: string, args?, cwd?, env? }; got ${describe(spec)}`,
  )
}

/** @throws InvalidArgumentError */
export function checkCommand(command: unknown): asserts command is Command {
  if (typeof command === 'function') return
  const strings = Array.isArray(command) && command.every((part) => typeof part === 'string')
  if (strings && command.length > 0 && command[0] !== '') return
  throw new InvalidArgumentError(
    `ProcessPool: command: expected ['program', 'argument', …] or a function that returns { command, args }; got ${describe(command)}`,
  )
}
