import { describe } from '../../core/describe.ts'
import { InvalidArgumentError } from '../../core/errors.ts'
import { unrefTimeout } from '../../core/event-loop.ts'
import { textOf } from '../../core/thrown.ts'
import { FrameReader } from '../relay/frame-reader.ts'
import { TOKEN_VARIABLE } from '../relay/handshake.ts'
import { MessageReader } from '../relay/message-reader.ts'
import type { PayloadMessage } from '../relay/message.ts'
import { isPayload, payloadOf } from '../relay/payload.ts'
import type { Bytes, Encoded } from '../relay/encoding.ts'
import { type Protocol, detectProtocol } from '../relay/protocol.ts'
import { type CallHandlers, handlerOfCalls } from './calls.ts'
import { type ChildLink, openLink } from './child-link.ts'
import { ignoreSignals, redirectConsole } from './guards.ts'
import type { Answer, Handler, Tools } from './handler.ts'
import { watchParent } from './parent-watch.ts'
import { reportProgress, setProgress } from './progress.ts'

/** Options of `serve`. */
export interface ServeOptions {
  /**
   * Whether an idle worker blocks in its read, which is faster. Its timers, connections and signal handlers don't run
   * then; with false they do. Default true. Over a socket, and once a handler has awaited I/O, it never blocks.
   */
  blocking?: boolean | undefined
}

/** How long timers and connections may keep a stopped process alive. */
const LINGER_MS = 1_000

let isServing = false

/**
 * Performs the tasks of a `ProcessPool` until it sends a stop, on any relay and in any protocol of the pool. Given functions
 * by name, it performs the calls of `pool.call`.
 *
 * A payload's `body` is always present, `context` only if it has bytes. An error of the handler fails its task with a
 * JobError that has the message, at most 65,536 characters of it; the worker goes on. In pipes mode stdout belongs to
 * the relay: `console.log` prints to stderr there, and nothing else may write to stdout.
 *
 * A process serves once: a second call rejects, since both would read the same relay.
 *
 * Resolves on a stop. After that, the process has a second to clean up before it exits. Until then SIGINT, SIGTERM and
 * SIGHUP are ignored: the pool, which receives them too, lets tasks end. When the parent has ended, the process exits at once,
 * with the processes it has started; when it is blocked, within a second or so.
 *
 * @example
 * await serve(({ body }) => Buffer.from(body).toString().toUpperCase())
 */
export async function serve(handler: Handler | CallHandlers, options: ServeOptions = {}): Promise<void> {
  const handle = checked(handler)
  if (isServing) throw new InvalidArgumentError('serve: expected one call in a process; it serves already')
  isServing = true
  const address = process.env['RR_RELAY']
  const token = process.env[TOKEN_VARIABLE]
  // Child processes of this process must not inherit the token.
  delete process.env[TOKEN_VARIABLE]
  if (address === undefined || address === 'pipes') redirectConsole()
  const restoreSignals = ignoreSignals()
  const link = openLink(address, options.blocking ?? true)
  const { protocol, messages } = await listen(link, token !== undefined)
  const worker = new ServedWorker({ link, protocol, token, handle })
  for (;;) {
    const message = messages.next()
    if (message === undefined) {
      const chunk = link.read()
      messages.frames.feed(chunk instanceof Promise ? await chunk : chunk)
    } else if (message.kind === 'payload') {
      // At least one turn of the microtasks a task, for what a handler has begun and doesn't await.
      await worker.do(message)
    } else if (!worker.handleControl(message.data)) break
  }
  worker.end()
  link.close()
  restoreSignals()
  unrefTimeout(forceExit, LINGER_MS)
}

function checked(handler: unknown): Handler {
  if (typeof handler === 'function') return handler as Handler
  if (typeof handler === 'object' && handler !== null && Object.keys(handler).length > 0) {
    return handlerOfCalls(handler as CallHandlers)
  }
  throw new InvalidArgumentError(
    `serve: expected a function (payload) => answer, or functions by name; got ${describe(handler)}`,
  )
}

/** Detects the protocol from the first bytes. */
async function listen(
  link: ChildLink,
  extended: boolean,
): Promise<{ protocol: Protocol; messages: MessageReader }> {
  let first = await link.read()
  let protocol = detectProtocol(first)
  while (protocol === undefined) {
    first = Buffer.concat([first, await link.read()])
    protocol = detectProtocol(first)
  }
  const frames = new FrameReader(protocol, Infinity)
  frames.extended = extended
  frames.feed(first)
  return { protocol, messages: new MessageReader(frames, 'child') }
}

interface ServedWorkerProps {
  readonly link: ChildLink
  readonly protocol: Protocol
  /** Identifies this process to the pool as `serve`; undefined when the parent is another program. */
  readonly token: string | undefined
  readonly handle: Handler
}

/** Performs tasks one at a time, and handles the parent's control messages between them. */
class ServedWorker {
  readonly #props: ServedWorkerProps
  readonly #progress: ((json: string) => void) | undefined
  /** The number of the last task. */
  #nth = 0
  #endWatch: (() => void) | undefined

  constructor(props: ServedWorkerProps) {
    this.#props = props
    const { link, protocol, token } = props
    if (token !== undefined) this.#progress = (json) => link.write(protocol.control(json))
  }

  /** The answer has been sent when this returns or resolves; asynchronous only if the handler is. */
  do(message: PayloadMessage): void | Promise<void> {
    // Not before the first task: an idle worker notices that its relay closes.
    this.#endWatch ??= watchParent()
    setProgress(this.#progress)
    this.#nth++
    const { handle } = this.#props
    try {
      const result = handle(payloadOf(message.context, message.body), this.#tools(this.#nth))
      if (isPromise(result)) return this.#answerLater(result, message.id)
      this.#answer(result, message.id)
    } catch (error) {
      this.#fail(error, message.id)
    }
  }

  #tools(task: number): Tools {
    return {
      reportProgress: (value) => {
        if (this.#nth === task) reportProgress(value)
      },
    }
  }

  /** @returns false for a stop */
  handleControl(json: Buffer): boolean {
    const { link, protocol, token } = this.#props
    const command = JSON.parse(json.toString()) as { stop?: unknown; ping?: unknown } | null
    if (command?.stop === true) return false
    const reply = command?.ping === true ? { pong: true } : { pid: process.pid, token }
    link.write(protocol.control(JSON.stringify(reply)))
    return true
  }

  end(): void {
    this.#endWatch?.()
  }

  async #answerLater(result: PromiseLike<Answer>, id: number): Promise<void> {
    try {
      this.#answer(await this.#props.link.during(result), id)
    } catch (error) {
      this.#fail(error, id)
    }
  }

  /** @throws InvalidArgumentError, before anything is sent */
  #answer(result: Answer, id: number): void {
    this.#send(encode(this.#props.protocol, result), id)
  }

  /** Reports the failure; whatever was thrown, a failed task doesn't end the worker. */
  #fail(error: unknown, id: number): void {
    this.#send(this.#props.protocol.error(textOf(error)), id)
  }

  #send(encoded: Encoded, id: number): void {
    const { link, protocol } = this.#props
    setProgress(undefined)
    protocol.setId(encoded, id)
    link.write(encoded)
  }
}

function encode(protocol: Protocol, result: Answer): Encoded {
  if (isBytes(result)) return protocol.answer('', result)
  if (result === undefined) return protocol.answer('', '')
  if (isPayload(result)) {
    const { context = '', body = '' } = result
    if (isBytes(context) && isBytes(body)) return protocol.answer(context, body)
  }
  throw new InvalidArgumentError(
    `serve: expected the handler to return a string, a Uint8Array or { context?, body? }; got ${describe(result)}`,
  )
}

function isBytes(value: unknown): value is Bytes {
  return typeof value === 'string' || value instanceof Uint8Array
}

function isPromise(value: unknown): value is PromiseLike<Answer> {
  return typeof (value as PromiseLike<Answer> | undefined)?.then === 'function'
}

function forceExit(): void {
  process.stderr.write(
    `runutil/pool/child: still up ${LINGER_MS} ms after the stop, because of ${process.getActiveResourcesInfo().join(', ')}\n`,
  )
  process.exit()
}
