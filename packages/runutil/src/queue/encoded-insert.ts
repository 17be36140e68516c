import { encodePayloads } from './codec.ts'
import { EncodedForAnotherError } from './existing-job.ts'
import type { InsertOptions, NewJob } from './job-store.ts'
import type { Enqueued } from './job.ts'
import type { ObservedJobStore } from './observed-job-store.ts'

/** How often a payload is encoded again because another job holds its unique key by then. */
const MOST_ROUNDS = 20

/**
 * Inserts jobs with their payloads encoded. A payload is encoded for the job that it is stored with, which may be one that is
 * there: the store tells which, and looks again when it gets the payload that was encoded for that.
 *
 * @throws as JobStore.insert; what `encode` throws; ErrInvalidJob when it doesn't give JSON
 */
export function insertEncoded(
  store: ObservedJobStore,
  jobs: readonly NewJob[],
  options: InsertOptions,
): Promise<Enqueued[]> {
  const { tracer } = store
  if (tracer === undefined) return insert(store, jobs, options)
  return tracer.enqueue(jobs, (traced) => insert(store, traced, options))
}

async function insert(
  store: ObservedJobStore,
  jobs: readonly NewJob[],
  options: InsertOptions,
): Promise<Enqueued[]> {
  const { codec, maxJson } = store
  if (codec === undefined) return store.insert(jobs, options)
  const encoded = await encodePayloads(jobs, codec, maxJson)
  // Only a unique key leads to a job of another id.
  const canDiffer = options.onExists === 'replace' && jobs.some(({ unique }) => unique !== undefined)
  if (!canDiffer) return store.insert(encoded, options)
  let sent = encoded.map((job): NewJob => ({ ...job, encodedFor: job.id }))
  for (let round = 1; ; round++) {
    try {
      return await store.insert(sent, options)
    } catch (error) {
      if (!(error instanceof EncodedForAnotherError) || round === MOST_ROUNDS) throw error
      const places = [...error.ids]
      const again = places.map(([at, id]): NewJob => ({ ...jobs[at]!, id }))
      const texts = await encodePayloads(again, codec, maxJson)
      sent = [...sent]
      for (const [nth, [at, id]] of places.entries()) {
        sent[at] = { ...sent[at]!, payload: texts[nth]!.payload, encodedFor: id }
      }
    }
  }
}
