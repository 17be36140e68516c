import type { IncomingHttpHeaders } from 'node:http'
import { proxyHeader } from './identity.ts'

/** Remembers whether requests come through a proxy. */
export class SeenProxy {
  #header: string | undefined

  /** A header that the first of them had; undefined while there was none. */
  get header(): string | undefined {
    return this.#header
  }

  see(headers: IncomingHttpHeaders): void {
    this.#header ??= proxyHeader(headers)
  }
}
