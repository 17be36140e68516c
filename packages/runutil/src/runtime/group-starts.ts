import type { Clock } from '../core/clock.ts'
import type { Child } from './child.ts'
import { GroupSignals } from './group-signals.ts'
import { WaitWarning } from './wait-warning.ts'

/** Starts the workers of a group, each as soon as those that it comes after are up. */
export class GroupStarts {
  readonly #signals: GroupSignals
  readonly #waits: WaitWarning
  /** Whether the group itself is starting, and its workers with it. */
  #isFirst = true

  constructor(workers: number, clock: Clock) {
    this.#signals = new GroupSignals(workers)
    this.#waits = new WaitWarning(clock)
  }

  get isFirst(): boolean {
    return this.#isFirst
  }

  /** All have been started, as far as none comes after another. */
  started(): void {
    this.#isFirst = false
  }

  /** Whether the child can only be stopped with its group. */
  isShared(child: Child): boolean {
    return this.#signals.isShared(child)
  }

  start(child: Child): void {
    if (child.mayStart) return child.start(this.#signals.of(child), this.#isFirst)
    child.isWaiting = true
    if (child.record.state !== 'waiting') child.record.moveTo('waiting')
    this.#waits.add(child)
  }

  /** Starts those that no longer wait for any other. */
  startDue(children: readonly Child[]): void {
    for (const child of children) if (child.isWaiting && child.mayStart) this.start(child)
  }

  /** The child has become ready, or no longer is. */
  turned(child: Child): void {
    const change = child.isUp ? -1 : 1
    for (const gate of child.place?.opens ?? []) {
      gate.missing += change
      if (gate.missing <= 0) this.startDue(gate.after)
    }
  }

  /** Nobody waits any more. */
  clear(): void {
    this.#waits.clear()
  }
}
