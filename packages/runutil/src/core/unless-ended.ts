/** Calls back after `ms`, unless the process has ended by itself: unlike any other timer, this one doesn't keep it. */
export function unlessEnded(callback: () => void, ms: number): void {
  setTimeout(callback, ms).unref()
}
