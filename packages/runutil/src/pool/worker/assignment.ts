import type { Clock } from '../../core/clock.ts'
import { describe } from '../../core/describe.ts'
import { InvalidArgumentError } from '../../core/errors.ts'
import { EmptyPayloadError, JobError, PayloadTooLargeError, WorkerError } from '../errors.ts'
import type { Dialect } from '../relay/handshake.ts'
import { type Message, type PayloadMessage, isStopRequest } from '../relay/message-reader.ts'
import { type Payload, isPayload, payloadOf } from '../relay/payload.ts'
import { type Bytes, type Encoded, lengthOf } from '../relay/protocol.ts'
import { AnswerParts } from './answer-parts.ts'

/** What a worker is given to do. */
export interface Assignment {
  readonly encoded: Encoded
  /** Whether a worker must have nothing else to do beside it. */
  readonly exclusive: boolean
  /** The worker has come to it: by now, or once it has answered what it was sent before. */
  begin(clock: Clock): void
  /** A part of the answer; others follow. @throws OversizedFrameError when they are too much together */
  part(message: PayloadMessage): void
  progress(value: unknown): void
  /** Called once, unless `failed` or `handedBack` is. */
  answered(message: Message): void
  failed(error: WorkerError): void
  /** The worker has ended, and never began it. */
  handedBack(): void
}

export interface Performer {
  readonly pid: number
  perform(assignment: Assignment): void
  stop(): unknown
}

/** Has this worker and no other do a task. @throws JobError, WorkerError */
export async function performedBy(
  worker: Performer,
  encoded: Encoded,
  { maxFrame }: Pick<Dialect, 'maxFrame'>,
): Promise<Payload> {
  const parts = new AnswerParts(maxFrame)
  const last = await new Promise<Message>((answered, failed) => {
    const part = (message: PayloadMessage): void => parts.add(message)
    const nothing = (): void => {}
    worker.perform({
      encoded,
      exclusive: false,
      begin: nothing,
      part,
      progress: nothing,
      answered,
      failed,
      // What is the only one is never ahead of its turn.
      handedBack: nothing,
    })
  })
  const answer = parts.whole(last)
  if (!isStopRequest(answer)) return new Promise((resolve, reject) => settle(answer, resolve, reject))
  void worker.stop()
  const { pid } = worker
  throw new WorkerError(`worker ${pid} asked to be replaced instead of doing the task`, { pid })
}

/** An answer to the caller of exec. */
export function settle(
  message: Message,
  resolve: (payload: Payload) => void,
  reject: (error: Error) => void,
): void {
  if (message.kind === 'payload') resolve(payloadOf(message.context, message.body))
  else reject(new JobError(message.data))
}

/**
 * A task as it goes to the relay. A payload of up to 8 KiB is copied here; a larger body must stay as it is until it
 * was answered.
 *
 * @throws EmptyPayloadError, PayloadTooLargeError, InvalidArgumentError
 */
export function encodeTask(dialect: Dialect, payload: Payload | Bytes): Encoded {
  if (isBytes(payload)) return encodeParts(dialect, '', payload)
  if (isPayload(payload)) {
    const { context = '', body = '' } = payload
    if (isBytes(context) && isBytes(body)) return encodeParts(dialect, context, body)
  }
  throw new InvalidArgumentError(
    `exec: expected a string, a Uint8Array or { context?, body? } of Uint8Arrays; got ${describe(payload)}`,
  )
}

function encodeParts({ protocol, maxFrame }: Dialect, context: Bytes, body: Bytes): Encoded {
  const first = lengthOf(context)
  const second = lengthOf(body)
  if (first + second === 0) throw new EmptyPayloadError()
  const largest = protocol.framesPerMessage === 1 ? first + second : Math.max(first, second)
  const limit = Math.min(maxFrame, protocol.longestData)
  if (largest > limit) throw new PayloadTooLargeError(largest, limit)
  return protocol.task(context, body)
}

function isBytes(value: unknown): value is Bytes {
  return typeof value === 'string' || value instanceof Uint8Array
}
