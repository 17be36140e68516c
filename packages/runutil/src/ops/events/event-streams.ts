import type { ServerResponse } from 'node:http'
import { AsyncScope } from '../../core/async-scope.ts'
import { setBackgroundInterval } from '../../core/background-interval.ts'
import type { Clock, Timer } from '../../core/clock.ts'
import { EventReader } from './event-reader.ts'
import type { Feed } from './feed.ts'
import { checkFields, unknownField } from '../views/list-fields.ts'
import { ListFeed } from './list-feed.ts'
import { OpsError } from '../ops-error.ts'
import type { Aged, Fields, ReadModel } from '../views/read-model.ts'
import { StateFeed } from './state-feed.ts'

const MOST_STREAMS = 50
const EVERY_MS = 1_000
const PING_EVERY = 15

/** The lists that can be watched. */
const WATCHABLE = ['kinds', 'specs', 'leases', 'replicas'] as const
type Watchable = (typeof WATCHABLE)[number]

/**
 * Streams of server-sent events: `state` first, then at most one `patch` a second (RFC 7396); of the lists in `watch`, an event with
 * their name, now and when they change, with `{ code, message }` instead while they aren't known; `failure` when the state of another replica isn't known any more; `: ping` each 15 s.
 *
 * Everything is computed once for all readers, by one timer, and only while there is one. A reader that is slower than the events gets
 * a new `state` instead of those it has missed.
 */
export class EventStreams {
  readonly #model: ReadModel
  readonly #clock: Clock
  /** Those of whoever made it: what is read belongs to no caller's trace. */
  readonly #scope = new AsyncScope()
  readonly #readers = new Set<EventReader>()
  readonly #feeds = new Map<string, Feed>()
  readonly #updating = new Set<Feed>()
  #opening = 0
  #timer: Pick<Timer, 'clear'> | undefined
  #rounds = 0
  #isClosed = false

  constructor(model: ReadModel, clock: Clock) {
    this.#model = model
    this.#clock = clock
  }

  /** How many there are. */
  get count(): number {
    return this.#readers.size + this.#opening
  }

  /**
   * Answers a request with a stream. Headers that were set stay.
   *
   * @param fields of the address: `watch=kinds,replicas`, `replica=ID`
   * @throws OpsError 429 for too many, 404 for a replica that isn't known, 503 after `close`; InvalidArgumentError: nothing is
   *   answered then
   */
  async open(response: ServerResponse, fields: Fields): Promise<void> {
    const { replica, watch = '' } = checkFields(fields, 'events', ['watch', 'replica'])
    const lists = listsIn(watch)
    if (this.#isClosed) throw new OpsError(503, 'stopping', 'events: this process stops')
    if (this.count >= MOST_STREAMS) throw tooMany()
    this.#opening++
    try {
      const state = await this.#stateFeed(replica)
      const feeds = new Set<Feed>([state, ...lists.map((list) => this.#listFeed(list))])
      this.#begin(new EventReader(response, feeds, this.#clock), response)
    } finally {
      this.#opening--
      this.#forgetFeeds()
    }
  }

  /** Ends all streams, and answers no other. */
  close(): void {
    this.#isClosed = true
    for (const reader of this.#readers) reader.end()
  }

  #begin(reader: EventReader, response: ServerResponse): void {
    // Nobody reads it any more.
    if (response.destroyed) return
    this.#readers.add(reader)
    response.once('close', () => this.#ended(reader))
    response.on('error', () => {})
    reader.begin()
    if (this.#isClosed) reader.end()
    this.#timer ??= this.#scope.run(() => setBackgroundInterval(this.#clock, () => this.#round(), EVERY_MS))
    // The lists that nobody else watches.
    for (const feed of reader.feeds) if (feed.whole() === undefined) void this.#update(feed)
  }

  #ended(reader: EventReader): void {
    this.#readers.delete(reader)
    this.#forgetFeeds()
    if (this.#readers.size > 0) return
    this.#timer?.clear()
    this.#timer = undefined
  }

  #round(): void {
    const isPing = ++this.#rounds % PING_EVERY === 0
    for (const reader of this.#readers) {
      reader.check()
      if (isPing) reader.ping()
    }
    for (const feed of this.#feeds.values()) void this.#update(feed)
  }

  /** Never rejects. */
  async #update(feed: Feed): Promise<void> {
    if (this.#updating.has(feed)) return
    this.#updating.add(feed)
    try {
      const change = await this.#scope.run(() => feed.update())
      for (const reader of this.#readers) if (reader.feeds.has(feed)) reader.deliver(feed, change)
    } catch {
      // Without a first state nobody follows it.
    } finally {
      this.#updating.delete(feed)
    }
  }

  /** With a state. @throws OpsError */
  async #stateFeed(replica: string | undefined): Promise<Feed> {
    const key = `state ${replica ?? ''}`
    const known = this.#feeds.get(key)
    if (known?.whole() !== undefined) return known
    const model = this.#model
    const feed = new StateFeed(replica === undefined ? () => model.state() : () => model.stateOf(replica))
    await this.#scope.run(() => feed.update())
    // Another may have come meanwhile.
    const first = this.#feeds.get(key) ?? feed
    this.#feeds.set(key, first)
    return first
  }

  #listFeed(list: Watchable): Feed {
    const known = this.#feeds.get(list)
    if (known !== undefined) return known
    const feed = new ListFeed(list, (): Promise<Aged> => {
      return list === 'specs' ? this.#model.specs({}) : this.#model[list]()
    })
    this.#feeds.set(list, feed)
    return feed
  }

  #forgetFeeds(): void {
    // One that is about to begin may need them.
    if (this.#opening > 0) return
    for (const [key, feed] of this.#feeds) {
      if (![...this.#readers].some((reader) => reader.feeds.has(feed))) this.#feeds.delete(key)
    }
  }
}

/** @param watch names with commas between them */
function listsIn(watch: string): Watchable[] {
  const names = watch.split(',').map((name) => name.trim())
  const unknown = names.find((name) => name !== '' && !isWatchable(name))
  if (unknown !== undefined) throw unknownField(unknown, 'events: watch', WATCHABLE)
  return [...new Set(names.filter(isWatchable))]
}

function isWatchable(name: string): name is Watchable {
  return (WATCHABLE as readonly string[]).includes(name)
}

function tooMany(): OpsError {
  const message = `events: expected at most ${MOST_STREAMS} streams at once; close one`
  return new OpsError(429, 'too-many-streams', message, { 'retry-after': '5' })
}
