import type { IncomingMessage, ServerResponse } from 'node:http'
import { offAbort, onAbort } from '../core/abort.ts'
import { brand } from '../core/brand.ts'
import { Context, currentClock, currentContext, withContext } from '../core/context.ts'
import { InvalidArgumentError } from '../core/errors.ts'
import { healthCheckpoint } from '../core/health.ts'
import { linkedController } from '../core/linked-controller.ts'
import { timeOrderedId } from '../core/time-ordered-id.ts'
import { comesFirst, workerKind } from '../core/worker-kind.ts'
import { workerReady } from '../core/worker-ready.ts'
import type { Worker } from '../core/worker.ts'
import { type Runtime, currentRuntime, recordsOf } from '../runtime/runtime.ts'
import { OpsHandler } from './http/ops-handler.ts'
import { OpsListener } from './http/ops-listener.ts'
import type { OpsOptions } from './ops-options.ts'
import { SeenProxy } from './access/seen-proxy.ts'
import type { ServerFacts } from './doctor/check.ts'
import { Probes } from './probes/probes.ts'
import { ServedRun, servicesOf } from './served-run.ts'
import { Sessions } from './access/sessions.ts'
import { type OpsSettings, isOpen, resolveSettings } from './settings.ts'
import { WrongTokens } from './access/wrong-tokens.ts'

/** A listener of a `node:http` server, or middleware of Express. */
export type OpsRequestHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: () => void,
) => void

/**
 * Shows what a program does, and lets an operator steer it: an API, metrics, and the probes of a supervisor of processes.
 *
 * Run it as a worker, on a port of its own: it is up before the other workers, and stops after them. Or mount its `handler()`. Who is
 * on this machine may look; who has `token` may also change things.
 *
 * @example
 * const ops = new OpsServer({ queue })
 * await runAllWorkers([{ name: 'Ops', worker: ops }, { name: 'Mail', worker: mail }], shutdownSignal())
 */
export class OpsServer implements Worker {
  static {
    brand(this, 'OpsServer')
  }

  readonly [workerKind] = 'ops'
  readonly [comesFirst] = 'itself'
  readonly #options: OpsOptions
  readonly #settings: OpsSettings
  readonly #probes: Probes
  readonly #proxy = new SeenProxy()
  readonly #id = timeOrderedId()
  /** The run that this is a worker of, while it is. */
  #context: Context | undefined
  #run: ServedRun | undefined
  #handler: OpsHandler
  #url: string | undefined
  #isRunning = false

  /** @throws InvalidArgumentError, also for a host that others can reach without `token`, `readToken` or `authorize` */
  constructor(options: OpsOptions = {}) {
    this.#settings = resolveSettings(options, process.env)
    this.#options = options
    const { runtime, checks } = options
    this.#probes = new Probes({ runtime, checks })
    this.#run = this.#serving(runtime)
    this.#handler = this.#newHandler()
  }

  /** Where it is reached from this machine, while it runs; ends with '/'. */
  get url(): string | undefined {
    return this.#url
  }

  /**
   * Serves the same without a port of its own, to mount in a server of `node:http` or Express, or to call with the raw request and
   * response of Fastify. Uses `request.body` where a framework has parsed it. Paths outside of `basePath` are left to `next`.
   *
   * Serves the run that this is a worker of, or without one the option `runtime`.
   */
  handler(): OpsRequestHandler {
    return (request, response, next) => {
      const handle = (): void => void this.#handler.handle(request, response, next)
      const context = this.#context ?? this.#outsideContext()
      if (context === undefined) handle()
      else withContext(context, handle)
    }
  }

  /** @throws PortInUseError, HostNotFoundError; InvalidArgumentError if it runs already */
  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    if (this.#isRunning) {
      throw new InvalidArgumentError(
        'OpsServer: expected one that does not run; got one that does; create another',
      )
    }
    this.#isRunning = true
    const runtime = this.#options.runtime ?? currentRuntime()
    if (runtime !== undefined) this.#probes.follow(runtime)
    this.#context = currentContext()
    this.#run = this.#serving(runtime)
    this.#handler = this.#newHandler(signal)
    try {
      await this.#listen(signal)
    } finally {
      this.#context = undefined
      this.#url = undefined
      this.#isRunning = false
    }
  }

  /** That of the option `runtime`, so that calls are logged where its run logs. Undefined before that has begun. */
  #outsideContext(): Context | undefined {
    const { runtime } = this.#options
    const records = runtime && recordsOf(runtime)
    if (records?.logger === undefined) return undefined
    const { clock } = records
    return new Context({ clock, records, logger: records.logger(), graceMs: undefined }, '')
  }

  async #listen(signal: AbortSignal): Promise<void> {
    const { host, port, basePath } = this.#settings
    const listener = new OpsListener(this.handler())
    this.#url = urlOf(host, await listener.listen(host, port), basePath)
    healthCheckpoint()
    workerReady()
    const record = currentContext()?.record
    // Never hung: requests may be far apart.
    if (record !== undefined) record.live = { isIdle: () => true }
    const stop = linkedController(signal)
    const beating = this.#run?.beat(stop.signal)
    try {
      await untilAborted(signal, [listener.failed(), beating])
    } finally {
      stop.abort(signal.reason)
      stop.dispose()
      this.#run?.streams.close()
      await Promise.allSettled([beating, listener.stop(currentClock())])
    }
  }

  #serving(runtime: Runtime | undefined): ServedRun | undefined {
    if (runtime === undefined) return undefined
    const server = (): ServerFacts => this.#facts
    return new ServedRun({ options: this.#options, runtime, id: this.#id, server, clock: currentClock() })
  }

  get #facts(): ServerFacts {
    return { isOpen: isOpen(this.#settings), proxy: { header: this.#proxy.header } }
  }

  /** With the clock of the run that the server is made in, and later of the one that it is a worker of. */
  #newHandler(stopping?: AbortSignal): OpsHandler {
    const clock = currentClock()
    const settings = this.#settings
    const wrongTokens = new WrongTokens(clock)
    const sessions = new Sessions(settings, wrongTokens, clock)
    const { metrics } = settings
    const services = servicesOf(this.#run, { probes: this.#probes, sessions, metrics })
    return new OpsHandler({ settings, services, wrongTokens, proxy: this.#proxy, clock, stopping })
  }
}

/** @throws what one of `others` rejects with before */
async function untilAborted(signal: AbortSignal, others: (Promise<unknown> | undefined)[]): Promise<void> {
  let resolved = (): void => {}
  const aborted = new Promise<void>((resolve) => (resolved = resolve))
  onAbort(signal, resolved)
  const failures = others.map((other) => other?.then(() => aborted) ?? aborted)
  try {
    await Promise.race([aborted, ...failures])
  } finally {
    offAbort(signal, resolved)
  }
}

function urlOf(host: string, port: number, basePath: string): string {
  const isAny = ['', '0', '0.0.0.0', '::', '::0'].includes(host)
  const shown = isAny ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `http://${shown}:${port}${basePath}`
}
