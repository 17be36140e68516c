import { type Worker, backoff, currentRun, reportProgress, supervise, wait, workerReady } from 'runutil'

/** A tree with a worker that crashes again and again until its supervisor gives up, is started again, and so on. */
export function storefront(): Worker {
  const catalogue = supervise([
    { name: 'Stock', worker: idle },
    { name: 'Search', worker: slowToStart, after: 'Stock' },
    { name: 'WarmUp', worker: noMemory, restart: 'temporary' },
  ])
  const prices = supervise([{ name: 'Feed', worker: noSuchHost }], {
    retry: backoff('2s'),
    intensity: { restarts: 3, within: '1m' },
  })
  return supervise(
    [
      { name: 'Catalogue', worker: catalogue },
      { name: 'Prices', worker: prices, retry: backoff('10s') },
    ],
    { strategy: 'rest_for_one' },
  )
}

async function idle(signal: AbortSignal): Promise<void> {
  workerReady()
  await wait('365d', signal)
}

async function slowToStart(signal: AbortSignal): Promise<void> {
  await wait('5s', signal)
  await idle(signal)
}

function noMemory(): never {
  throw new Error('no memory left for the cache')
}

async function noSuchHost(signal: AbortSignal): Promise<void> {
  await wait('1s', signal)
  if (!signal.aborted) throw new Error('no such host: prices.example.com')
}

/** Fails from time to time, and works again. */
export async function connectionToRates(signal: AbortSignal): Promise<void> {
  workerReady()
  await wait('45s', signal)
  if (!signal.aborted) throw new Error('connection reset by rates.example.com')
}

/** Each minute, for some seconds; each third time it fails. */
export async function settlement(signal: AbortSignal): Promise<void> {
  for (let account = 0; account < 10 && !signal.aborted; account++) {
    reportProgress(account, 10, `account ${account}`)
    await wait('1s', signal)
  }
  if (currentRun()!.scheduledFor.getMinutes() % 3 === 0) throw new Error('the bank does not answer')
}
