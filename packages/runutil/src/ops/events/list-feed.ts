import { type Feed, eventOf, failureOf } from './feed.ts'
import type { Aged } from '../views/read-model.ts'

/** An answer that is older than this isn't up to date: its readers are told. */
const STALE_MS = 10_000

/** A list that all replicas have in common: an event of its name whenever it has changed, or has become old, or isn't known. */
export class ListFeed implements Feed {
  readonly #name: string
  readonly #read: () => Promise<Aged>
  #told: string | undefined
  #whole: Buffer | undefined

  constructor(name: string, read: () => Promise<Aged>) {
    this.#name = name
    this.#read = read
  }

  whole(): Buffer | undefined {
    return this.#whole
  }

  async update(): Promise<Buffer | undefined> {
    const { content, data } = await this.#content()
    if (content === this.#told) return undefined
    this.#told = content
    return (this.#whole = eventOf(this.#name, data))
  }

  /** What is compared, without the time of the answer. */
  async #content(): Promise<{ content: string; data: object }> {
    try {
      const data = await this.#read()
      const list = JSON.stringify({ ...data, at: undefined, ageMs: undefined })
      return { content: `${data.ageMs > STALE_MS} ${list}`, data }
    } catch (error) {
      const data = failureOf(error)
      return { content: data.message, data }
    }
  }
}
