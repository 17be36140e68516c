import { systemClock } from '../../core/clock-system.ts'
import { Throttle } from '../../core/throttle.ts'
import type { Database } from '../database/database.ts'

/** Any role that can connect can notify, as often as it likes and without privileges on the schema. */
export const WAKE_EVERY_MS = 10

/** Wakes a poller on notifications; on those that turn out to be useless, at most once in 10 ms. */
export class WakeUps {
  readonly #throttle: Throttle
  #off: () => Promise<void> = () => Promise.resolve()

  constructor(wake: () => void) {
    this.#throttle = new Throttle(wake, WAKE_EVERY_MS, systemClock)
  }

  /** As `Database.listen`. @param isMeant whether a notification concerns this listener */
  async listen(
    database: Pick<Database, 'listen'>,
    channel: string,
    isMeant: (payload: string) => boolean = () => true,
  ): Promise<void> {
    this.#off = await database.listen(channel, (payload) => {
      if (isMeant(payload)) this.#throttle.call()
    })
  }

  /** The last wake-up was useful. */
  worthIt(): void {
    this.#throttle.worthIt()
  }

  stop(): Promise<void> {
    this.#throttle.stop()
    return this.#off()
  }
}
