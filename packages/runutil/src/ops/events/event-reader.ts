import type { ServerResponse } from 'node:http'
import type { Clock } from '../../core/clock.ts'
import type { Feed } from './feed.ts'

/** A connection that has taken nothing for so long is closed, so that dead ones don't take the place of others. */
const LONGEST_BLOCK_MS = 60_000

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
}
const PING = Buffer.from(': ping\n\n')

/**
 * One reader of events. What it can't take now is dropped: once its connection has drained, it gets the whole of what it has missed,
 * so that no more than one state waits for it.
 */
export class EventReader {
  readonly feeds: ReadonlySet<Feed>
  readonly #response: ServerResponse
  readonly #clock: Clock
  /** The feeds of which it has been told all. */
  readonly #upToDate = new Set<Feed>()
  /** Since when it takes nothing, on the scale of `clock.elapsed()`. */
  #blockedSince: number | undefined

  constructor(response: ServerResponse, feeds: ReadonlySet<Feed>, clock: Clock) {
    this.#response = response
    this.feeds = feeds
    this.#clock = clock
  }

  /** Begins with all that is known. */
  begin(): void {
    this.#response.writeHead(200, HEADERS)
    for (const feed of this.feeds) this.deliver(feed, undefined)
  }

  /** @param change since the update before */
  deliver(feed: Feed, change: Buffer | undefined): void {
    const isUpToDate = this.#upToDate.has(feed)
    if (isUpToDate && change === undefined) return
    // The whole isn't even made for it.
    if (this.#isBlocked) return void this.#upToDate.delete(feed)
    const bytes = isUpToDate ? change : feed.whole()
    if (bytes === undefined) return
    this.#response.write(bytes)
    this.#upToDate.add(feed)
  }

  /** Without need while events come, but not all of them do. */
  ping(): void {
    if (!this.#isBlocked) this.#response.write(PING)
  }

  /** Closes the connection if it is blocked for too long. */
  check(): void {
    if (!this.#isBlocked) this.#blockedSince = undefined
    else {
      const now = this.#clock.elapsed()
      this.#blockedSince ??= now
      if (now - this.#blockedSince >= LONGEST_BLOCK_MS) this.#response.destroy()
    }
  }

  end(): void {
    if (this.#isBlocked) this.#response.destroy()
    else this.#response.end()
  }

  get #isBlocked(): boolean {
    return this.#response.writableNeedDrain
  }
}
