import { type Duration, wait } from 'runutil'

/** As if Ctrl-C was pressed then. */
export async function stopLater(after: Duration, stop: AbortSignal): Promise<void> {
  await wait(after, stop)
  if (!stop.aborted) process.emit('SIGINT', 'SIGINT')
}
