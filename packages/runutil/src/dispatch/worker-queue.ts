import type { Task } from './action.ts'
import type { Claimant, ExclusiveTargets } from './exclusive-targets.ts'
import type { Announcement, WorkerInfo } from './task-exchange.ts'

/** What an exchange needs of the actions. */
export interface ActionsInMemory {
  /** Whether it hasn't ended: the task of one that has is not given to anyone. */
  isRunning(action: string): boolean
  /** Fails one that nobody will begin, with 'worker lost'. */
  lose(action: string, now: number): Promise<unknown>
  /** Notes that a task that waited is begun, where a later process could give it to somebody else. */
  begin?(action: string): Promise<void>
}

export interface WorkerQueueProps {
  readonly worker: WorkerInfo
  readonly actions: ActionsInMemory
  /** Of all workers that were registered so. */
  readonly exclusive: ExclusiveTargets
  /** It has given its target up. */
  readonly onGone: () => void
}

interface PostedTask {
  readonly task: Task
  /** Of all tasks, by when it was posted. */
  readonly place: number
  /** It is written down that nobody has begun it. */
  readonly waits: boolean
}

interface Waiting extends PostedTask {
  readonly take: () => void
}

/** A live worker in this process: open, its tasks taken one after another ─► closed ─► gone. */
export class WorkerQueue implements Announcement {
  readonly worker: WorkerInfo
  readonly lost: AbortSignal = new AbortController().signal
  readonly #props: WorkerQueueProps
  #tasks: Waiting[] = []
  /** By what it has its target for itself, or asks for it. */
  #claim: Claimant | undefined
  #wake: () => void = () => {}
  #gone = false
  #isIdle = false
  #isReserved = false
  open = true

  constructor(props: WorkerQueueProps) {
    this.#props = props
    this.worker = props.worker
  }

  push(posted: PostedTask): Promise<void> {
    this.#isReserved = false
    return new Promise((take) => {
      this.#tasks.push({ ...posted, take })
      this.#wake()
    })
  }

  /** Whether what is pushed next is begun at once; of several that ask for it, the first. */
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
        this.#isIdle = this.worker.exclusive !== true
        await new Promise<void>((resolve) => (this.#wake = resolve))
        this.#isIdle = false
      } else if (this.#isReady(first) || (await this.#mayBegin(first, done))) {
        this.#tasks.shift()
        first.take()
        return first.task
      }
      done = undefined
    }
  }

  /** It is taken in the same turn, so that nothing comes between. */
  #isReady({ waits }: Waiting): boolean {
    return this.worker.exclusive !== true && !(waits && this.#props.actions.begin !== undefined)
  }

  /** Of those that haven't ended meanwhile. */
  #first(): Waiting | undefined {
    while (this.#tasks.length > 0 && !this.#props.actions.isRunning(this.#tasks[0]!.task.action)) {
      this.#tasks.shift()
    }
    return this.#tasks[0]
  }

  /** False: there may be another first. */
  async #mayBegin(first: Waiting, done: Claimant | undefined): Promise<boolean> {
    if (this.worker.exclusive === true && !(await this.#hasTarget(first, done))) return false
    if (first.waits) await this.#props.actions.begin?.(first.task.action)
    if (this.#first() === first) return true
    this.#leave(this.#claim)
    return false
  }

  /** Waits for its target, which it is to have for itself. False: it has changed meanwhile what is first. */
  async #hasTarget(first: Waiting, done: Claimant | undefined): Promise<boolean> {
    let granted = false
    const claim = await new Promise<Claimant>((resolve) => {
      const asked: Claimant = {
        place: first.place,
        onGranted: () => {
          granted = true
          resolve(asked)
        },
      }
      this.#claim = asked
      this.#wake = () => resolve(asked)
      this.#props.exclusive.ask(this.worker.target, asked)
      // Only now, so that whose turn is next is told by the places of all.
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
    await Promise.all(left.map(({ task }) => this.#props.actions.lose(task.action, now)))
  }

  async withdraw(now: number): Promise<void> {
    if (!this.#gone) this.#props.onGone()
    this.#gone = true
    this.#leave(this.#claim)
    await this.close(now)
  }
}
