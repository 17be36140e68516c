import type { Clock } from './clock.ts'

/** Resolves with true when `promise` resolves, or with false after `ms`; a later rejection is ignored. */
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
