import { describe } from '../core/describe.ts'
import { InvalidArgumentError } from '../core/errors.ts'
import { toJson } from '../core/json.ts'
import type { Payload } from './relay/payload.ts'

/** The handlers passed to `serve`, by name. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a handler of any input is one
export type CallHandlers = Record<string, (input: any, ...rest: any[]) => unknown>

export type InputOf<H> = H extends (...args: infer A) => unknown ? A[0] : never
export type ResultOf<H> = H extends (...args: never[]) => infer R ? Awaited<R> : never

/** A call as a task: its name in the context, its input as JSON in the body. @throws InvalidArgumentError */
export function encodeCall(name: unknown, input: unknown): Payload {
  if (typeof name !== 'string' || name === '') {
    throw new InvalidArgumentError(`call: expected the name of a handler; got ${describe(name)}`)
  }
  return { context: Buffer.from(JSON.stringify({ call: name })), body: Buffer.from(textOf(input)) }
}

/** The handler's result; an empty body means undefined. */
export function decodeResult({ body }: Payload): unknown {
  if (body === undefined || body.length === 0) return undefined
  return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString()) as unknown
}

/** The input as JSON; its length is limited only by maxFrame. */
function textOf(input: unknown): string {
  return input === undefined ? '' : toJson(input, 'call: input', Infinity)
}
