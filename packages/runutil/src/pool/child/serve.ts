import { inspect } from 'node:util'
import { InvalidArgumentError, describe } from '../../core/errors.ts'
import { unlessEnded } from '../../core/unless-ended.ts'
import { FrameReader } from '../relay/frame-reader.ts'
import { MessageReader } from '../relay/message-reader.ts'
import { type Payload, isPayload, payloadOf } from '../relay/payload.ts'
import type { Bytes, Encoded, Protocol } from '../relay/protocol.ts'
import { detectProtocol } from '../relay/protocols.ts'
import { type ChildLink, openLink } from './child-link.ts'

/** A context of `{"stop":true}` without a body asks the pool to replace this worker and have another do the task. */
export type Handler = (payload: Payload) => Answer | PromiseLike<Answer>

type Answer = Payload | Uint8Array | string | void

export interface ServeOptions {
  /**
   * Whether an idle worker blocks in its read, which is quicker. Its timers, connections and signal handlers stand
   * still then; with false they go on. Default true. Over a socket, and once a handler has awaited I/O, it never blocks.
   */
  blocking?: boolean | undefined
}

/** How long a process that was told to stop may be kept up by its timers and connections. */
const LINGER_MS = 1_000
/** In characters, as a string counts them. */
const LONGEST_ERROR = 64 * 1024

/**
 * Does the tasks of a `ProcessPool` until it says stop, on whichever relay and in whichever protocol it speaks.
 *
 * A payload's `body` is always there, `context` only if it has bytes. What the handler throws fails its task with a
 * JobError that carries the message, at most 65,536 characters of it; the worker goes on. In pipes mode stdout belongs to
 * the relay: print to stderr.
 *
 * Resolves when told to stop. There is a second then to clean up; what still runs after it is cut off. When the parent
 * is gone, the process exits at once.
 *
 * @example
 * await serve(({ body }) => Buffer.from(body).toString().toUpperCase())
 */
export async function serve(handler: Handler, options: ServeOptions = {}): Promise<void> {
  if (typeof handler !== 'function') {
    throw new InvalidArgumentError(`serve: expected a function (payload) => answer; got ${describe(handler)}`)
  }
  const link = openLink(process.env.RR_RELAY, options.blocking ?? true)
  const { protocol, messages } = await listen(link)
  for (;;) {
    const message = messages.next()
    if (message === undefined) {
      messages.frames.feed(await link.read())
    } else if (message.kind === 'payload') {
      const payload = payloadOf(message.context, message.body)
      link.write(await answer(handler, payload, link, protocol))
    } else if (isStop(message.data)) {
      break
    } else {
      link.write(protocol.control(JSON.stringify({ pid: process.pid })))
    }
  }
  link.close()
  unlessEnded(cutOff, LINGER_MS)
}

/** The first bytes tell the protocol. */
async function listen(link: ChildLink): Promise<{ protocol: Protocol; messages: MessageReader }> {
  let first = await link.read()
  let protocol = detectProtocol(first)
  while (protocol === undefined) {
    first = Buffer.concat([first, await link.read()])
    protocol = detectProtocol(first)
  }
  const frames = new FrameReader(protocol, Infinity)
  frames.feed(first)
  return { protocol, messages: new MessageReader(frames, 'child') }
}

async function answer(
  handler: Handler,
  payload: Payload,
  link: ChildLink,
  protocol: Protocol,
): Promise<Encoded> {
  try {
    const result = handler(payload)
    return encode(protocol, isPromise(result) ? await link.during(result) : result)
  } catch (error) {
    return protocol.error(textOf(error).slice(0, LONGEST_ERROR))
  }
}

/** Whatever was thrown, a task that failed ends no worker. */
function textOf(thrown: unknown): string {
  try {
    const said = thrown instanceof Error ? thrown.message : thrown
    return typeof said === 'string' ? said : inspect(said)
  } catch {
    return 'the handler threw what cannot be shown'
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

function isStop(json: Buffer): boolean {
  return (JSON.parse(json.toString()) as { stop?: unknown } | null)?.stop === true
}

function cutOff(): void {
  process.stderr.write(
    `runutil/pool/child: still up ${LINGER_MS} ms after the stop, because of ${process.getActiveResourcesInfo().join(', ')}\n`,
  )
  process.exit()
}
