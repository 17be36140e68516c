import type { Random } from './random.ts'
import { WorkerProcess } from './worker-process.ts'

export interface FleetProps {
  readonly size: number
  readonly program: string
  readonly url: string
  readonly folder: string
  readonly random: Random
  readonly signal: AbortSignal
}

/** The worker processes: as many as were asked for are there or on their way, whatever is done to them. */
export class Fleet {
  /** All there ever were. */
  readonly all: WorkerProcess[] = []
  readonly #props: FleetProps
  #size: number
  #waiting: (() => void)[] = []

  constructor(props: FleetProps) {
    this.#props = props
    this.#size = props.size
    props.signal.addEventListener('abort', () => this.#wake())
    this.#fill()
  }

  /**
   * Does something to one that has begun to run jobs; waits for it if there is none. At once, so that no two who wait
   * take the same one.
   */
  async toRunning<T>(act: (worker: WorkerProcess) => T | Promise<T>): Promise<T> {
    for (;;) {
      this.#props.signal.throwIfAborted()
      const running = this.all.filter(({ state }) => state === 'running')
      if (running.length > 0) return act(this.#props.random.pick(running))
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** Tells all but one to stop. Resolves when these are gone, with the one. */
  async leaveOne(): Promise<WorkerProcess> {
    const one = await this.toRunning((worker) => worker)
    this.#size = 1
    await this.#stop(this.#there.filter((worker) => worker !== one))
    await Promise.all(this.all.filter(({ state }) => state === 'ending').map(({ exit }) => exit))
    return this.toRunning((worker) => worker)
  }

  /** To its full number again. */
  refill(): void {
    this.#size = this.#props.size
    this.#fill()
  }

  async stop(): Promise<void> {
    this.#size = 0
    await this.#stop(this.#there)
    await Promise.all(this.all.map(({ exit }) => exit))
  }

  abandon(): void {
    this.#size = 0
    for (const worker of this.all) worker.abandon()
  }

  get #there(): WorkerProcess[] {
    return this.all.filter(({ state }) => state !== 'gone' && state !== 'ending')
  }

  async #stop(workers: readonly WorkerProcess[]): Promise<void> {
    // One that isn't listening yet doesn't know how to stop.
    await Promise.all(workers.map((worker) => (worker.state === 'starting' ? worker.kill() : worker.stop())))
  }

  /** The next doesn't wait for the end of the one before. */
  #fill(): void {
    while (this.#there.length < this.#size) this.#add()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  #add(): void {
    const { program, url, folder } = this.#props
    const name = `worker-${this.all.length + 1}`
    const onChange = (): void => {
      this.#fill()
      this.#wake()
    }
    this.all.push(new WorkerProcess({ name, program, url, folder, onChange }))
  }
}
