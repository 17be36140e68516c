import {
  type DeclarativeWorker,
  type Duration,
  type Runnable,
  Runtime,
  type RuntimeEvent,
  type WorkerNode,
  runAllWorkers,
  runProvidedWorkers,
} from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { expect } from 'vitest'
import { capturedLogger } from '../logs.ts'
import { untilAbort } from '../outcome.ts'
import { fresh } from './run-group.ts'

interface ObservedRunProps {
  readonly clock?: VirtualClock
  /** Whether its log also has the starts and ends of workers. */
  readonly lifecycle?: boolean
  readonly grace?: Duration
}

/** A run on virtual time, with a handle on it, its events and its log. */
export class ObservedRun {
  readonly clock: VirtualClock
  readonly runtime = new Runtime()
  readonly events: RuntimeEvent[] = []
  readonly log: ReturnType<typeof capturedLogger>
  over: Promise<void> = Promise.resolve()
  readonly #grace: Duration | undefined
  readonly #stop = new AbortController()

  constructor({ clock = new VirtualClock(), lifecycle = false, grace }: ObservedRunProps = {}) {
    this.clock = clock
    this.#grace = grace
    this.log = capturedLogger({ lifecycle })
    this.runtime.on((event) => this.events.push(event))
  }

  start(...workers: Runnable[]): Promise<void> {
    this.over = runAllWorkers(workers, this.#stop.signal, this.#options())
    return this.over
  }

  /** Starts the classes of one group. */
  startGroup(group: string): Promise<void> {
    this.over = runProvidedWorkers(fresh(), this.#stop.signal, { group, ...this.#options() })
    return this.over
  }

  #options() {
    const { clock, runtime } = this
    return { clock, runtime, logger: this.log.logger, grace: this.#grace }
  }

  stop(reason?: Error): void {
    this.#stop.abort(reason)
  }

  /** Stops the run, waits for its end, and checks that no timer is left. @param within how far time advances for that */
  async end(within: Duration = 0): Promise<void> {
    this.stop()
    await this.clock.advance(within)
    await this.over
    expect(this.clock.pending).toBe(0)
  }

  /** The states of all workers by their paths. */
  states(): Record<string, string> {
    const states: Record<string, string> = {}
    const walk = (node: WorkerNode): void => {
      states[node.path] = node.state
      node.children.forEach(walk)
    }
    walk(this.runtime.tree())
    return states
  }

  /** The types of the events of one worker, in order. */
  typesOf(path: string): string[] {
    return this.events.filter((event) => event.path === path).map(({ type }) => type)
  }
}

export const named = (
  name: string,
  worker: DeclarativeWorker['worker'] = untilAbort,
  rest: Partial<DeclarativeWorker> = {},
): DeclarativeWorker => ({ name, worker, ...rest })
