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
  #ending = false
  #waiting: (() => void)[] = []

  constructor(props: FleetProps) {
    this.#props = props
    props.signal.addEventListener('abort', () => this.#wake())
    for (let n = 0; n < props.size; n++) this.#add()
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

  async stop(): Promise<void> {
    this.#ending = true
    const there = this.all.filter(({ state }) => state !== 'gone' && state !== 'ending')
    // One that isn't listening yet doesn't know how to stop.
    await Promise.all(
      there.map(async (worker) => (worker.state === 'starting' ? worker.kill() : worker.stop())),
    )
    await Promise.all(this.all.map(({ exit }) => exit))
  }

  abandon(): void {
    this.#ending = true
    for (const worker of this.all) worker.abandon()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  #add(): void {
    const { program, url, folder } = this.#props
    const name = `worker-${this.all.length + 1}`
    let replaced = false
    const onChange = (): void => {
      const { state } = worker
      // The next doesn't wait for the end of the one before.
      if (!replaced && !this.#ending && (state === 'ending' || state === 'gone')) {
        replaced = true
        this.#add()
      }
      this.#wake()
    }
    const worker = new WorkerProcess({ name, program, url, folder, onChange })
    this.all.push(worker)
  }
}
