import { offAbort, onAbort } from '../core/abort.ts'
import type { SeenRecord } from './action-ledger.ts'

/** The most unread changes that are kept. From half of that on, a ledger that reads changes waits. */
const MOST = 1_000
const MANY = MOST / 2

/**
 * Changes that a monitor has not read yet: kept ─► too many: further ones are dropped ─► all kept ones are read, and the ledger
 * has to be searched for the rest.
 */
export class UnreadChanges {
  readonly #signal: AbortSignal | undefined
  #kept: SeenRecord[] = []
  #dropped = false
  #end: { readonly error: unknown } | undefined
  #wake: () => void = () => {}
  /** Resolves when there is room again. */
  #room: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined
  readonly #onAbort = (): void => this.#wake()

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal
    onAbort(signal, this.#onAbort)
  }

  /** @returns what to wait for before the next change, for a ledger that can */
  push(seen: SeenRecord): Promise<void> | undefined {
    if (this.#kept.length < MOST && !this.#dropped) this.#kept.push(seen)
    else this.#dropped = true
    this.#wake()
    return this.#kept.length < MANY ? undefined : this.#untilRoom()
  }

  /** Nothing more will come. */
  end(error: unknown): void {
    this.#end = { error }
    this.#wake()
  }

  /** 'dropped': some are missing here, and new ones are kept again. Undefined after the abort. @throws the error of `end` */
  async next(): Promise<SeenRecord | 'dropped' | undefined> {
    while (this.#kept.length === 0 && !this.#dropped && this.#end === undefined && !this.#signal?.aborted) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    if (this.#signal?.aborted) return undefined
    const seen = this.#kept.shift()
    if (this.#kept.length < MANY) this.#makeRoom()
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
