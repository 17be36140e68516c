import { Console } from 'node:console'

/** Sent to all processes of a service, or of a terminal, at once: the pool decides when a worker ends. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Has the process live on when it is told to end by a signal. @returns takes it back */
export function ignoreSignals(): () => void {
  const ignore = (): void => {}
  for (const signal of SIGNALS) process.on(signal, ignore)
  return () => {
    for (const signal of SIGNALS) process.off(signal, ignore)
  }
}

/** Has the global console print to stderr alone, for stdout is the relay. */
export function redirectConsole(): void {
  const target = globalThis.console as unknown as Record<string, unknown>
  const other = new Console(lateStderr) as unknown as Record<string, unknown>
  for (const [name, method] of Object.entries(other)) {
    if (typeof method === 'function' && typeof target[name] === 'function') target[name] = method
  }
}

/** Stderr from its first use on: to look at it changes the descriptor, and then what writes there directly may fail. */
const lateStderr = {
  write: (text: string) => process.stderr.write(text),
  on: nothing,
  once: nothing,
  removeListener: nothing,
  listenerCount: () => 0,
} as unknown as NodeJS.WritableStream

function nothing(): void {}
