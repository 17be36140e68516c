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
  /** Calls back when nobody is left that those which come before all others have to outlive. */
  readonly untilAlone: (isAlone: () => void) => void
  /** Called at the deadline with the children still running, and how long after the stop that is. */
  readonly onLate: (late: readonly Child[], forMs: number) => void
}

/**
 * Stops a group: each worker is aborted as soon as all workers after it have ended; without `after`, all at once. With a
 * deadline, each level gets an equal share of the time left, or a worker its `stopTimeout` if that is less; then the next
 * level is aborted regardless, so that each worker sees its abort before the deadline. Workers that come before all others are
 * aborted when all others have ended, and have what is left: at least the last second, or tenth.
 */
export class GroupStop {
  readonly #props: GroupStopProps
  /** Children that are running within their time. */
  readonly #timely: Set<Child>
  readonly #running: Set<Child>
  /** Those that come before all others, until they are aborted. */
  readonly #last: Set<Child>
  #levels = 1
  /** How many of `timely` are on each level. */
  #timelyAt: number[] = []
  readonly #timers = new Map<Child, Timer>()
  readonly #beganAt: number
  #endsAt: number | undefined
  #othersEndAt: number | undefined
  #level = 0
  #levelEndsAt = Infinity
  #levelTimer: Timer | undefined

  constructor(props: GroupStopProps) {
    this.#props = props
    const { children, clock } = props
    this.#beganAt = clock.elapsed()
    this.#running = new Set(children.filter(({ body }) => body !== undefined))
    this.#last = new Set([...this.#running].filter(isLast))
    this.#timely = new Set([...this.#running].filter((child) => !isLast(child)))
    this.#limit(props.endsAt)
    this.#countLevels(children.filter((child) => !isLast(child)))
  }

  begin(): void {
    const gates = new Set([...this.#running].flatMap(({ place }) => place?.waitsFor ?? []))
    for (const gate of gates) gate.alive = gate.after.filter((child) => this.#running.has(child)).length
    this.#limitLevel()
    // A copy: an abort may end some of them synchronously.
    for (const child of [...this.#timely]) if (this.#isDue(child)) this.#abort(child)
    this.#nextLevel()
    this.#lookAtLast()
    if ((this.#othersEndAt ?? Infinity) <= this.#beganAt) this.#stopLast()
  }

  /** Call it when the child has ended or was given up. */
  ended(child: Child): void {
    if (!this.#running.delete(child)) return
    this.#last.delete(child)
    this.#timers.get(child)?.clear()
    this.#release(child)
    this.#lookAtLast()
  }

  /** There is less time than it seemed: whoever stops it has to end as well. */
  hurry(endsAt: number): void {
    if (endsAt >= (this.#endsAt ?? Infinity)) return
    this.#limit(endsAt)
    this.#limitLevel()
    for (const child of this.#running) if (child.body?.isStopping === true) this.#abort(child)
  }

  #limit(endsAt: number | undefined): void {
    this.#endsAt = endsAt
    this.#othersEndAt = endsAt
    if (endsAt === undefined || this.#last.size === 0) return
    const leftMs = Math.max(0, endsAt - this.#props.clock.elapsed())
    this.#othersEndAt = endsAt - Math.min(LAST_MS, Math.max(leftMs / 10, LEAST_LAST_MS))
  }

  #countLevels(children: readonly Child[]): void {
    let top = 0
    if (!this.#props.order.isEmpty) for (const child of children) top = Math.max(top, levelOf(child))
    this.#levels = top + 1
    this.#level = 0
    this.#timelyAt = new Array<number>(this.#levels).fill(0)
    for (const child of this.#timely) this.#timelyAt[levelOf(child)]!++
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
    if (child.body === undefined || this.#last.has(child)) return
    const { clock, reason } = this.#props
    const { stopTimeoutMs } = child.spec
    const now = clock.elapsed()
    const ownEnd = stopTimeoutMs === undefined ? Infinity : now + stopTimeoutMs
    const stopBy = Math.min(ownEnd, this.#shareEnd(child, now))
    if (ownEnd === stopBy && ownEnd < Infinity && !child.body.isStopping) {
      this.#timers.set(
        child,
        clock.setTimeout(() => this.#release(child), stopTimeoutMs!),
      )
    }
    child.abort(reason, stopBy === Infinity ? undefined : stopBy)
  }

  #shareEnd(child: Child, now: number): number {
    const endsAt = this.#othersEndAt
    if (endsAt === undefined) return Infinity
    // What it supervises waits for the others, whatever their level.
    if (child.spec.first === 'inside') return this.#endsAt!
    const level = levelOf(child)
    if (level <= this.#level) return this.#levelEndsAt
    return now + (endsAt - now) / (this.#levels - level)
  }

  /** Workers before it no longer wait for it. */
  #release(child: Child): void {
    if (!this.#timely.delete(child)) return
    this.#timelyAt[levelOf(child)]!--
    for (const gate of child.place?.waitsFor ?? []) {
      if (--gate.alive > 0) continue
      for (const before of gate.before) if (this.#isDue(before)) this.#abort(before)
    }
    this.#nextLevel()
    if (this.#timely.size > 0 || this.#running.size === 0 || this.#endsAt !== undefined) return
    if (this.#last.size === 0) this.#over()
    // Some of the others have used up their time.
    else if (this.#running.size > this.#last.size) this.#stopLast()
  }

  #lookAtLast(): void {
    if (this.#last.size > 0 && this.#running.size === this.#last.size) {
      this.#props.untilAlone(() => this.#stopLast())
    }
  }

  #stopLast(): void {
    const last = [...this.#last]
    if (last.length === 0) return
    // The others had their time.
    for (const child of [...this.#timely]) this.#release(child)
    this.#last.clear()
    for (const child of last) this.#timely.add(child)
    this.#countLevels(last)
    this.#limit(this.#endsAt)
    this.#limitLevel()
    for (const child of last) if (this.#isDue(child)) this.#abort(child)
    this.#nextLevel()
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
    const endsAt = this.#othersEndAt
    this.#levelTimer?.clear()
    if (endsAt === undefined) return
    const now = clock.elapsed()
    this.#levelEndsAt = now + (endsAt - now) / (this.#levels - this.#level)
    const level = this.#level
    this.#levelTimer = clock.setTimeoutAt(() => this.#levelOver(level), this.#levelEndsAt)
  }

  #levelOver(level: number): void {
    if (level === this.#levels - 1) return this.#last.size > 0 ? this.#stopLast() : this.#over()
    for (const child of [...this.#timely]) if (levelOf(child) <= level) this.#release(child)
  }

  #over(): void {
    this.clear()
    const { clock, onLate } = this.#props
    // The time that they had, not when a busy process noticed.
    const overAt = this.#endsAt ?? clock.elapsed()
    onLate([...this.#running], Math.round(overAt - this.#beganAt))
  }
}

function levelOf({ place }: Child): number {
  return place?.level ?? 0
}

/** Whether it comes before all others. */
function isLast({ spec }: Child): boolean {
  return spec.first === 'itself'
}

/** How much of the time is kept, at most, for what is stopped after all others. */
const LAST_MS = 1_000
/** Timers have a resolution of 1 ms, and whoever stops the group has the same deadline. */
const LEAST_LAST_MS = 2
