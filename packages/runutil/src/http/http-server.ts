import { wholeNumber } from '../core/whole-number.ts'
import { workerReady } from '../core/worker-ready.ts'
import { workerKind } from '../core/worker-kind.ts'
import { offAbort, onAbort } from '../core/abort.ts'
import { currentClock, currentContext, currentLogger } from '../core/context.ts'
import { type Duration, toMs } from '../core/duration.ts'
import { InvalidArgumentError } from '../core/errors.ts'
import { healthCheckpoint } from '../core/health.ts'
import { log } from '../core/log.ts'
import { checkName, checkOptions } from '../core/options.ts'
import { sleep } from '../core/wait.ts'
import type { Worker } from '../core/worker.ts'
import { Connections } from './connections.ts'
import { listenError } from '../core/listen-errors.ts'
import {
  type HttpApp,
  type HttpListener,
  type ListeningPlan,
  type NodeHttpServer,
  toListeningPlan,
} from './node-http-server.ts'

/** Options of `httpServer`. */
export interface HttpServerOptions {
  /** 0: any free port. */
  port: number
  /** A name or address of this machine. Default: all its addresses. */
  host?: string | undefined
  /**
   * How long idle connections stay open during a stop, for requests already in flight on them: these are answered with
   * `Connection: close`. Upgraded connections (WebSockets) have the same time to close. Default 1 s.
   */
  keepAliveGrace?: Duration | undefined
}

/** The share of the run's grace period that is reserved for cutting off requests. */
const LEFT_OF_GRACE = 0.1
const MOST_LEFT_MS = 1_000

/**
 * Runs a server as a worker: one of `node:http` or `node:https`, or an app of Fastify or Express.
 *
 * It is ready when it listens. When stopped, it accepts no new connections, answers running requests and those that still arrive on
 * open connections, and closes idle and upgraded ones after `keepAliveGrace`. Requests still running shortly before the end of the
 * run's `grace` are cut off, with a warning. When restarted, it listens again.
 *
 * @throws InvalidArgumentError, InvalidDurationError at the call; the worker fails with a PortInUseError or HostNotFoundError
 *
 * @example
 * { name: 'Http', worker: httpServer(createServer(app), { port: 8080 }) }
 */
export function httpServer(
  server: NodeHttpServer | HttpApp | HttpListener,
  options: HttpServerOptions,
): Worker {
  const what = 'httpServer'
  const plan = toListeningPlan(server, what)
  const {
    port,
    host,
    keepAliveGrace = '1s',
  } = checkOptions(what, options, ['port', 'host', 'keepAliveGrace'])
  wholeNumber(port, `${what}: port`, { max: 65_535 })
  if (host !== undefined) checkName(host, `${what}: host`)
  const keepAliveGraceMs = toMs(keepAliveGrace, `${what}: keepAliveGrace`)
  refuseListening(server, what)
  const run = (signal: AbortSignal): Promise<void> => serve(plan, { port, host, keepAliveGraceMs }, signal)
  const worker = { [workerKind]: 'http', run }
  return worker
}

function refuseListening(server: object, what: string): void {
  const { listening } = ((server as Partial<HttpApp>).server ?? server) as Partial<NodeHttpServer>
  if (listening !== true) return
  throw new InvalidArgumentError(
    `${what}: expected a server that does not listen yet; got one that does; leave listen() to it`,
  )
}

interface Settings {
  readonly port: number
  readonly host: string | undefined
  readonly keepAliveGraceMs: number
}

async function serve(plan: ListeningPlan, settings: Settings, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const { port, host } = settings
  const server = await plan.listen(port, host).catch((error: unknown) => {
    throw listenError(error, port, host)
  })
  const connections = new Connections(server)
  try {
    healthCheckpoint()
    workerReady()
    const record = currentContext()?.record
    // Never hung: requests may be far apart, and take any time.
    if (record !== undefined) record.live = { isIdle: () => true }
    await untilStopped(server, signal)
    if (server.listening) await stop(server, connections, settings)
  } finally {
    connections.detach()
  }
}

/** Resolves at the abort, or when the server is closed by other code. @throws the error of the server's 'error' event */
function untilStopped(server: NodeHttpServer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      server.off('close', ended)
      server.off('error', failed)
      offAbort(signal, ended)
    }
    const ended = (): void => {
      leave()
      resolve()
    }
    const failed = (error: Error): void => {
      leave()
      reject(error)
    }
    server.on('close', ended)
    server.on('error', failed)
    onAbort(signal, ended)
  })
}

async function stop(server: NodeHttpServer, connections: Connections, settings: Settings): Promise<void> {
  const clock = currentClock()
  const graceMs = currentContext()?.scope.graceMs
  const closed = new AbortController()
  const close = (): void => closed.abort()
  server.on('close', close)
  connections.stopAccepting()
  const cutMs = graceMs === undefined ? undefined : graceMs - Math.min(MOST_LEFT_MS, graceMs * LEFT_OF_GRACE)
  const cut = cutMs === undefined ? undefined : clock.setTimeout(() => cutOff(connections), cutMs)
  await sleep(clock, settings.keepAliveGraceMs, closed.signal)
  connections.closeIdle()
  if (!closed.signal.aborted) await new Promise<void>((resolve) => onAbort(closed.signal, resolve))
  cut?.clear()
  server.off('close', close)
}

function cutOff(connections: Connections): void {
  const { running } = connections
  if (running > 0)
    log(
      currentLogger(),
      'warn',
      { running },
      'requests are cut off: they did not end within the grace period',
    )
  connections.destroyAll()
}
