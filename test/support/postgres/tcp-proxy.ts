import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net'
import { Probe } from 'runutil/testing'

/**
 * A network between clients and a server, which a test can have fail: `silence` keeps connections open and carries
 * nothing, as a firewall or a dead NAT does; `cut` ends them; `refuse` lets nobody in; `delay` slows what is carried.
 */
export class TcpProxy {
  /** Hit with the number of connections that were made by then. */
  readonly connected = new Probe<number>('connected through the proxy', '60s')
  readonly #server: Server
  #target = { host: '', port: 0 }
  readonly #pairs = new Set<Pair>()
  #refuses = false
  #silencesNew = false
  #delayMs = 0
  #made = 0

  static async start(targetUrl: string): Promise<TcpProxy> {
    const proxy = new TcpProxy()
    proxy.switchTo(targetUrl)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  private constructor() {
    this.#server = createServer((near) => this.#accept(near))
  }

  /** The url that leads to the same place through it. */
  urlOf(targetUrl: string): string {
    const url = new URL(targetUrl)
    url.hostname = '127.0.0.1'
    url.port = String((this.#server.address() as AddressInfo).port)
    return url.href
  }

  /** How many connections are open. */
  get open(): number {
    return this.#pairs.size
  }

  /** How many connections are open that carry nothing: their clients haven't given them up. */
  get silenced(): number {
    return [...this.#pairs].filter(({ silent }) => silent).length
  }

  /** How many connections were made so far. */
  get made(): number {
    return this.#made
  }

  /** Ends all connections; those to come go to another server. */
  switchTo(targetUrl: string): void {
    const { hostname, port } = new URL(targetUrl)
    this.#target = { host: hostname, port: Number(port) }
    this.cut()
  }

  /** Carries nothing more on the connections that are there, nor their ends. @param andNew nor on those to come */
  silence({ andNew = false } = {}): void {
    this.#silencesNew = andNew
    for (const pair of this.#pairs) pair.silent = true
  }

  /** Those to come are carried again; those that were silenced stay so. */
  resume(): void {
    this.#silencesNew = false
    this.#refuses = false
    this.#delayMs = 0
  }

  /** What those to come carry takes so long each way. */
  delay(ms: number): void {
    this.#delayMs = ms
    for (const pair of this.#pairs) pair.delayMs = ms
  }

  /** Ends the connections that are there, for both sides. @param how by a reset, or as who closes it in order */
  cut(how: 'reset' | 'end' = 'reset'): void {
    for (const { near, far } of this.#pairs) {
      if (how === 'end') near.end()
      // One whose end is on its way can't be reset: Node then leaves it open.
      else if (near.writableEnded) near.destroy()
      else near.resetAndDestroy()
      far.destroy()
    }
  }

  /** Ends each new connection at once. */
  refuse(): void {
    this.#refuses = true
  }

  async stop(): Promise<void> {
    this.cut()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #accept(near: Socket): void {
    near.on('error', ignore)
    if (this.#refuses) return void near.resetAndDestroy()
    const far = connect(this.#target.port, this.#target.host).on('error', ignore)
    const pair: Pair = { near, far, silent: this.#silencesNew, delayMs: this.#delayMs }
    this.#pairs.add(pair)
    carry(pair, near, far)
    carry(pair, far, near)
    near.on('close', () => {
      this.#pairs.delete(pair)
      far.destroy()
    })
    this.connected.hit(++this.#made)
  }
}

interface Pair {
  readonly near: Socket
  readonly far: Socket
  silent: boolean
  delayMs: number
}

function carry(pair: Pair, from: Socket, to: Socket): void {
  const later = (run: () => void): void => {
    if (pair.delayMs > 0) setTimeout(run, pair.delayMs)
    else run()
  }
  from.on('data', (bytes) => {
    if (!pair.silent) later(() => void to.write(bytes))
  })
  from.on('end', () => {
    if (!pair.silent) later(() => void to.end())
  })
  from.on('error', () => {
    if (!pair.silent) to.destroy()
  })
}

function ignore(): void {}
