import { type ApiError, apiAddress, get, toApiError } from './api.ts'
import type { LiveEvent } from './live.ts'
import type { Fields } from './router.ts'

/** After a loss it tries again in 1 s, then in twice as long each time. */
const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 15_000

const LISTS = ['kinds', 'specs', 'leases', 'replicas']

export interface StreamProps {
  readonly replica: string | undefined
  /** Names of lists. */
  readonly watch: readonly string[]
  heard(event: LiveEvent): void
  /** The caller may not read any more. */
  refused(): void
}

/**
 * Follows the events of the server until it is closed. A tab that nobody sees has no stream: it opens another when it is shown again.
 * What is lost is opened again, with longer and longer pauses.
 */
export class Stream {
  readonly #props: StreamProps
  #source: EventSource | undefined
  #retry: ReturnType<typeof setTimeout> | undefined
  #retryMs = FIRST_RETRY_MS
  #isClosed = false

  constructor(props: StreamProps) {
    this.#props = props
    document.addEventListener('visibilitychange', this.#shown)
    window.addEventListener('online', this.#online)
    this.#shown()
  }

  close(): void {
    this.#isClosed = true
    document.removeEventListener('visibilitychange', this.#shown)
    window.removeEventListener('online', this.#online)
    this.#leave()
  }

  readonly #shown = (): void => {
    this.#leave()
    this.#props.heard({ type: 'connection', connection: document.hidden ? 'hidden' : 'connecting' })
    if (!document.hidden) this.#open()
  }

  readonly #online = (): void => {
    if (this.#retry !== undefined) this.#open()
  }

  #open(): void {
    this.#leave()
    const { heard } = this.#props
    const source = new EventSource(apiAddress('events', this.#fields))
    this.#source = source
    for (const type of ['state', 'patch', 'failure'] as const) {
      source.addEventListener(type, (event) => heard({ type, data: dataOf(event as MessageEvent<unknown>) }))
    }
    for (const name of LISTS) {
      source.addEventListener(name, (event) =>
        heard({ type: 'list', name, data: dataOf(event as MessageEvent<unknown>) }),
      )
    }
    source.addEventListener('open', () => {
      this.#retryMs = FIRST_RETRY_MS
      heard({ type: 'connection', connection: 'open' })
    })
    source.addEventListener('error', () => void this.#lost())
  }

  get #fields(): Fields {
    const { replica, watch } = this.#props
    return { watch: watch.join(','), ...(replica !== undefined && { replica }) }
  }

  #leave(): void {
    this.#source?.close()
    this.#source = undefined
    clearTimeout(this.#retry)
    this.#retry = undefined
  }

  async #lost(): Promise<void> {
    this.#leave()
    this.#retry = setTimeout(() => this.#open(), this.#retryMs)
    this.#retryMs = Math.min(2 * this.#retryMs, LONGEST_RETRY_MS)
    const why = await this.#why()
    if (this.#isClosed || this.#retry === undefined) return
    if (why?.status === 401) this.#props.refused()
    const failure = why ?? { code: 'lost', message: 'the connection was closed' }
    this.#props.heard({ type: 'connection', connection: 'lost', failure })
  }

  /** An EventSource doesn't tell what it was answered. */
  async #why(): Promise<ApiError | undefined> {
    const { replica } = this.#props
    try {
      await get('state', replica === undefined ? {} : { replica })
      return undefined
    } catch (error) {
      return toApiError(error)
    }
  }
}

function dataOf({ data }: { readonly data: unknown }): unknown {
  return JSON.parse(String(data))
}
