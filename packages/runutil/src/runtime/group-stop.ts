import type { Clock, Timer } from '../core/clock.ts'
import type { Child } from './child.ts'
import type { StartOrder } from './start-order.ts'

export interface GroupStopProps {
  readonly children: readonly Child[]
  readonly order: StartOrder<Child>
  readonly clock: Clock
  readonly reason: unknown
  /** On the scale of `clock.elapsed()`. Undefined: no limit. */
  readonly endsAt: number | undefined
  /** Called at the deadline with the children still running, and how long after the stop that is. */
  readonly onLate: (late: readonly Child[], forMs: number) => void
}

/**
 * Stops a group: each worker is aborted as soon as all workers after it have ended; without `after`, all at once. With a
 * deadline, each level gets an equal share of the time left, or a worker its `stopTimeout` if that is less; then the next
 * level is aborted regardless, so that each worker sees its abort before the deadline.
 */
export class GroupStop {
  readonly #props: GroupStopProps
  /** Children that are running within their time. */
  readonly #timely: Set<Child>
  readonly #running: Set<Child>
  readonly #levels: number
  /** How many of `timely` are on each level. */
  readonly #timelyAt: number[]
  readonly #timers = new Map<Child, Timer>()
  readonly #beganAt: number
  #endsAt: number | undefined
  #level = 0
  #levelEndsAt = Infinity
  #levelTimer: Timer | undefined

  constructor(props: GroupStopProps) {
    this.#props = props
    const { children, order, clock } = props
    this.#beganAt = clock.elapsed()
    this.#endsAt = props.endsAt
    this.#running = new Set(children.filter(({ body }) => body !== undefined))
    this.#timely = new Set(this.#running)
    let top = 0
    if (!order.isEmpty) for (const child of children) top = Math.max(top, child.place?.level ?? 0)
    this.#levels = top + 1
    this.#timelyAt = new Array<number>(this.#levels).fill(0)
    for (const { place } of this.#timely) this.#timelyAt[place?.level ?? 0]!++
  }

  begin(): void {
    const gates = new Set([...this.#running].flatMap(({ place }) => place?.waitsFor ?? []))
    for (const gate of gates) gate.alive = gate.after.filter((child) => this.#running.has(child)).length
    this.#limitLevel()
    // A copy: an abort may end some of them synchronously.
    for (const child of [...this.#running]) if (this.#isDue(child)) this.#abort(child)
    this.#nextLevel()
  }

  /** Call it when the child has ended or was given up. */
  ended(child: Child): void {
    if (!this.#running.delete(child)) return
    this.#timers.get(child)?.clear()
    this.#release(child)
  }

  /** There is less time than it seemed: whoever stops it has to end as well. */
  hurry(endsAt: number): void {
    if (endsAt >= (this.#endsAt ?? Infinity)) return
    this.#endsAt = endsAt
    this.#limitLevel()
    for (const child of this.#running) if (child.body?.isStopping === true) this.#abort(child)
  }

  get isOver(): boolean {
    return this.#running.size === 0
  }

  clear(): void {
    this.#levelTimer?.clear()
    for (const timer of this.#timers.values()) timer.clear()
  }

  #isDue(child: Child): boolean {
    return child.place === undefined || child.place.opens.every((gate) => gate.alive === 0)
  }

  #abort(child: Child): void {
    if (child.body === undefined) return
    const { clock, reason } = this.#props
    const { stopTimeoutMs } = child.spec
    const now = clock.elapsed()
    const ownEnd = stopTimeoutMs === undefined ? Infinity : now + stopTimeoutMs
    const stopBy = Math.min(ownEnd, this.#shareEnd(child.place?.level ?? 0, now))
    if (ownEnd === stopBy && ownEnd < Infinity && !child.body.isStopping) {
      this.#timers.set(
        child,
        clock.setTimeout(() => this.#release(child), stopTimeoutMs!),
      )
    }
    child.abort(reason, stopBy === Infinity ? undefined : stopBy)
  }

  #shareEnd(level: number, now: number): number {
    const endsAt = this.#endsAt
    if (endsAt === undefined) return Infinity
    if (level <= this.#level) return this.#levelEndsAt
    return now + (endsAt - now) / (this.#levels - level)
  }

  /** Workers before it no longer wait for it. */
  #release(child: Child): void {
    if (!this.#timely.delete(child)) return
    this.#timelyAt[child.place?.level ?? 0]!--
    for (const gate of child.place?.waitsFor ?? []) {
      if (--gate.alive > 0) continue
      for (const before of gate.before) if (this.#isDue(before)) this.#abort(before)
    }
    this.#nextLevel()
    if (this.#timely.size === 0 && this.#running.size > 0 && this.#endsAt === undefined) this.#over()
  }

  /** When a level has ended early, its time goes to the levels below. */
  #nextLevel(): void {
    if (this.#levels === 1) return
    const before = this.#level
    while (this.#level < this.#levels - 1 && this.#timelyAt[this.#level] === 0) this.#level++
    if (this.#level !== before) this.#limitLevel()
  }

  #limitLevel(): void {
    const { clock } = this.#props
    const endsAt = this.#endsAt
    this.#levelTimer?.clear()
    if (endsAt === undefined) return
    const now = clock.elapsed()
    this.#levelEndsAt = now + (endsAt - now) / (this.#levels - this.#level)
    const level = this.#level
    this.#levelTimer = clock.setTimeoutAt(() => this.#levelOver(level), this.#levelEndsAt)
  }

  #levelOver(level: number): void {
    if (level === this.#levels - 1) return this.#over()
    for (const child of [...this.#timely]) if ((child.place?.level ?? 0) <= level) this.#release(child)
  }

  #over(): void {
    this.clear()
    const { clock, onLate } = this.#props
    // The time that they had, not when a busy process noticed.
    const overAt = this.#endsAt ?? clock.elapsed()
    onLate([...this.#running], Math.round(overAt - this.#beganAt))
  }
}
