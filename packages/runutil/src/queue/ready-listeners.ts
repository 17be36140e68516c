import type { Clock } from '../core/clock.ts'
import { SafeCallback } from '../core/safe-callback.ts'

/** Called when there may be jobs to claim. @returns false when the callee wasn't waiting and will claim anyway */
export type OnReady = () => unknown

interface ReadyListener {
  readonly onReady: SafeCallback<[]>
  /** Undefined: called for every job, and shares none. */
  readonly kinds: ReadonlySet<string> | undefined
}

/** The listeners of this process that wait for jobs: wakes as many as there are jobs, chosen at random. */
export class ReadyListeners {
  readonly #clock: Clock
  readonly #all = new Set<ReadyListener>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @returns a function that removes the listener */
  add(onReady: OnReady, kinds?: readonly string[]): () => void {
    const callback = new SafeCallback(onReady, 'listener of a job store')
    const listening = { onReady: callback, kinds: kinds && new Set(kinds) }
    this.#all.add(listening)
    return () => void this.#all.delete(listening)
  }

  /** How many listeners share the jobs of a kind. */
  count(kind: string): number {
    let count = 0
    for (const { kinds } of this.#all) if (kinds?.has(kind)) count++
    return count
  }

  /** For each of these jobs, wakes one of the listeners of its kind, and all listeners without kinds. */
  wakeFor(jobs: readonly { readonly kind: string }[]): void {
    if (jobs.length === 0) return
    const counts = new Map<string, number>()
    for (const { kind } of jobs) counts.set(kind, (counts.get(kind) ?? 0) + 1)
    for (const [kind, count] of counts) this.wake(kind, count)
    this.wakeUnshared()
  }

  /** Calls listeners of a kind until `most` of them had been waiting. @returns how many had */
  wake(kind: string, most: number): number {
    let woken = 0
    for (const { onReady } of this.#inRandomOrder(kind)) {
      if (woken >= most) break
      if (onReady.call() !== false) woken++
    }
    return woken
  }

  wakeUnshared(): void {
    for (const { onReady, kinds } of [...this.#all]) if (kinds === undefined) onReady.call()
  }

  wakeAll(): void {
    for (const { onReady } of [...this.#all]) onReady.call()
  }

  *#inRandomOrder(kind: string): Iterable<ReadyListener> {
    const left = [...this.#all].filter(({ kinds }) => kinds?.has(kind))
    for (; left.length > 0; left.pop()) {
      const last = left.length - 1
      const at = Math.floor(this.#clock.random() * left.length)
      const chosen = left[at]!
      left[at] = left[last]!
      yield chosen
    }
  }
}
