import { PostgresServer } from '../support/postgres/server.ts'
import { TcpProxy } from '../support/postgres/tcp-proxy.ts'

/** A server and, while failovers are to come, a standby that confirms whatever the server acknowledges. */
export class Cluster {
  /** Between the workers and whichever server is the primary. */
  readonly proxy: TcpProxy
  /** The same for who looks on, enqueues and disturbs. Nothing but a failover is done to these. */
  readonly #aside: TcpProxy
  #primary: PostgresServer
  #standby: PostgresServer | undefined
  readonly #all: PostgresServer[]
  #failoversLeft: number

  static async start(failovers: number): Promise<Cluster> {
    const primary = await PostgresServer.start()
    const cluster = new Cluster(
      primary,
      await TcpProxy.start(primary.url),
      await TcpProxy.start(primary.url),
      failovers,
    )
    await cluster.follow()
    return cluster
  }

  private constructor(primary: PostgresServer, proxy: TcpProxy, aside: TcpProxy, failovers: number) {
    this.#primary = primary
    this.#all = [primary]
    this.proxy = proxy
    this.#aside = aside
    this.#failoversLeft = failovers
  }

  /** What disturbances act on. After a failover it is another. */
  get primary(): PostgresServer {
    return this.#primary
  }

  /** For workers. */
  get url(): string {
    return this.proxy.urlOf(this.#primary.url)
  }

  /** For all others. */
  get urlAside(): string {
    return this.#aside.urlOf(this.#primary.url)
  }

  /** Restarts the primary. Resolves when what it acknowledges is on the standby again, if there is one. */
  async restart(mode: 'fast' | 'immediate'): Promise<void> {
    await this.#primary.restart(mode)
    if (this.#standby !== undefined) await this.#primary.untilSynchronous()
  }

  /**
   * The primary is gone at once and for good, and its standby takes its place.
   *
   * @param early whether workers reach the standby before it takes writes, or when it does
   */
  async failOver({ early }: { early: boolean }): Promise<void> {
    const standby = this.#standby!
    // Nobody promotes a standby that has fallen behind.
    await this.#primary.untilSynchronous()
    await this.#primary.kill()
    if (early) this.proxy.switchTo(standby.url)
    await standby.promote()
    if (!early) this.proxy.switchTo(standby.url)
    this.#aside.switchTo(standby.url)
    this.#primary = standby
    this.#standby = undefined
    this.#failoversLeft--
  }

  /** A new standby in place of the one that was promoted, unless no failover is to come. */
  async follow(): Promise<void> {
    if (this.#failoversLeft === 0) return
    const standby = await this.#primary.standby()
    this.#all.push(standby)
    await this.#primary.beSynchronous()
    this.#standby = standby
  }

  async stop(): Promise<void> {
    await Promise.all([this.proxy, this.#aside, ...this.#all].map((one) => one.stop()))
  }
}
