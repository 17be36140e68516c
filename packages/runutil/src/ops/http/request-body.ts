import type { IncomingMessage } from 'node:http'
import { describe } from '../../core/describe.ts'
import { reasonOf } from '../../core/thrown.ts'
import { OpsError } from '../ops-error.ts'

/** 64 KiB. */
export const MOST_BODY = 64 * 1024

/** A request whose body a framework may have read already. */
export type MaybeParsed = IncomingMessage & { readonly body?: unknown; readonly _body?: unknown }

/**
 * The JSON object in the body of a request; `{}` for an empty one. What a framework has made of it, in `request.body`, is used.
 *
 * @throws OpsError 400, 413
 */
export async function jsonBody(request: MaybeParsed): Promise<Readonly<Record<string, unknown>>> {
  if (Number(request.headers['content-length'] ?? 0) > MOST_BODY) throw tooLarge()
  const { body } = request
  if (isParsed(request)) return typeof body === 'string' ? fromText(body) : checked(body ?? {})
  if (Buffer.isBuffer(body)) return fromBytes(body)
  if (request.readableEnded || request.destroyed) {
    throw badBody('it has been read before: set body of the request to what was read')
  }
  return fromBytes(await bytesOf(request))
}

/** Express 4 sets `{}` on requests that no parser has looked at. */
function isParsed({ body, _body, readableEnded }: MaybeParsed): boolean {
  if (body === undefined || Buffer.isBuffer(body)) return false
  const isEmpty = typeof body === 'object' && body !== null && Object.keys(body).length === 0
  return !isEmpty || _body === true || readableEnded
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose)
    }
    const onData = (chunk: Buffer): void => {
      length += chunk.length
      chunks.push(chunk)
      if (length <= MOST_BODY) return
      leave()
      request.pause()
      reject(tooLarge())
    }
    const onEnd = (): void => {
      leave()
      resolve(Buffer.concat(chunks))
    }
    const onClose = (): void => {
      leave()
      reject(badBody('the connection was closed within it'))
    }
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose)
  })
}

function fromBytes(bytes: Buffer): Readonly<Record<string, unknown>> {
  if (bytes.length > MOST_BODY) throw tooLarge()
  try {
    return fromText(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw error instanceof OpsError ? error : badBody('it is not UTF-8')
  }
}

function fromText(text: string): Readonly<Record<string, unknown>> {
  if (text.trim() === '') return {}
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw badBody(reasonOf(error))
  }
  return checked(value)
}

function checked(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw badBody(`got ${describe(value)}`)
}

function badBody(why: string): OpsError {
  return new OpsError(400, 'bad-request', `body: expected a JSON object; ${why}`)
}

function tooLarge(): OpsError {
  // The rest of it is not worth reading.
  return new OpsError(413, 'body-too-large', `body: expected at most ${MOST_BODY} bytes; got more`, {
    connection: 'close',
  })
}
