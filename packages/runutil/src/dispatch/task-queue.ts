import type { Task } from './action.ts'
import type { Claimant, ExclusiveTargets } from './exclusive-targets.ts'
import type { WorkerInfo, WorkerRegistration } from './task-exchange.ts'

/** What a queue asks of the records of actions, and tells them. */
export interface ActionStates {
  /** Whether it hasn't ended: the task of one that has is given to nobody. */
  isRunning(action: string): boolean
  /** Fails one that nobody will begin, with 'worker lost'. */
  markLost(action: string, now: number): Promise<unknown>
  /** Records that a waiting task is begun, where a later process could give it to somebody else. */
  markBegun?(action: string): Promise<void>
}

export interface TaskQueueProps {
  readonly worker: WorkerInfo
  readonly states: ActionStates
  /** Of all workers that were registered so. */
  readonly exclusive: ExclusiveTargets
  /** It has given its target up. */
  readonly onGone: () => void
}

export interface QueuedTask {
  readonly task: Task
  /** Among the tasks of all queues, in the order in which they were queued. */
  readonly position: number
  /** The records say that nobody has begun it. */
  readonly waits: boolean
  readonly onTaken: () => void
}

/** A live worker in this process, and its tasks: open, one task taken after another ─► closed ─► gone. */
export class TaskQueue implements WorkerRegistration {
  readonly worker: WorkerInfo
  readonly lost: AbortSignal = new AbortController().signal
  readonly #props: TaskQueueProps
  #tasks: QueuedTask[] = []
  /** Its request for its target, or its hold on it, while it is exclusive. */
  #claim: Claimant | undefined
  #wake: () => void = () => {}
  #gone = false
  #isIdle = false
  #isReserved = false
  open = true

  constructor(props: TaskQueueProps) {
    this.#props = props
    this.worker = props.worker
  }

  push(queued: QueuedTask): void {
    this.#isReserved = false
    this.#tasks.push(queued)
    this.#wake()
  }

  /** Whether the next task pushed is begun at once; true for the first of several that ask. */
  reserve(): boolean {
    if (!this.#isIdle || this.#isReserved || this.#tasks.length > 0) return false
    return (this.#isReserved = true)
  }

  async next(): Promise<Task | undefined> {
    let done = this.#claim
    for (;;) {
      const first = this.#first()
      if (first === undefined) {
        this.#leave(done)
        if (!this.open) return undefined
        await this.#untilWoken()
      } else if (this.#canBeginAtOnce(first) || (await this.#mayBegin(first, done))) {
        this.#tasks.shift()
        first.onTaken()
        return first.task
      }
      done = undefined
    }
  }

  async #untilWoken(): Promise<void> {
    this.#isIdle = this.worker.exclusive !== true
    await new Promise<void>((resolve) => (this.#wake = resolve))
    this.#isIdle = false
  }

  /** Then it is taken without an await, so that nothing comes between. */
  #canBeginAtOnce({ waits }: QueuedTask): boolean {
    return this.worker.exclusive !== true && !(waits && this.#props.states.markBegun !== undefined)
  }

  /** The first task whose action has not ended meanwhile. */
  #first(): QueuedTask | undefined {
    while (this.#tasks.length > 0 && !this.#props.states.isRunning(this.#tasks[0]!.task.action)) {
      this.#tasks.shift()
    }
    return this.#tasks[0]
  }

  /** False: another task may be the first by now. */
  async #mayBegin(first: QueuedTask, done: Claimant | undefined): Promise<boolean> {
    if (this.worker.exclusive === true && !(await this.#holdsTarget(first, done))) return false
    if (first.waits) await this.#props.states.markBegun?.(first.task.action)
    if (this.#first() === first) return true
    this.#leave(this.#claim)
    return false
  }

  /** Waits for its target. False: another task may be the first by now. */
  async #holdsTarget(first: QueuedTask, done: Claimant | undefined): Promise<boolean> {
    let granted = false
    const claim = await new Promise<Claimant>((resolve) => {
      const asked: Claimant = {
        position: first.position,
        onGranted: () => {
          granted = true
          resolve(asked)
        },
      }
      this.#claim = asked
      this.#wake = () => resolve(asked)
      this.#props.exclusive.ask(this.worker.target, asked)
      // Left after asking, so that the positions of all claimants decide who is next.
      this.#leave(done)
    })
    if (granted && this.#first() === first) return true
    this.#leave(claim)
    return false
  }

  #leave(claim: Claimant | undefined): void {
    if (claim !== undefined) this.#props.exclusive.leave(this.worker.target, claim)
  }

  async close(now: number): Promise<void> {
    this.open = false
    const left = this.#tasks
    this.#tasks = []
    this.#wake()
    await Promise.all(left.map(({ task }) => this.#props.states.markLost(task.action, now)))
  }

  async withdraw(now: number): Promise<void> {
    if (!this.#gone) this.#props.onGone()
    this.#gone = true
    this.#leave(this.#claim)
    await this.close(now)
  }
}
