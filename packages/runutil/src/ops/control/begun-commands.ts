import { currentClock, currentLogger } from '../../core/context.ts'
import { log } from '../../core/log.ts'
import { messageOf } from '../../core/thrown.ts'
import { untilAvailable } from '../../core/until-available.ts'
import { within } from '../../core/within.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { logCall } from './log-call.ts'
import { OpsError } from '../ops-error.ts'
import { remoteCommandOf } from './remote-command.ts'
import type { Command, CommandOutcome, ReplicaStore } from '../replicas/replica-store.ts'
import { performHere } from './worker-control.ts'

/** A store gives a command out for 30 s, and nobody gives so many orders in that time. */
const REMEMBERED = 1_000
/** How long to try to tell an outcome. */
const TELL_MS = 60_000

/** The commands that others have sent to this process: each is done once, however often the store gives it out. */
export class BegunCommands {
  readonly #store: ReplicaStore
  readonly #runtime: () => Runtime | undefined
  /** In the order in which they were begun. */
  readonly #begun = new Set<string>()
  readonly #running = new Set<Promise<void>>()

  constructor(store: ReplicaStore, runtime: () => Runtime | undefined) {
    this.#store = store
    this.#runtime = runtime
  }

  /** Begins those that weren't begun before. @returns whether there were any */
  begin(commands: readonly Command[]): boolean {
    const fresh = commands.filter(({ id }) => !this.#begun.has(id))
    for (const command of fresh) {
      this.#begun.add(command.id)
      const running = this.#perform(command).finally(() => this.#running.delete(running))
      this.#running.add(running)
    }
    for (const id of this.#begun) {
      if (this.#begun.size <= REMEMBERED) break
      this.#begun.delete(id)
    }
    return fresh.length > 0
  }

  /**
   * Resolves when all outcomes have been told, or after `ms`: what stops this very process, or the worker that does this, ends only
   * after it.
   */
  async idle(ms: number): Promise<void> {
    await within(Promise.all(this.#running), ms, currentClock())
  }

  /** Never rejects. */
  async #perform(command: Command): Promise<void> {
    const outcome = await this.#outcomeOf(command)
    const clock = currentClock()
    const giveUpAt = clock.elapsed() + TELL_MS
    const tell = (): Promise<void> => this.#store.settle(command.id, outcome)
    try {
      await untilAvailable(tell, { clock, givesUp: () => clock.elapsed() > giveUpAt, onRetry: () => {} })
    } catch (error) {
      log(currentLogger(), 'warn', { err: error }, 'cannot tell what came of a command')
    }
  }

  async #outcomeOf({ command, by }: Command): Promise<CommandOutcome> {
    try {
      const known = remoteCommandOf(command)
      const { of, path, verb } = known
      return await logCall({ by, what: verb, on: `${of} ${path}` }, () => performHere(this.#runtime(), known))
    } catch (error) {
      if (!(error instanceof OpsError))
        return { status: 500, body: { code: 'error', message: messageOf(error) } }
      const { status, code, message } = error
      return { status, body: { code, message } }
    }
  }
}
