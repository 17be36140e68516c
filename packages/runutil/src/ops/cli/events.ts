import { failed } from './command-errors.ts'
import type { ApiClient, Fields } from './api-client.ts'
import type { Terminal } from './terminal.ts'

/** An event of the stream, its data read as JSON. */
export interface StreamEvent {
  readonly name: string
  readonly data: unknown
}

/** The server says something each 15 s. */
const SILENCE_MS = 45_000

/**
 * The events of the server, until the stream ends or `signal` aborts.
 *
 * @throws CommandError when there is no answer, it refuses, the connection is lost, or nothing comes for 45 s
 */
export async function* eventsOf(
  api: ApiClient,
  fields: Fields,
  { clock, signal }: Pick<Terminal, 'clock' | 'signal'>,
): AsyncGenerator<StreamEvent, void> {
  const ending = new AbortController()
  const end = (): void => ending.abort()
  signal.addEventListener('abort', end, { once: true })
  let timer = clock.setTimeout(end, SILENCE_MS)
  try {
    const { body } = await api.open('events', fields, { signal: ending.signal })
    const decoder = new TextDecoder()
    let rest = ''
    for await (const chunk of body ?? []) {
      timer.clear()
      timer = clock.setTimeout(end, SILENCE_MS)
      const blocks = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n\n')
      rest = blocks.pop()!
      for (const block of blocks) yield* eventIn(block)
    }
  } catch (error) {
    if (signal.aborted) return
    throw ending.signal.aborted ? failed(`nothing heard from ${api.url} for ${SILENCE_MS / 1_000} s`) : error
  } finally {
    timer.clear()
    signal.removeEventListener('abort', end)
    ending.abort()
  }
}

/** None in a comment, such as a ping. */
function eventIn(block: string): StreamEvent[] {
  const lines = block.split('\n')
  const field = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
  const name = field('event')
  const data = field('data')
  return name === undefined || data === undefined ? [] : [{ name, data: JSON.parse(data) as unknown }]
}
