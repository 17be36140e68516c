/** Printed at once: the tests signal a process when they have read a line of it. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Resolves when the signal aborts, and holds nothing that keeps the process alive. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
