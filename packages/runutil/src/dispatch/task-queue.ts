import type { Task } from './action.ts'
import type { Claimant, ExclusiveTargets } from './exclusive-targets.ts'
import type { WorkerInfo, WorkerRegistration } from './task-exchange.ts'

/** The records of actions as a queue reads and changes them. */
export interface ActionStates {
  /** Whether the action hasn't ended; the task of an ended action is never started. */
  isRunning(action: string): boolean
  /** Fails an action whose task will never start, with 'worker lost'. */
  markLost(action: string, now: number): Promise<unknown>
  /** Records that a waiting task starts, where a later process could otherwise give it to another worker. */
  markBegun?(action: string): Promise<void>
}

export interface TaskQueueProps {
  readonly worker: WorkerInfo
  readonly states: ActionStates
  /** Of all workers that were registered so. */
  readonly exclusive: ExclusiveTargets
  /** Called when the worker has released its target. */
  readonly onGone: () => void
}

export interface QueuedTask {
  readonly task: Task
  /** The task's position in queueing order, across all queues. */
  readonly position: number
  /** Whether the task is recorded as not started. */
  readonly waits: boolean
  readonly onTaken: () => void
}

/** A live worker in this process, and its tasks: open, one task taken after another ─► closed ─► gone. */
export class TaskQueue implements WorkerRegistration {
  readonly worker: WorkerInfo
  readonly lost: AbortSignal = new AbortController().signal
  readonly #props: TaskQueueProps
  #tasks: QueuedTask[] = []
  /** An exclusive worker's request for its target, or its hold on it. */
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

  get queued(): number {
    return this.#tasks.length
  }

  push(queued: QueuedTask): void {
    this.#isReserved = false
    this.#tasks.push(queued)
    this.#wake()
  }

  /** Whether the next task pushed starts at once; only the first of several concurrent callers gets true. */
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

  /** If so, the task is taken without an await, so that nothing runs in between. */
  #canBeginAtOnce({ waits }: QueuedTask): boolean {
    return this.worker.exclusive !== true && !(waits && this.#props.states.markBegun !== undefined)
  }

  /** The first queued task whose action has not ended. */
  #first(): QueuedTask | undefined {
    while (this.#tasks.length > 0 && !this.#props.states.isRunning(this.#tasks[0]!.task.action)) {
      this.#tasks.shift()
    }
    return this.#tasks[0]
  }

  /** @returns false when another task may be first by now */
  async #mayBegin(first: QueuedTask, done: Claimant | undefined): Promise<boolean> {
    if (this.worker.exclusive === true && !(await this.#holdsTarget(first, done))) return false
    if (first.waits) await this.#props.states.markBegun?.(first.task.action)
    if (this.#first() === first) return true
    this.#leave(this.#claim)
    return false
  }

  /** Waits for the target. @returns false when another task may be first by now */
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
