import { once } from 'node:events'
import { type Server, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type DeclarativeWorker, Runtime, runAllWorkers } from 'runutil'
import { type Coordinate, MemoryCoordinateStore, createCoordinate } from 'runutil/coordinate'
import { Manager, MemoryActionLedger } from 'runutil/dispatch'
import { MemoryLeaseStore } from 'runutil/leases'
import { MemoryReplicaStore, type OpsOptions, OpsServer, type ReplicaStore } from 'runutil/ops'
import { JobQueue, MemoryJobStore } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { Context, newScope, withContext } from '../../../../packages/runutil/src/core/context.ts'
import { capturedLogger } from '../../logs.ts'

/** Changes something, where it is the `token` option. */
export const TOKEN = 'open-sesame'

/**
 * A service with all kinds of stores, in memory and on a virtual clock, and OpsServers that show it. Its time stands, or goes on with
 * that of the machine.
 */
export class ShownService {
  readonly clock: VirtualClock
  readonly queue: JobQueue
  readonly coordinate: Coordinate
  readonly manager: Manager
  readonly leases: MemoryLeaseStore
  readonly replicas: ReplicaStore
  readonly #runtime = new Runtime()
  readonly #logger = capturedLogger().logger
  readonly #stop = new AbortController()
  readonly #servers: Server[] = []
  /** How many streams of events are open. */
  streams = 0
  /** Where the page of who may change things with TOKEN is. */
  url = ''
  #isCut = false
  #run: Promise<void> | undefined
  #ticking: NodeJS.Timeout | undefined

  /** @param now of its clock, in ms since the epoch @param stores in place of those in memory */
  constructor(now: number, stores: { queue?: JobQueue; replicas?: ReplicaStore } = {}) {
    const clock = new VirtualClock({ now })
    this.clock = clock
    this.queue = stores.queue ?? new JobQueue(new MemoryJobStore({ clock }))
    this.coordinate = createCoordinate(new MemoryCoordinateStore(), { clock })
    this.manager = new Manager({ operation: 'update', ledger: new MemoryActionLedger(), clock })
    this.leases = new MemoryLeaseStore({ clock })
    this.replicas = stores.replicas ?? new MemoryReplicaStore({ clock })
  }

  /** Begins its run, with an OpsServer as its first worker. */
  async start(workers: readonly DeclarativeWorker[]): Promise<void> {
    const { clock } = this
    const runtime = this.#runtime
    const ops = new OpsServer(this.#options({ token: TOKEN, port: 0 }))
    const run = [{ name: 'Ops', worker: ops }, ...workers]
    this.#run = runAllWorkers(run, this.#stop.signal, { clock, logger: this.#logger, runtime })
    await runtime.ready('/Ops')
    this.url = await this.#listen(ops, '/')
  }

  /** Resolves when a worker is ready, while time stands. */
  ready(path: string): Promise<void> {
    return this.#runtime.ready(path)
  }

  /** Another page of the run. @returns its address */
  async serve(options: OpsOptions): Promise<string> {
    const context = new Context(newScope({ clock: this.clock, logger: this.#logger }), '')
    const ops = withContext(
      context,
      () => new OpsServer(this.#options({ ...options, runtime: this.#runtime })),
    )
    return this.#listen(ops, options.basePath ?? '/')
  }

  /** From now on its time goes on. */
  tick(): void {
    let before = performance.now()
    this.#ticking = setInterval(() => {
      const now = performance.now()
      void this.clock.advance(now - before)
      before = now
    }, 50)
  }

  /** As if the network was gone, and was there again. */
  cut(isCut: boolean): void {
    this.#isCut = isCut
    if (isCut) for (const server of this.#servers) server.closeAllConnections()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ticking === undefined) this.tick()
    for (const server of this.#servers) {
      server.closeAllConnections()
      server.close()
    }
    this.#stop.abort()
    await this.#run
    clearInterval(this.#ticking)
  }

  #options(options: OpsOptions): OpsOptions {
    const { queue, coordinate, manager, leases, replicas } = this
    return { queue, coordinate, dispatch: manager, leases, replicas, ...options }
  }

  /** In front of it, so that the time in its answers is that of the clock. */
  async #listen(ops: OpsServer, path: string): Promise<string> {
    const handle = ops.handler()
    const server = createServer((request, response) => {
      if (this.#isCut) return request.socket.destroy()
      if (request.url?.includes('/events') === true) {
        this.streams++
        response.once('close', () => this.streams--)
      }
      response.setHeader('date', new Date(this.clock.now()).toUTCString())
      handle(request, response)
    })
    this.#servers.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
  }
}
