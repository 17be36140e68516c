// The program of each process of the pool in line-counters.ts: it gets a file, with its name as the context, and answers with the
// counts of its lines.
import { serve } from 'runutil/pool/child'
import { classify } from './lines.ts'

await serve(({ context, body }) => {
  const name = Buffer.from(context ?? []).toString()
  return JSON.stringify(classify(name, body ?? new Uint8Array()))
})
