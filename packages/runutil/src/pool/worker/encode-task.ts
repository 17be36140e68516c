import { describe } from '../../core/describe.ts'
import { InvalidArgumentError } from '../../core/errors.ts'
import { EmptyPayloadError, PayloadTooLargeError } from '../errors.ts'
import { type Bytes, type Encoded, lengthOf } from '../relay/encoding.ts'
import type { Dialect } from '../relay/handshake.ts'
import { type Payload, isPayload } from '../relay/payload.ts'

/**
 * Encodes a task for the relay. A payload of up to 8 KiB is copied; a larger body must not be changed until the task is
 * answered.
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
