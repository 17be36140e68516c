import type { Clock } from '../core/clock.ts'
import type { Child } from './child.ts'
import { GroupSignals } from './group-signals.ts'
import { WaitWarning } from './wait-warning.ts'

export interface GroupStartsProps {
  readonly children: readonly Child[]
  readonly clock: Clock
  /** Called when all that come before all others are up, or have tried to be. */
  readonly onFirstUp: () => void
}

/**
 * Starts the workers of a group, each as soon as those that it comes after are up. Those that come before all others start first;
 * the others then wait for no more than one start of each.
 */
export class GroupStarts {
  readonly #props: GroupStartsProps
  readonly #signals: GroupSignals
  readonly #waits: WaitWarning
  /** Whether the group itself is starting, and its workers with it. */
  #isFirst = true
  /** Of those that come before all others: those that the others still wait for. */
  readonly #awaited: Set<Child>

  constructor(props: GroupStartsProps) {
    this.#props = props
    const { children, clock } = props
    this.#signals = new GroupSignals(children.length)
    this.#waits = new WaitWarning(clock)
    this.#awaited = new Set(children.filter(({ spec }) => spec.first !== undefined))
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
    if (this.#mayStart(child)) return this.#startNow(child, this.#isFirst)
    child.isWaiting = true
    if (child.record.state !== 'waiting') child.record.moveTo('waiting')
    this.#waits.add(child)
  }

  /** Starts those that no longer wait for any other. */
  startDue(children: readonly Child[]): void {
    for (const child of children) if (child.isWaiting && this.#mayStart(child)) this.#startNow(child, false)
  }

  /** @param isFirst whether the call comes from where the group was started, so that it may run in the same stores */
  #startNow(child: Child, isFirst: boolean): void {
    child.start(this.#signals.of(child), isFirst)
  }

  #mayStart(child: Child): boolean {
    return child.mayStart && (this.#awaited.size === 0 || child.spec.first !== undefined)
  }

  /** The child has become ready, or no longer is. */
  turned(child: Child): void {
    const change = child.isUp ? -1 : 1
    for (const gate of child.place?.opens ?? []) {
      gate.missing += change
      if (gate.missing <= 0) this.startDue(gate.after)
    }
    if (child.isUp && child.spec.first === 'itself') this.tried(child)
  }

  /** The child, or what it supervises and comes before all others, is up, or has ended without. */
  tried(child: Child): void {
    if (!this.#awaited.delete(child)) return
    // Nobody else waits for one that waits for this one.
    for (const other of this.#awaited) if (other.isWaiting && !child.isUp) this.#awaited.delete(other)
    if (this.#awaited.size > 0) return
    this.#props.onFirstUp()
    this.startDue(this.#props.children)
  }

  /** Nobody waits any more. */
  clear(): void {
    this.#waits.clear()
  }
}
