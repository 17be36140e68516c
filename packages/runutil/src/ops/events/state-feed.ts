import { type Feed, eventOf, failureOf } from './feed.ts'
import { type JsonObject, diff } from './patch.ts'
import type { State } from '../views/read-model.ts'

/**
 * The state of a process: the event `state`, and then `patch` with a merge patch, or `failure` when the state of another process
 * isn't known any more.
 */
export class StateFeed implements Feed {
  readonly #read: () => State | Promise<State>
  #last: JsonObject | undefined
  /** That of `last`, once somebody needed it. */
  #whole: Buffer | undefined
  #failure: string | undefined

  constructor(read: () => State | Promise<State>) {
    this.#read = read
  }

  whole(): Buffer | undefined {
    if (this.#last === undefined) return undefined
    return (this.#whole ??= eventOf('state', this.#last))
  }

  /** @throws what reading it throws, before the first state */
  async update(): Promise<Buffer | undefined> {
    try {
      const state = (await this.#read()) as unknown as JsonObject
      const patch = this.#last && diff(this.#last, state)
      this.#last = state
      this.#whole = undefined
      this.#failure = undefined
      return patch && eventOf('patch', patch)
    } catch (error) {
      if (this.#last === undefined) throw error
      return this.#failed(error)
    }
  }

  /** Once for each reason. */
  #failed(error: unknown): Buffer | undefined {
    const failure = failureOf(error)
    if (this.#failure === failure.message) return undefined
    this.#failure = failure.message
    return eventOf('failure', failure)
  }
}
