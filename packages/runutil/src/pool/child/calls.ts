import { describe } from '../../core/describe.ts'
import { InvalidArgumentError } from '../../core/errors.ts'
import { toJson } from '../../core/json.ts'
import type { Payload } from '../relay/payload.ts'
import type { Handler, Tools } from './handler.ts'

/** The handlers for `pool.call`, by name. Input and result are JSON. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a handler of any input is one
export type CallHandlers = Record<string, (input: any, tools: Tools) => unknown>

/** A handler of tasks that are calls. @throws InvalidArgumentError */
export function handlerOfCalls(handlers: CallHandlers): Handler {
  for (const [name, handler] of Object.entries(handlers)) {
    if (typeof handler !== 'function') {
      throw new InvalidArgumentError(
        `serve: expected a function for each name; got ${describe(handler)} for '${name}'`,
      )
    }
  }
  return async (payload, tools) => {
    const name = nameIn(payload)
    if (!Object.hasOwn(handlers, name)) {
      throw new Error(`there is no handler '${name}'; there are ${Object.keys(handlers).join(', ')}`)
    }
    return jsonOf(await handlers[name]!(inputOf(payload), tools), name)
  }
}

function nameIn({ context }: Payload): string {
  try {
    const { call } = JSON.parse(textOf(context)) as { call?: unknown }
    if (typeof call === 'string') return call
  } catch {
    // Not a call.
  }
  throw new Error('this worker takes calls only: pool.call(name, input)')
}

function inputOf({ body }: Payload): unknown {
  return body === undefined || body.length === 0 ? undefined : (JSON.parse(textOf(body)) as unknown)
}

function textOf(bytes: Uint8Array = new Uint8Array()): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()
}

/** The result as JSON; its length is limited only by maxFrame. */
function jsonOf(result: unknown, name: string): string {
  return result === undefined ? '' : toJson(result, `serve: what the handler '${name}' returned`, Infinity)
}
