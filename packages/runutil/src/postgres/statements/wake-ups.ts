import { systemClock } from '../../core/clock-system.ts'
import { Throttle } from '../../core/throttle.ts'
import type { Database } from '../database/database.ts'

/** Whoever may connect may notify, as often as they like and without any right on the schema. */
export const WAKE_EVERY_MS = 10

/** Wakes who looks at the database when it is notified. What comes for nothing wakes it at most once in 10 ms. */
export class WakeUps {
  readonly #throttle: Throttle
  #off: () => Promise<void> = () => Promise.resolve()

  constructor(wake: () => void) {
    this.#throttle = new Throttle(wake, WAKE_EVERY_MS, systemClock)
  }

  /** As `Database.listen`. @param isMeant whether a notification is for this listener */
  async listen(
    database: Pick<Database, 'listen'>,
    channel: string,
    isMeant: (payload: string) => boolean = () => true,
  ): Promise<void> {
    this.#off = await database.listen(channel, (payload) => {
      if (isMeant(payload)) this.#throttle.call()
    })
  }

  /** There was something to be had. */
  worthIt(): void {
    this.#throttle.worthIt()
  }

  stop(): Promise<void> {
    this.#throttle.stop()
    return this.#off()
  }
}
