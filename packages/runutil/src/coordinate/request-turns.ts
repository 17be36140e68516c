import { SerialQueue } from '../core/serial-queue.ts'

/** Of what a child with a turn was told: that it needs none. */
const NO_TURN = Symbol()

/**
 * When the children of a worker may request. While there is work, at any time, so that the store can merge their requests. Else one after
 * another, and a child that gets nothing keeps its turn while it waits: an idle worker sends one request per poll interval, however
 * many children it has.
 */
export class RequestTurns {
  readonly #turns = new SerialQueue()
  /** Whether the last answer brought work. */
  #isWork = false

  /**
   * @param request returns undefined when there is nothing to do
   * @param wait called after a turn in vain. Only then, since what comes after a request begins must not go unnoticed: that of a child
   *   without a turn may have begun before another one's, which found work
   */
  async run<T>(request: () => Promise<T | undefined>, wait: () => Promise<void>): Promise<T | undefined> {
    if (!this.#isWork) {
      const answer = await this.#turns.run(() => this.#takeTurn(request, wait))
      if (answer !== NO_TURN) return answer
    }
    return this.#ask(request)
  }

  async #takeTurn<T>(
    request: () => Promise<T | undefined>,
    wait: () => Promise<void>,
  ): Promise<T | typeof NO_TURN | undefined> {
    if (this.#isWork) return NO_TURN
    const answer = await this.#ask(request)
    if (answer === undefined) await wait()
    return answer
  }

  async #ask<T>(request: () => Promise<T | undefined>): Promise<T | undefined> {
    const answer = await request()
    this.#isWork = answer !== undefined
    return answer
  }
}
