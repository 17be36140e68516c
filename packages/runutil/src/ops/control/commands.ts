import { currentClock } from '../../core/context.ts'
import { StoreUnavailableError } from '../../core/store-unavailable-error.ts'
import { timeOrderedId } from '../../core/time-ordered-id.ts'
import { sleep } from '../../core/wait.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { ANSWER_MS } from './answered-within.ts'
import { knownError } from '../http/error-answer.ts'
import type { Done } from './control.ts'
import { OpsError } from '../ops-error.ts'
import type { RemoteCommand } from './remote-command.ts'
import type { CommandOutcome, ReplicaStore, UnknownOutcome } from '../replicas/replica-store.ts'
import { performHere } from './worker-control.ts'

/** How this process and the others reach each other. */
export interface ReplicaLink {
  /** The id of this process. */
  readonly id: string
  readonly store: ReplicaStore
}

const FIRST_LOOK_MS = 50
const LONGEST_LOOK_MS = 1_000

/** Does commands in this process, or has another one do them. */
export class Commands {
  readonly #runtime: () => Runtime | undefined
  readonly #link: ReplicaLink | undefined

  /** @param link undefined: this process is alone */
  constructor(runtime: () => Runtime | undefined, link: ReplicaLink | undefined) {
    this.#runtime = runtime
    this.#link = link
  }

  /**
   * Waits at most 10 s for what comes of it: then the answer is 202, for another process with the id of the command.
   *
   * @param by who asks for it, for the log of the process that does it
   * @param replica undefined: this process
   * @throws OpsError
   */
  async run(command: RemoteCommand, by: string, replica?: string): Promise<Done> {
    if (replica === undefined || replica === this.#link?.id) return performHere(this.#runtime(), command)
    const id = timeOrderedId()
    const isSent = await this.#link?.store.send({ id, replica, command, by }).catch((error: unknown) => {
      throw knownError(error) ?? error
    })
    if (isSent !== true)
      throw new OpsError(404, 'not-found', `no process has the id '${replica}', or it has stopped`)
    return this.#outcomeOf(id, this.#link!.store)
  }

  async #outcomeOf(id: string, store: ReplicaStore): Promise<Done> {
    const clock = currentClock()
    const until = clock.elapsed() + ANSWER_MS
    for (let delayMs = FIRST_LOOK_MS; clock.elapsed() < until; delayMs *= 2) {
      await sleep(clock, Math.min(delayMs, LONGEST_LOOK_MS, until - clock.elapsed()))
      const outcome = await lookAt(id, store)
      if (outcome !== 'open') return doneBy(outcome)
    }
    return { status: 202, body: { command: id } }
  }
}

/** It was sent: while the store is out of reach, it may still be done. */
async function lookAt(id: string, store: ReplicaStore): Promise<CommandOutcome | UnknownOutcome> {
  try {
    return await store.outcome(id)
  } catch (error) {
    if (error instanceof StoreUnavailableError) return 'open'
    throw error
  }
}

/** @throws OpsError */
function doneBy(outcome: CommandOutcome | 'void' | 'lost'): Done {
  if (outcome === 'void')
    throw new OpsError(409, 'void', 'the process left before it took the command, which it will not do')
  if (outcome === 'lost')
    throw new OpsError(409, 'lost', 'the process was lost while it did the command; look at what it did')
  const { status, body } = outcome
  if (status === 200 || status === 202) return { status, body: body as object }
  const { code, message } = body as { code: string; message: string }
  throw new OpsError(status, code, message)
}
