/** Prints synchronously, since the tests send a signal when they have read a line. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Resolves when the signal aborts, and does not keep the process alive. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
