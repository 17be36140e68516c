import { offAbort, onAbort } from '../core/abort.ts'
import type { SeenRecord } from './action-ledger.ts'

/** The maximum number of unread changes. From half of that on, a ledger that reads changes waits. */
const CAPACITY = 1_000
const HIGH_WATER_MARK = CAPACITY / 2

/**
 * Changes that a monitor has not read yet: buffering ─► full, further changes are dropped ─► the buffer has been read, and the
 * ledger has to be searched for the dropped changes.
 */
export class UnreadChanges {
  readonly #signal: AbortSignal | undefined
  #kept: SeenRecord[] = []
  #dropped = false
  #end: { readonly error: unknown } | undefined
  #wake: () => void = () => {}
  /** Resolves when the buffer has room again. */
  #room: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined
  readonly #onAbort = (): void => this.#wake()

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal
    onAbort(signal, this.#onAbort)
  }

  /** @returns a promise to await before the next change, for a ledger that can wait */
  push(seen: SeenRecord): Promise<void> | undefined {
    if (this.#kept.length < CAPACITY && !this.#dropped) this.#kept.push(seen)
    else this.#dropped = true
    this.#wake()
    return this.#kept.length < HIGH_WATER_MARK ? undefined : this.#untilRoom()
  }

  /** Called when no more changes will arrive. */
  end(error: unknown): void {
    this.#end = { error }
    this.#wake()
  }

  /** 'dropped': some changes are missing, and new ones are buffered again. Undefined after the abort. @throws the error of `end` */
  async next(): Promise<SeenRecord | 'dropped' | undefined> {
    while (this.#kept.length === 0 && !this.#dropped && this.#end === undefined && !this.#signal?.aborted) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    if (this.#signal?.aborted) return undefined
    const seen = this.#kept.shift()
    if (this.#kept.length < HIGH_WATER_MARK) this.#makeRoom()
    if (seen !== undefined) return seen
    if (!this.#dropped) throw this.#end!.error
    this.#dropped = false
    return 'dropped'
  }

  close(): void {
    offAbort(this.#signal, this.#onAbort)
    this.#makeRoom()
  }

  #untilRoom(): Promise<void> {
    if (this.#room === undefined) {
      let resolve!: () => void
      const promise = new Promise<void>((resolved) => (resolve = resolved))
      this.#room = { promise, resolve }
    }
    return this.#room.promise
  }

  #makeRoom(): void {
    this.#room?.resolve()
    this.#room = undefined
  }
}
