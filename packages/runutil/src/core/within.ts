import type { Clock } from './clock.ts'

/** Resolves with true when `promise` does; with false after `ms`, and nobody hears of its end. */
export function within(promise: Promise<unknown>, ms: number, clock: Clock): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimeout(() => resolve(false), ms)
    promise.then(
      () => {
        timer.clear()
        resolve(true)
      },
      (error: Error) => {
        timer.clear()
        reject(error)
      },
    )
  })
}
